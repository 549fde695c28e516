"""The device that a probe runs on: waiting for it, its own clock, its memory, and who else uses it."""

from __future__ import annotations

import os
from typing import Any

import psutil

from bench.cost.nvml import Gpu, NotCountedError
from bench.errors import BenchError

_MIB = 2**20
# A GPU that computes more than this before a probe has begun is not ours alone.
_BUSY = 0.1


class EventClock:
    """A context manager that times its block by CUDA events: from when the GPU comes to it to when it has done it.

    Attributes:
        milliseconds: Of each block, in order.
    """

    def __init__(self, index: int) -> None:
        self._index = index
        self.milliseconds: list[float] = []

    def __enter__(self) -> None:
        import torch

        event: Any = torch.cuda.Event
        self._events = event(enable_timing=True), event(enable_timing=True)
        self._stream = torch.cuda.current_stream(self._index)
        self._events[0].record(self._stream)

    def __exit__(self, *_: object) -> None:
        start, end = self._events
        end.record(self._stream)
        end.synchronize()
        self.milliseconds.append(start.elapsed_time(end))


class Device:
    """A device that has nothing of its own to tell: the CPU; also the base of the others.

    Args:
        name: As torch names it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def synchronise(self) -> None:
        """Wait until all that was started on it is done."""

    def clock(self) -> EventClock | None:
        """A clock of its own; None where it has none."""
        return None

    def reset_peaks(self) -> None:
        """Start a new phase of memory use."""

    def peaks(self) -> dict[str, float]:
        """Peak MiB of the device's memory in this phase, by what is counted; empty where it has none of its own."""
        return {}

    def release(self) -> None:
        """Give back what an allocation that failed has left behind."""

    def facts(self) -> dict[str, Any]:
        """Which devices there are and what they do just now; empty where there is nothing to tell."""
        return {}


class Mps(Device):
    """Apple's GPU; its memory is the machine's."""

    def synchronise(self) -> None:
        """Wait until all that was started on it is done."""
        import torch

        torch.mps.synchronize()


class Cuda(Device):
    """An NVIDIA GPU."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._index = int(name.partition(":")[2] or 0)

    def gpu(self) -> Gpu:
        """The same GPU as NVML knows it.

        Raises:
            NotCountedError: NVML is not there.
        """
        import torch

        uuid = str(torch.cuda.get_device_properties(self._index).uuid)
        return Gpu(uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")

    def synchronise(self) -> None:
        """Wait until all that was started on it is done."""
        import torch

        torch.cuda.synchronize(self._index)

    def clock(self) -> EventClock:
        """CUDA events on the stream that work is put on."""
        return EventClock(self._index)

    def reset_peaks(self) -> None:
        """Start a new phase of memory use."""
        import torch

        torch.cuda.reset_peak_memory_stats(self._index)

    def peaks(self) -> dict[str, float]:
        """Peak MiB that torch's tensors took (allocated) and that its cache held (reserved)."""
        import torch

        return {
            "allocated": torch.cuda.max_memory_allocated(self._index) / _MIB,
            "reserved": torch.cuda.max_memory_reserved(self._index) / _MIB,
        }

    def release(self) -> None:
        """Empty torch's cache."""
        import torch

        torch.cuda.empty_cache()

    def facts(self) -> dict[str, Any]:
        """All GPUs by name; clocks, temperature and power state of this one."""
        import torch

        found: dict[str, Any] = {
            "gpus": {f"cuda:{index}": torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
        }
        try:
            return found | self.gpu().state()
        except NotCountedError as error:
            return found | {"not_read": error.one_line}


def open_device(name: str) -> Device:
    """The device that torch calls by this name."""
    kind = name.partition(":")[0]
    return {"cuda": Cuda, "mps": Mps}.get(kind, Device)(name)


def process_memory(device: Device) -> float | None:
    """MiB of the GPU's memory that this process takes, CUDA's own part included; None of other devices.

    Raises:
        NotCountedError: NVML is not there, or does not know this process.
    """
    if not isinstance(device, Cuda):
        return None
    found = device.gpu().processes().get(os.getpid())
    if found is None:
        raise NotCountedError("NVML does not tell this process's memory, as in containers with their own process ids")
    return found


def require_free(name: str, where: str) -> None:
    """Make sure that no other process uses a GPU; where NVML is not there, `Device.facts` says that it was not read.

    Args:
        name: The device.
        where: The model that is to be measured.

    Raises:
        BenchError: Another process uses it. This process and those that started it do not count.
    """
    device = open_device(name)
    if not isinstance(device, Cuda):
        return
    try:
        gpu = device.gpu()
        listed, busy = gpu.processes(), gpu.busy()
    except NotCountedError:
        return
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    # In a container a process may be listed by its number outside, our own parent too: then only its work tells.
    others = {pid: mib for pid, mib in listed.items() if pid not in own and psutil.pid_exists(pid)}
    if not others and busy <= _BUSY:
        return
    told = ", ".join(
        f"process {pid}" + (f" ({mib:,.0f} MiB)" if mib is not None else "") for pid, mib in sorted(others.items())
    )
    raise BenchError(
        f"{name} is used by {told}" if told else f"{name} is {busy:.0%} busy with processes that are not visible here",
        where=where,
        hint="wait for them or stop them (`nvidia-smi` lists them), or take another device: `--device cuda:1`",
    )
