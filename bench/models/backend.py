"""What runs a model besides torch: which packages it takes, and how sentence-transformers is told."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from bench.errors import BenchError, UsageError
from bench.models.registry import Backend, ModelEntry

# The packages of each backend, the one that exports models first.
_PACKAGES: dict[Backend, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("optimum-onnx", "onnxruntime"),
    "openvino": ("optimum-intel", "openvino"),
}
# They read the model that is exported.
_READERS = ("torch", "transformers")


def exporter_versions(backend: Backend, where: str) -> dict[str, str]:
    """The versions of all that decides what an export for a backend holds.

    Args:
        backend: The backend.
        where: Who wants it, for messages.

    Raises:
        BenchError: A package of the backend is not installed.
    """
    _require(backend, where)
    return {name: metadata.version(name) for name in (*_PACKAGES[backend], *_READERS)}


def check_backend(entry: ModelEntry) -> None:
    """Refuse an entry that its backend cannot run here.

    Raises:
        UsageError: The backend has no such dtype or device.
        BenchError: A package of it is not installed.
    """
    where = f"model `{entry.name}`"
    if entry.misfit is not None:
        raise UsageError(entry.misfit, where=where)
    _require(entry.backend, where)


def _require(backend: Backend, where: str) -> None:
    missing = [name for name in _PACKAGES[backend] if not _installed(name)]
    if missing:
        raise BenchError(
            f"backend {backend} needs packages that are not installed: {', '.join(missing)}",
            where=where,
            hint=f"pip install 'mrl-bench[{backend}]'; docs/models.md says with which versions that works",
        )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def loading_options(entry: ModelEntry, *, export: bool = False) -> dict[str, Any]:
    """The arguments of SentenceTransformer that an entry's backend and dtype ask for.

    An export runs on as many threads as torch would, in float32 whatever shorter types the processor has: a model's
    vectors must not depend on the machine.

    Args:
        entry: The entry.
        export: Whether the model has to be exported first.
    """
    import torch

    if entry.backend == "torch":
        return {"model_kwargs": {"dtype": getattr(torch, entry.dtype)}}
    threads = torch.get_num_threads()
    settings: dict[str, Any] = {"export": export}
    if entry.backend == "onnx":
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = threads
        settings |= {"provider": "CPUExecutionProvider", "session_options": session}
    else:
        settings["ov_config"] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
    return {"backend": entry.backend, "model_kwargs": settings}
