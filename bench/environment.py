"""The environment: what a cost figure depends on besides the model, as facts and as a fingerprint."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from bench.files import digest_json

_LIBRARIES = (
    "torch transformers tokenizers sentence-transformers numpy scipy faiss-cpu bm25s "
    "optimum optimum-onnx onnxruntime optimum-intel openvino"
).split()
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
# Instructions that matrix products are made of; others differ between kernels and make no vector faster.
_VECTOR_FLAGS = re.compile(r"sse4_2|avx\w*|fma|f16c|amx\w*|asimd\w*|sve\w*|bf16|i8mm")
_CPU_INFO = Path("/proc/cpuinfo")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@cache
def describe() -> dict[str, Any]:
    """Hardware, operating system, library versions, and variables that set threads and GPUs; loads no library."""
    memory = psutil.virtual_memory().total
    return {
        "cpu": _cpu_name(),
        "cpu_flags": _cpu_flags(),
        "governor": _governor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "os": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "gpus": gpus(),
    }


def fingerprint() -> str:
    """Short hex identity of `describe()`."""
    return digest_json(describe())[:12]


@cache
def gpus() -> list[dict[str, Any]]:
    """Name, memory and driver of each NVIDIA GPU; empty without one or without nvidia-ml-py."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [
            {
                "name": pynvml.nvmlDeviceGetName(handle),
                "memory_gib": round(pynvml.nvmlDeviceGetMemoryInfo(handle).total / 2**30),
                "driver": driver,
            }
            for handle in handles
        ]
    finally:
        pynvml.nvmlShutdown()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    return _cpu_info("model name") or platform.processor() or platform.machine()


def _cpu_flags() -> list[str]:
    """The vector instructions of the first core, sorted; empty where the system does not tell."""
    flags = (_cpu_info("flags") or _cpu_info("Features")).split()
    return sorted({flag for flag in flags if _VECTOR_FLAGS.fullmatch(flag)})


def _governor() -> str | None:
    """What sets the clock rate; None where the system does not tell."""
    with suppress(OSError):
        return _GOVERNOR.read_text(encoding="ascii").strip()
    return None


def _cpu_info(key: str) -> str:
    """A line of /proc/cpuinfo, for the first core that has it."""
    with suppress(OSError):
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return ""
