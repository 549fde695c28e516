"""The GPU path, with stand-ins for NVML and torch.cuda."""

from __future__ import annotations

import os
import sys

import pytest
from fake_gpu import FakeGpu

from bench.cost import devices
from bench.cost.devices import open_device, process_memory, require_free
from bench.cost.energy import Meter, meter_of, why_not
from bench.cost.nvml import NotCountedError
from bench.errors import BenchError


@pytest.fixture
def gpu(monkeypatch):
    return FakeGpu().install(monkeypatch)


@pytest.fixture
def gpu_without_nvml(monkeypatch):
    return FakeGpu().install(monkeypatch, nvml=False)


def test_the_cpu_has_nothing_of_its_own():
    device = open_device("cpu")
    device.synchronise()
    assert (device.clock(), device.peaks(), device.facts(), process_memory(device)) == (None, {}, {}, None)
    require_free("cpu", "model `x`")


def test_every_gpu_is_named_and_the_one_in_use_tells_its_clocks(gpu):
    assert open_device("cuda:1").facts() == {
        "gpus": {"cuda:0": "Fake H1 no 0", "cuda:1": "Fake H1 no 1"},
        "sm_mhz": 1980,
        "memory_mhz": 2619,
        "celsius": 40,
        "power_state": 0,
    }
    gpu.missing = {"nvmlDeviceGetClockInfo"}
    assert set(open_device("cuda:1").facts()) == {"gpus", "celsius", "power_state"}


def test_the_gpu_is_found_by_its_uuid_and_not_by_its_number(gpu):
    # NVML of the stand-in knows only the GPU that torch calls number 1.
    assert open_device("cuda:0").facts()["not_read"] == "NVML does not answer: Not Found"


def test_events_lie_around_the_block_on_its_stream(gpu):
    clock = open_device("cuda:1").clock()
    with clock:
        gpu.log.append("work")
    assert gpu.log == ["event on stream 1", "work", "event on stream 1", "event reached"]
    assert clock.milliseconds == [2.5]


def test_peaks_are_those_of_torch(gpu):
    device = open_device("cuda:1")
    device.reset_peaks()
    assert device.peaks() == {"allocated": 100.0, "reserved": 200.0}
    device.synchronise()
    device.release()
    assert gpu.log == ["reset 1", "synchronise 1", "empty"]


def test_the_memory_of_this_process_is_nvmls(gpu):
    gpu.processes = {os.getpid(): 612, 1: 5}
    assert process_memory(open_device("cuda:1")) == 612
    gpu.processes = {1: 5}
    with pytest.raises(NotCountedError, match="containers"):
        process_memory(open_device("cuda:1"))


def test_own_processes_may_use_the_gpu(gpu):
    gpu.processes = {os.getpid(): 600, os.getppid(): 900}
    require_free("cuda:1", "model `x`")


def test_a_gpu_in_use_is_refused_by_process_and_memory(gpu, monkeypatch):
    monkeypatch.setattr(devices.psutil, "pid_exists", lambda pid: pid != 999_999)
    gpu.processes = {os.getpid(): 600, 4_711_000: 3021, 4_712_000: None, 999_999: 1}
    with pytest.raises(BenchError) as caught:
        require_free("cuda:1", "model `x`")
    assert caught.value.message == "cuda:1 is used by process 4711000 (3,021 MiB), process 4712000"
    assert caught.value.where == "model `x`"
    assert "nvidia-smi" in caught.value.hint


def test_a_gpu_that_works_for_processes_that_are_not_visible_is_refused(gpu, monkeypatch):
    monkeypatch.setattr(devices.psutil, "pid_exists", lambda pid: False)
    gpu.processes, gpu.busy = {4_711_000: 3021}, 8
    require_free("cuda:1", "model `x`")
    gpu.busy = 55
    with pytest.raises(BenchError, match="55% busy"):
        require_free("cuda:1", "model `x`")


def test_without_nvml_the_facts_say_so_and_the_rest_works(gpu_without_nvml):
    require_free("cuda:1", "model `x`")
    device = open_device("cuda:1")
    assert device.facts()["not_read"] == "nvidia-ml-py is not installed"
    assert device.peaks()["allocated"] == 100.0
    with pytest.raises(NotCountedError, match="not installed"):
        process_memory(device)
    with pytest.raises(NotCountedError, match="not installed"):
        meter_of(device)


def test_energy_of_a_gpu_is_its_counters_difference(gpu):
    meter: Meter = meter_of(open_device("cuda:1"))
    gpu.millijoules += 4_000
    meter.start()
    gpu.millijoules += 7_500
    assert meter.joules() == pytest.approx(7.5)
    gpu.missing = {"nvmlDeviceGetTotalEnergyConsumption"}
    with pytest.raises(NotCountedError, match="Not Supported"):
        meter_of(open_device("cuda:1"))


def test_only_a_process_that_looks_knows_whether_a_gpu_counts():
    assert why_not("cuda:1") is None


def test_apples_gpu_has_no_known_counter():
    with pytest.raises(NotCountedError, match="mps"):
        meter_of(open_device("mps"))


def test_the_library_is_only_loaded_where_there_is_a_gpu(monkeypatch):
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    open_device("cpu").facts()
    assert "pynvml" not in sys.modules
