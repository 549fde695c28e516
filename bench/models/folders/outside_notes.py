"""What a plan says about what a model takes from outside of its folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.models.folders.outside import find_outside
from bench.models.folders.places import Place, code_files
from bench.models.folders.references import config_files, modules_by_repo, named_classes
from bench.models.registry import ModelEntry
from bench.paths import bytes_if_there
from bench.regular import MOST_TEXT

# Functions by which code loads more files when it runs.
_LOADERS = frozenset(
    "from_pretrained hf_hub_download snapshot_download cached_file get_class_from_dynamic_module".split()
)
_REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")


def outside_notes(entry: ModelEntry, folder: Path) -> list[str]:
    """A sentence on each base and repository that a model takes files from, and on what code of it loads by itself.

    Args:
        entry: The model's entry.
        folder: The model's files.

    Raises:
        BenchError: Something that it takes is not here.
    """
    outside = find_outside(entry, folder)
    notes = [f"{entry.name}: an adapter over {_place(base.name, base.place)}" for base in outside.bases.values()]
    notes += [f"{entry.name}: runs code of {_place(part.repo, part.place)}" for part in outside.all_code]
    own = modules_by_repo(named_classes(config_files(folder))).get("", [])
    python = [*(folder / name for name in code_files(folder, own)), *outside.python]
    if outside.runs_code and (names := sorted(set(_named(python)))):
        notes.append(
            f"{entry.name}: its code loads {', '.join(names)} by itself: what that gives is no part of its fingerprint"
        )
    return notes


def _place(name: str, place: Place) -> str:
    return f"{name} at {place.commit}" if place.commit else str(place.folder)


def _named(paths: Iterable[Path]) -> Iterator[str]:
    """Hub ids that code passes to what loads files: as texts, or by names that the file gives to texts."""
    for path in paths:
        try:
            tree = ast.parse(bytes_if_there(path, MOST_TEXT) or b"")
        except (ValueError, SyntaxError):
            # Loading it fails, and says so.
            continue
        texts = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called = getattr(call.func, "attr", getattr(call.func, "id", None))
            if called not in _LOADERS:
                continue
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                text = texts.get(given.id) if isinstance(given, ast.Name) else getattr(given, "value", None)
                if isinstance(text, str) and _REPOSITORY.match(text):
                    yield text
