"""The folder that a model is loaded from: its own, or one that bench builds of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.errors import BenchError
from bench.models.backend import check_backend, loading_options
from bench.models.built import built_folder
from bench.models.drawn import draw_model
from bench.models.fingerprint import files_read, fingerprint
from bench.models.folders.gathered import gathered_folder
from bench.models.folders.outside import find_outside
from bench.models.folders.weights import exported_files
from bench.models.registry import ModelEntry
from bench.models.source import Located


def ready_folder(entry: ModelEntry, located: Located) -> Path:
    """The folder to load a model from; what lies outside of its own is gathered, weights are drawn and exports made.

    Args:
        entry: The entry.
        located: Its files; nothing is written beside them but in bench's cache, once.

    Raises:
        UsageError: Its backend cannot run it under its settings.
        BenchError: A package of the backend, or peft for an adapter, is not installed, the model cannot be exported,
            or the cache cannot be written.
    """
    check_backend(entry)
    folder = located.path
    exported = [] if entry.drawn else exported_files(folder, entry.backend)
    outside = find_outside(entry, folder)
    ready = not entry.drawn and (entry.backend == "torch" or bool(exported))
    if ready and not outside:
        return folder
    identity = fingerprint(entry, folder).space
    if outside.bases and find_spec("peft") is None:
        # Without it transformers may leave the adapter out.
        raise BenchError(
            "is an adapter, and the package peft that puts one over its base is not installed",
            where=f"model `{entry.name}`",
            hint="pip install 'mrl-bench[peft]'",
        )
    if outside:
        folder = gathered_folder(identity, folder, [*files_read(entry, folder), *exported], outside)
    if entry.drawn:
        source, files = folder, list(files_read(entry, folder))
        folder = built_folder(f"{identity}-weights", lambda draft: draw_model(entry, source, files, draft))
    if entry.backend != "torch" and not exported:
        whole = folder
        folder = built_folder(f"{identity}-{entry.backend}", lambda draft: _export(entry, whole, draft))
    return folder


def _export(entry: ModelEntry, source: Path, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    try:
        SentenceTransformer(
            str(source),
            device="cpu",
            trust_remote_code=entry.trust_remote_code,
            local_files_only=True,
            **loading_options(entry, export=True),
        ).save_pretrained(str(folder), create_model_card=False)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        raise BenchError(
            f"cannot be exported for {entry.backend}: {type(error).__name__}: {reason}",
            where=f"model `{entry.name}`",
            hint="docs/models.md says which versions fit; `bench --debug ...` shows the Python traceback",
        ) from error
