"""Where a model's files come from: a folder, an installed package, the Hub's local cache, the Hub."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from bench.cache import sha256_of
from bench.errors import BenchError
from bench.files import path_exists, user_path, walk_files
from bench.hub import NotDownloadedError, snapshot
from bench.models.outside import find_outside
from bench.models.registry import Backend, ModelEntry

SourceKind = Literal["folder", "package", "hub", "recipe"]

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")
# Weights of other frameworks and exports: a sentence-transformers model on torch reads none of them.
HUB_IGNORED = "onnx/* openvino/* *.onnx *.h5 *.ot *.msgpack *.tflite coreml/* *.gguf *.tar.gz".split()
_TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model", "*.tiktoken", "whitespace*.json")
# What is downloaded of a model whose weights are drawn: configurations, tokenizer and code.
_HUB_CONFIGURATION = ["*.json", "*.txt", "*.model", "*.tiktoken", "*.py"]
# The first of a backend's files is the graph; what follows holds weights that are not in it.
_EXPORTED: dict[Backend, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("model.onnx", "model.onnx_data", "model.onnx.data"),
    "openvino": ("openvino_model.xml", "openvino_model.bin"),
}


class NotMadeError(BenchError):
    """A model with a recipe has not been trained yet."""


@dataclass(frozen=True)
class Located:
    """Local files of a model.

    Attributes:
        path: The folder that holds them.
        source: The source that gave them, as written in the registry.
        kind: What kind of source it is.
        revision: The Hub commit, where there is one.
    """

    path: Path
    source: str
    kind: SourceKind
    revision: str | None = None


def locate(entry: ModelEntry, *, download: bool) -> Located:
    """The local files of a model, from the first of its sources that has them.

    Args:
        entry: An entry that is no baseline.
        download: Whether the Hub may be asked; otherwise only its local cache is.

    Raises:
        NotDownloadedError: Only the Hub can have it and `download` is False.
        NotMadeError: It has a recipe and has not been trained yet.
        BenchError: No source has it, the weights are missing or their SHA-256 differs.
    """
    if entry.recipe is not None:
        return _made(entry)
    reasons: list[BenchError] = []
    for source in entry.source:
        try:
            located = _locate_one(entry, source, download=download)
            _check_files(entry, located.path)
            find_outside(entry, located.path, download=download)
        except BenchError as error:
            reasons.append(error)
            continue
        return located
    # A place on the Hub still to be asked outranks the reasons of the others.
    waiting = next((reason for reason in reasons if isinstance(reason, NotDownloadedError)), None)
    if waiting is not None:
        raise waiting
    if len(reasons) == 1:
        raise reasons[0]
    raise BenchError(
        "no source has this model: " + "; ".join(reason.one_line for reason in reasons),
        where=f"model `{entry.name}`",
        hint="; ".join(dict.fromkeys(reason.hint for reason in reasons if reason.hint)) or None,
    )


def _made(entry: ModelEntry) -> Located:
    """The files of a model that is made from a recipe."""
    if entry.made is None or not path_exists(entry.made):
        raise NotMadeError(
            "has not been trained yet", where=f"model `{entry.name}`", hint=f"bench train {shlex.quote(entry.name)}"
        )
    _check_files(entry, entry.made)
    return Located(entry.made, f"recipe {entry.made.parent.name[:12]}", "recipe")


def _locate_one(entry: ModelEntry, source: str, *, download: bool) -> Located:
    where = f"model `{entry.name}`"
    if source.startswith("package:"):
        return Located(_package_folder(source.removeprefix("package:"), where), source, "package")
    if source.startswith("hub:"):
        return _hub(entry, source.removeprefix("hub:"), source, download=download)
    folder = entry.base_dir / user_path(source)
    if path_exists(folder):
        if not folder.is_dir():
            raise BenchError(f"{source} is a file; a model is a folder", where=where)
        return Located(folder.resolve(), source, "folder")
    looks_like_path = source.startswith((".", "/", "~")) or source.count("/") > 1 or "\\" in source
    if looks_like_path or not _HUB_ID.match(source):
        raise BenchError(f"no folder {folder}", where=where, hint="check the path in `source`")
    return _hub(entry, source, source, download=download)


def _package_folder(spec: str, where: str) -> Path:
    """The model folder in an installed package, found without importing (and so running) it."""
    name, _, inner = spec.partition("/")
    try:
        found = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        raise BenchError(
            f"the Python package `{name}` is not installed",
            where=where,
            hint=f"pip install {name.replace('_', '-')}, or add another source" if name.isidentifier() else None,
        )
    root = Path(next(iter(found.submodule_search_locations)))
    if inner:
        folder = (root / inner).resolve()
        if not folder.is_relative_to(root.resolve()) or not folder.is_dir():
            raise BenchError(f"the package `{name}` has no folder {inner}", where=where)
        return folder
    folders = sorted({path.parent for path in root.rglob("modules.json")})
    if len(folders) == 1:
        return folders[0]
    listed = ", ".join(str(folder.relative_to(root)) for folder in folders) or "none"
    raise BenchError(
        f"the package `{name}` should carry one sentence-transformers model; found: {listed}",
        where=where,
        hint="name the folder: package:NAME/FOLDER",
    )


def _hub(entry: ModelEntry, repo: str, source: str, *, download: bool) -> Located:
    folder = snapshot(
        repo,
        "model",
        revision=entry.revision,
        download=download,
        usable=lambda path: bool(is_configured(path) if entry.drawn else weight_files(path)),
        where=f"model `{entry.name}`",
        otherwise="give a local folder as `source`",
        allow=_HUB_CONFIGURATION if entry.drawn else None,
        ignore=HUB_IGNORED,
    )
    return Located(folder, source, "hub", revision=folder.name)


def weight_files(folder: Path) -> list[Path]:
    """The files with torch weights, of every module and adapter: safetensors, else pickled `.bin` files."""
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in _own_files(folder):
        by_folder[path.parent].append(path)
    found = []
    for paths in by_folder.values():
        found += [path for path in paths if path.suffix == ".safetensors" or path.name == "adapter_model.bin"]
        # Loaders take these before pytorch_model*.bin; other safetensors replace nothing.
        if not {"model.safetensors", "model.safetensors.index.json"} & {path.name for path in paths}:
            found += [path for path in paths if path.match("pytorch_model*.bin")]
    return sorted(found)


def exported_files(folder: Path, backend: Backend) -> list[Path]:
    """The files of a model's export for a backend, in a module's folder or in one there named like the backend."""
    modules = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir() and path.name != backend)]
    places = [place for module in modules for place in (module, module / backend)]
    found = [place / name for place in places for name in _EXPORTED[backend] if (place / name).is_file()]
    # Without its graph an export cannot be loaded.
    return found if any(path.name == _EXPORTED[backend][0] for path in found) else []


def has_tokenizer(folder: Path) -> bool:
    """Whether a model's folder holds a tokenizer."""
    names = [path.name for path in _own_files(folder)]
    return any(fnmatch(name, pattern) for name in names for pattern in _TOKENIZERS)


