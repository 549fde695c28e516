"""Where a model's files come from: a folder, an installed package, the Hub's local cache, the Hub."""

from __future__ import annotations

import importlib.util
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.cache import sha256_of
from bench.errors import BenchError
from bench.hub import NotDownloadedError, downloaded, is_snapshot, snapshot
from bench.models.folders.checking import check_folder, check_snapshot
from bench.models.folders.outside import find_outside
from bench.models.folders.places import HUB_ID
from bench.models.folders.weights import exported_files, weight_files
from bench.models.manifest import MANIFEST, NoManifestError, damage
from bench.models.registry import ModelEntry
from bench.paths import files_below, is_folder, path_exists
from bench.reading import user_path
from bench.regular import check_kind

SourceKind = Literal["folder", "package", "hub", "recipe"]

# Weights of other frameworks and exports: a sentence-transformers model on torch reads none of them.
HUB_IGNORED = "onnx/* openvino/* *.onnx *.h5 *.ot *.msgpack *.tflite coreml/* *.gguf *.tar.gz".split()
# What is downloaded of a model whose weights are drawn: configurations, tokenizer and code.
_HUB_CONFIGURATION = ["*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "*.py"]


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
    _check_made(entry, entry.made)
    _check_files(entry, entry.made)
    return Located(entry.made, f"recipe {entry.made.parent.name[:12]}", "recipe")


def _check_made(entry: ModelEntry, made: Path) -> None:
    """Refuse a made model whose files are not as they were made."""
    where, again = f"model `{entry.name}`", f"bench train {shlex.quote(entry.name)}"
    try:
        wrong = damage(made.parent, made.parent / MANIFEST)
    except NoManifestError as error:
        raise BenchError(f"{made.parent} {error.message}", where=where, hint=f"{again} checks it") from error
    if wrong:
        raise BenchError(
            f"damaged: {', '.join(wrong)} in {made.parent}",
            where=where,
            hint=f"{again} makes it again, bench cache clear --model {made.parent.name[:12]} deletes it",
        )


def _locate_one(entry: ModelEntry, source: str, *, download: bool) -> Located:
    where = f"model `{entry.name}`"
    if source.startswith("package:"):
        return Located(_package_folder(source.removeprefix("package:"), where), source, "package")
    repo = hub_repo(source, entry.base_dir)
    if repo is not None:
        return _hub(entry, repo, source, download=download)
    folder = entry.base_dir / user_path(source)
    if not path_exists(folder):
        raise BenchError(f"no folder {folder}", where=where, hint="check the path in `source`")
    check_kind(folder)
    if not is_folder(folder):
        raise BenchError(f"{source} is a file; a model is a folder", where=where)
    if is_snapshot(folder.resolve()):
        check_snapshot(entry, folder.resolve(), downloaded=False)
    return Located(folder.resolve(), source, "folder")


def hub_repo(source: str, base_dir: Path) -> str | None:
    """The Hub id in a source; None of a package and of a path, that of a folder which is there or looks like one.

    Args:
        source: The source.
        base_dir: Folder that relative paths start from.
    """
    if source.startswith("hub:"):
        return source.removeprefix("hub:")
    if source.startswith(("package:", ".", "/", "~")) or path_exists(base_dir / user_path(source)):
        return None
    return source if source.count("/") <= 1 and HUB_ID.match(source) else None


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
        if not folder.is_relative_to(root.resolve()) or not is_folder(folder):
            raise BenchError(f"the package `{name}` has no folder {inner}", where=where)
        return folder
    folders = sorted({path.parent for path in files_below(root, "modules.json") if path.name == "modules.json"})
    if len(folders) == 1:
        return folders[0]
    listed = ", ".join(str(folder.relative_to(root)) for folder in folders) or "none"
    raise BenchError(
        f"the package `{name}` should carry one sentence-transformers model; found: {listed}",
        where=where,
        hint="name the folder: package:NAME/FOLDER",
    )


def _hub(entry: ModelEntry, repo: str, source: str, *, download: bool) -> Located:
    allow = _HUB_CONFIGURATION if entry.drawn else None

    def usable(path: Path) -> bool:
        check_snapshot(entry, path, downloaded=downloaded(repo, "model", path, allow))
        return True

    folder = snapshot(
        repo,
        "model",
        revision=entry.revision,
        download=download,
        usable=usable,
        where=f"model `{entry.name}`",
        otherwise="give a local folder as `source`",
        allow=allow,
        ignore=HUB_IGNORED,
    )
    return Located(folder, source, "hub", revision=folder.name)


def _check_files(entry: ModelEntry, folder: Path) -> None:
    check_folder(entry, folder)
    if entry.sha256 is None:
        return
    weights = [*weight_files(folder), *exported_files(folder, entry.backend)]
    found = {path: sha256_of(path) for path in weights}
    if entry.sha256 not in found.values():
        listed = ", ".join(f"{path.name} has {digest}" for path, digest in found.items())
        raise BenchError(
            f"the weights in {folder} are not the ones the registry names: expected sha256 {entry.sha256}, {listed}",
            where=f"model `{entry.name}`",
            hint="get the right files, or correct `sha256` if the change is meant",
        )
