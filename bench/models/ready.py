"""The folder that a model is loaded from: its own, or one that bench builds of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.errors import BenchError
from bench.inside import OutsideError, check_links
from bench.models.backend import check_backend, loading_options
from bench.models.built import built_folder
from bench.models.drawn import draw_model
from bench.models.fingerprint import files_read, fingerprint, is_weights
from bench.models.folders.gathered import gathered_folder
from bench.models.folders.outside import Base, Code, Outside, find_outside
from bench.models.folders.weights import exported_files
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.paths import walk_files


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
    files = list(files_read(entry, folder))
    if not ready:
        _check_links(entry, folder, files, outside)
    if outside:
        folder = gathered_folder(identity, folder, [*files, *exported], outside)
    if entry.drawn:
        # What was gathered is linked, to files that were checked.
        source, kept = folder, [path for path in walk_files(folder) if not is_weights(path)] if outside else files
        folder = built_folder(f"{identity}-weights", lambda draft: draw_model(entry, source, kept, draft))
    if entry.backend != "torch" and not exported:
        whole = folder
        folder = built_folder(f"{identity}-{entry.backend}", lambda draft: _export(entry, whole, draft))
    return folder


def _check_links(entry: ModelEntry, folder: Path, files: list[Path], outside: Outside) -> None:
    """Refuse files that would be copied, or saved again, from outside of the folders that they belong to."""
    parts: list[Code | Base] = [*outside.all_code, *outside.bases.values()]
    named = [(part.place.folder, [part.place.folder / name for name in part.files]) for part in parts]
    try:
        for place, paths in [(folder, files), *named]:
            check_links(place, paths)
    except OutsideError as error:
        raise BenchError(error.message, where=f"model `{entry.name}`", hint=error.hint) from error


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