def is_configured(folder: Path) -> bool:
    """Whether a folder says what a model is made of."""
    return (folder / "config.json").is_file() or (folder / "modules.json").is_file()


def _own_files(folder: Path) -> Iterator[Path]:
    """The files of the model itself: not of its exports to other runtimes, nor of checkpoints of its training."""
    for path in walk_files(folder):
        parts = path.relative_to(folder).parts[:-1]
        if not any(part in {"onnx", "openvino"} or part.startswith("checkpoint-") for part in parts):
            yield path


def _check_files(entry: ModelEntry, folder: Path) -> None:
    where = f"model `{entry.name}`"
    if entry.drawn:
        if not is_configured(folder):
            raise BenchError(
                f"no configuration in {folder} (looked for config.json and modules.json)",
                where=where,
                hint="copy the model's config.json; random weights need nothing else",
            )
        return
    weights = [*weight_files(folder), *exported_files(folder, entry.backend)]
    if not weights:
        raise BenchError(
            f"no weights in {folder} (looked for *.safetensors and pytorch_model*.bin)",
            where=where,
            hint="copy the whole model folder; a file kept by Git LFS needs `git lfs pull`",
        )
    if not has_tokenizer(folder):
        raise BenchError(
            f"no tokenizer in {folder} (looked for {', '.join(_TOKENIZERS)})",
            where=where,
            hint="copy the whole model folder; without its tokenizer texts cannot be told apart",
        )
    if entry.sha256 is None:
        return
    found = {path: sha256_of(path) for path in weights}
    if entry.sha256 not in found.values():
        listed = ", ".join(f"{path.name} has {digest}" for path, digest in found.items())
        raise BenchError(
            f"the weights in {folder} are not the ones the registry names: expected sha256 {entry.sha256}, {listed}",
            where=where,
            hint="get the right files, or correct `sha256` if the change is meant",
        )
