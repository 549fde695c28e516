"""What the driver of an NVIDIA GPU tells about it, by NVML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.errors import BenchError

_MIB = 2**20


class NotCountedError(BenchError):
    """This machine does not count something, or does not let this user read it."""


class Gpu:
    """One GPU.

    Args:
        uuid: Its UUID, as CUDA and NVML both give it; numbers differ between them.

    Raises:
        NotCountedError: nvidia-ml-py is not installed, or NVML does not know the GPU.
    """

    def __init__(self, uuid: str) -> None:
        try:
            import pynvml
        except ImportError as error:
            raise NotCountedError("nvidia-ml-py is not installed", hint="pip install 'mrl-bench[gpu]'") from error
        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        except pynvml.NVMLError as error:
            raise NotCountedError(f"NVML does not answer: {error}") from error

    def processes(self) -> dict[int, float | None]:
        """The processes that compute on it: MiB of its memory by process id, None where the driver does not tell.

        Raises:
            NotCountedError: The driver does not list them.
        """
        found = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses)
        return {
            process.pid: None if process.usedGpuMemory is None else process.usedGpuMemory / _MIB for process in found
        }

    def busy(self) -> float:
        """Share of the driver's last sampling period (up to a second) in which it computed, 0 to 1.

        Raises:
            NotCountedError: The driver does not tell.
        """
        return float(self._ask(self._nvml.nvmlDeviceGetUtilizationRates).gpu) / 100

    def joules(self) -> float:
        """Energy that it has used since the driver was loaded.

        Raises:
            NotCountedError: It has no such counter (it came with Volta).
        """
        return float(self._ask(self._nvml.nvmlDeviceGetTotalEnergyConsumption)) / 1000

    def state(self) -> dict[str, int]:
        """Clocks in MHz, temperature in degrees Celsius and power state (0 is the highest), as far as it tells."""
        nvml = self._nvml
        questions: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
            "sm_mhz": (nvml.nvmlDeviceGetClockInfo, (nvml.NVML_CLOCK_SM,)),
            "memory_mhz": (nvml.nvmlDeviceGetClockInfo, (nvml.NVML_CLOCK_MEM,)),
            "celsius": (nvml.nvmlDeviceGetTemperature, (nvml.NVML_TEMPERATURE_GPU,)),
            "power_state": (nvml.nvmlDeviceGetPerformanceState, ()),
        }
        found = {}
        for name, (question, arguments) in questions.items():
            try:
                found[name] = int(self._ask(question, *arguments))
            except NotCountedError:
                continue
        return found

    def _ask(self, question: Callable[..., Any], *arguments: int) -> Any:
        try:
            return question(self._handle, *arguments)
        except self._nvml.NVMLError as error:
            raise NotCountedError(f"NVML does not answer: {error}") from error
