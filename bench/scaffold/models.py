"""Models that are here: sentence-transformers folders of the project, and packages that carry one."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from bench.config import read_yaml
from bench.errors import BenchError
from bench.inside import inside
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.reading import parse_json, read_text
from bench.scaffold.folders import project_folders, unlike
from bench.shipped import shipped

DEFAULT_MODEL = "all-MiniLM-L6-v2"
MODULES = "modules.json"
_PACKAGE = "package:"
_WIDTH_KEYS = ("out_features", "word_embedding_dimension", "embedding_dimension")
_MATRYOSHKA_TAGS = {"matryoshka", "loss:MatryoshkaLoss"}
_MATRYOSHKA_DIMS = re.compile(r'"matryoshka_dims":\s*\[([\d,\s]+)\]')


@dataclass
class Models:
    """The models of a project.

    Attributes:
        entries: Their entries in models.yaml.
        notes: What is to be said of those that were not taken.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_models(folder: Path) -> Models:
    """The models of a project, then those of installed packages; without any, the smallest that bench knows.

    Args:
        folder: The project's folder.

    Raises:
        BenchError: The shipped registry cannot be read.
    """
    models = Models()
    taken: set[str] = set()
    for place, files in project_folders(folder):
        if any(file.name == MODULES for file in files) and _is_model(place / MODULES):
            _add_local(models, place, folder, taken)
    for entry in _packaged():
        # A model of the project may have been copied from the package.
        if entry["name"] not in taken:
            taken.add(entry["name"])
            models.entries.append(entry)
    if not models.entries:
        models.entries.append(_shipped_entry(DEFAULT_MODEL))
        models.notes.append(f"no model is here: {DEFAULT_MODEL} is fetched from the Hugging Face Hub by the first run")
    return models


def _is_model(path: Path) -> bool:
    try:
        modules = parse_json(read_text(path))
    except (BenchError, ValueError, RecursionError):
        return False
    return (
        isinstance(modules, list)
        and bool(modules)
        and all(isinstance(module, dict) and "type" in module for module in modules)
    )


def _add_local(models: Models, place: Path, folder: Path, taken: set[str]) -> None:
    inner = place.relative_to(folder).as_posix()
    name = (folder if inner == "." else place).resolve().name
    entry = {"name": name, "kind": "pretrained", "source": "." if inner == "." else f"./{inner}"}
    try:
        locate(ModelEntry.model_validate(entry).model_copy(update={"base_dir": folder}), download=False)
    except (BenchError, ValueError) as error:
        reason = error.one_line if isinstance(error, BenchError) else "its folder's name can be no model's"
        models.notes.append(f"model {inner} is not taken: {reason}")
        return
    kind, trained = _from_card(place / "README.md")
    dims = {"truncate_dims": trained} if trained else _dims(place)
    models.entries.append(entry | {"name": unlike(name, taken), "kind": kind} | dims)


def _from_card(card: Path) -> tuple[str, list[int]]:
    """The kind and the trained dimensions that a model's card tells of."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    try:
        tags = (metadata_load(card) or {}).get("tags") or []
        text = read_text(card)
    except (BenchError, OSError, ValueError, RecursionError, YAMLError):
        return "pretrained", []
    known = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
    if known & _MATRYOSHKA_TAGS:
        dims = _MATRYOSHKA_DIMS.search(text)
        return "mrl", sorted({int(dim) for dim in re.findall(r"\d+", dims[1])}, reverse=True) if dims else []
    trained = "generated_from_trainer" in known or any(tag.startswith("loss:") for tag in known)
    return ("fine-tuned" if trained else "pretrained"), []


def _width(place: Path) -> int | None:
    """The dimensions of a model's vectors, as the last of its modules that states them does."""
    width = None
    for module in parse_json(read_text(place / MODULES)):
        inner = module.get("path", "")
        try:
            path = (inside(place, inner) if inner else place) / "config.json"
            settings = parse_json(read_text(path))
        except (BenchError, ValueError, RecursionError):
            continue
        stated = [settings.get(key) for key in _WIDTH_KEYS] if isinstance(settings, dict) else []
        width = next((value for value in stated if isinstance(value, int) and value > 0), width)
    return width


def _dims(place: Path) -> dict[str, list[int]]:
    """The full width, a half and a quarter of it; nothing where the width is not told."""
    width = _width(place)
    return {} if width is None else {"truncate_dims": [width // share for share in (1, 2, 4) if width >= share]}


def _packaged() -> Iterator[dict[str, Any]]:
    """The entries of the models that installed packages carry, found without importing them."""
    known = {
        source: entry
        for entry in read_yaml(shipped("models.yaml")).data["models"]
        for source in ([entry.get("source")] if isinstance(entry.get("source"), str) else entry.get("source") or [])
    }
    for package in sorted(metadata.distributions(), key=lambda package: package.name or ""):
        places = [PurePosixPath(str(file)) for file in package.files or [] if file.name == MODULES]
        for place in places:
            here = Path(str(package.locate_file(place)))
            if len(place.parts) < 2 or not _is_model(here):
                continue
            top, *inner = place.parent.parts
            alone = len(places) == 1
            source = f"{_PACKAGE}{top}" if alone else f"{_PACKAGE}{'/'.join((top, *inner))}"
            name = package.name if alone else f"{package.name}-{'-'.join(inner)}"
            if importlib.util.find_spec(top) is not None:
                entry = known.get(source) or {"name": name, "kind": "pretrained", "source": source}
                yield entry | _dims(here.parent)


def _shipped_entry(name: str) -> dict[str, Any]:
    return next(dict(entry) for entry in read_yaml(shipped("models.yaml")).data["models"] if entry["name"] == name)
