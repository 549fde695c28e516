"""Stand-ins for NVML and for torch.cuda's interface: one GPU of invented figures, its clock moved by the test."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest
import torch

MIB = 2**20


class NVMLError(Exception):
    """As pynvml's."""


@dataclass
class FakeGpu:
    """What the stand-ins tell, to be changed by tests.

    Attributes:
        name: Of the GPU.
        processes: MiB by process id.
        busy: Percent.
        millijoules: Used so far.
        event_ms: What two CUDA events lie apart.
        allocated: Peak MiB that torch tells; reserved is twice that.
        missing: Questions that the driver does not answer.
        log: What torch was asked to do, in order.
    """

    name: str = "Fake H1"
    processes: dict[int, int | None] = field(default_factory=dict)
    busy: int = 0
    millijoules: int = 5_000
    event_ms: float = 2.5
    allocated: int = 100
    missing: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch, *, nvml: bool = True) -> FakeGpu:
        """Put the stand-ins in place, NVML's only if wanted."""
        monkeypatch.setitem(sys.modules, "pynvml", self._pynvml() if nvml else None)
        for name, stand_in in self._cuda().items():
            monkeypatch.setattr(torch.cuda, name, stand_in)
        return self

    def _pynvml(self) -> ModuleType:
        def asked(name, answer):
            def question(handle, *arguments):
                assert handle == "GPU-1234"
                if name in self.missing:
                    raise NVMLError("Not Supported")
                return answer(*arguments)

            return question

        def handle(uuid):
            if uuid != "GPU-1234":
                raise NVMLError("Not Found")
            return uuid

        clocks = {1: 1980, 2: 2619}
        answers = {
            "nvmlDeviceGetComputeRunningProcesses": lambda: [
                SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib * MIB)
                for pid, mib in self.processes.items()
            ],
            "nvmlDeviceGetUtilizationRates": lambda: SimpleNamespace(gpu=self.busy, memory=0),
            "nvmlDeviceGetTotalEnergyConsumption": lambda: self.millijoules,
            "nvmlDeviceGetClockInfo": lambda kind: clocks[kind],
            "nvmlDeviceGetTemperature": lambda sensor: 40 + sensor,
            "nvmlDeviceGetPerformanceState": lambda: 0,
        }
        module = ModuleType("pynvml")
        vars(module).update({name: asked(name, answer) for name, answer in answers.items()})
        vars(module).update(
            NVMLError=NVMLError, NVML_CLOCK_SM=1, NVML_CLOCK_MEM=2, NVML_TEMPERATURE_GPU=0,
            nvmlInit=lambda: None, nvmlDeviceGetHandleByUUID=handle,
        )  # fmt: skip
        return module

    def _cuda(self) -> dict[str, object]:
        gpu = self

        class Event:
            def __init__(self, *, enable_timing):
                assert enable_timing

            def record(self, stream):
                gpu.log.append(f"event on {stream}")

            def synchronize(self):
                gpu.log.append("event reached")

            def elapsed_time(self, end):
                assert isinstance(end, Event)
                return gpu.event_ms

        return {
            "is_available": lambda: True,
            "device_count": lambda: 2,
            "get_device_name": lambda index: f"{self.name} no {index}",
            "get_device_properties": lambda index: SimpleNamespace(uuid="1234" if index == 1 else "elsewhere"),
            "current_stream": lambda index: f"stream {index}",
            "synchronize": lambda index: self.log.append(f"synchronise {index}"),
            "reset_peak_memory_stats": lambda index: self.log.append(f"reset {index}"),
            "max_memory_allocated": lambda index: self.allocated * MIB,
            "max_memory_reserved": lambda index: 2 * self.allocated * MIB,
            "empty_cache": lambda: self.log.append("empty"),
            "Event": Event,
        }
