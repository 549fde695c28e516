"""Where models and code that a model names are found: in a folder, or in the Hub's local cache."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench.errors import BenchError
from bench.hub import snapshot
from bench.inside import OutsideError, inside
from bench.models.registry import ModelEntry
from bench.paths import bytes_if_there, has_file
from bench.reading import user_path
from bench.regular import MOST_MODEL_JSON

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")
# As transformers finds what a file of remote code needs, in dynamic_module_utils.
_IMPORTS = (
    re.compile(r"^\s*import\s+\.(\S+)\s*$", re.MULTILINE),
    re.compile(r"^\s*from\s+\.(\S+)\s+import", re.MULTILINE),
)
# In the order of transformers, which reads the first that is there.
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class Place:
    """A folder of files.

    Attributes:
        folder: The folder.
        commit: The commit on the Hub, where it is a snapshot in its cache.
    """

    folder: Path
    commit: str | None = None


@dataclass(frozen=True)
class Wanted:
    """Something that a model names.

    Attributes:
        name: A path or a Hub id.
        what: What it is to the model, for messages.
        key: What names it, for messages.
        near: The folder of the file that names it.
        files: The names of the files that are needed of a folder; empty where the folder is not whole.
        first: One of them.
        revision: Branch, tag or commit on the Hub; None for main.
        only: Patterns of the files to download; None for all.
    """

    name: str
    what: str
    key: str
    near: Path
    files: Callable[[Path], Sequence[str]]
    first: str
    revision: str | None = None
    only: Sequence[str] | None = None


def find_place(wanted: Wanted, entry: ModelEntry, *, download: bool) -> Place:
    """The folder that a name means: one on this machine, else a snapshot of the Hub.

    A relative path starts from the working directory, as the libraries have it, else from the folder of the file that
    names it or the nearest folder above that has it: where it was written, some folder above was the working directory.

    Raises:
        NotDownloadedError: Only the Hub can have it and `download` is False.
        BenchError: It is not here.
    """
    path = user_path(wanted.name)
    near = wanted.near.resolve()
    starts = [] if path.is_absolute() else list(dict.fromkeys([Path.cwd(), near, *near.parents]))
    for folder in [start / path for start in starts] or [path]:
        if wanted.files(folder):
            return Place(folder.resolve())
    where = f"model `{entry.name}`"
    if not HUB_ID.match(wanted.name):
        seen = f" (looked in {starts[0]}, {near} and the folders above)" if starts else ""
        raise BenchError(
            f"{wanted.what} is not here, or not whole: {wanted.name}{seen}",
            where=where,
            hint=f"put it there, or correct {wanted.key}",
        )
    cached = _cached(wanted)
    if cached is None:
        cached = snapshot(
            wanted.name,
            "model",
            revision=wanted.revision,
            download=download,
            usable=lambda found: bool(wanted.files(found)),
            where=f"{where}, {wanted.what}",
            otherwise=f"write the path of a folder that has it in {wanted.key}",
            allow=wanted.only,
        )
    return Place(cached, cached.name)


def _cached(wanted: Wanted) -> Path | None:
    """The snapshot in the Hub's cache that has all files, looked up as loaders do: file by file."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(wanted.name, wanted.first, revision=wanted.revision)
    if not isinstance(found, str):
        return None
    folder = Path(found).parents[len(PurePosixPath(wanted.first).parts) - 1]
    return folder if wanted.files(folder) else None


def code_files(folder: Path, modules: Sequence[str]) -> list[str]:
    """The files of Python modules and those that they import relatively, sorted; empty where one is missing."""
    waiting, found = [f"{module}.py" for module in modules], set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if not is_inside(folder, name):
            return []
        content = bytes_if_there(folder / name)
        if content is None:
            return []
        try:
            text = content.decode()
        except ValueError:
            return []
        found.add(name)
        parent = PurePosixPath(name).parent
        waiting += [(parent / f"{other}.py").as_posix() for pattern in _IMPORTS for other in pattern.findall(text)]
    return sorted(found)


def loaded_weights(folder: Path) -> list[str]:
    """The names of the weight files that transformers reads in a folder; empty where they are not all there."""
    config = read_object(folder / "config.json")
    explicit = config.get("transformers_weights") if isinstance(config, dict) else None
    if isinstance(explicit, str) and not is_inside(folder, explicit):
        return []
    names = [explicit] if isinstance(explicit, str) else _WEIGHTS
    first = next((name for name in names if has_file(folder / name)), None)
    if first is None:
        return []
    index = read_object(folder / first) if first.endswith(".index.json") else {}
    parts = index.get("weight_map") if isinstance(index, dict) else None
    shards = sorted(set(map(str, parts.values()))) if isinstance(parts, dict) else []
    names = [first, *shards]
    return names if all(is_inside(folder, name) and has_file(folder / name) for name in names) else []


def is_inside(folder: Path, name: str) -> bool:
    """Whether a name from a file stays in the folder that it is looked up in (see bench.inside)."""
    try:
        inside(folder, name)
    except OutsideError:
        return False
    return True


def read_object(path: Path) -> Any:
    """The JSON value of a file; None where there is none that can be read, which is a loader's to report."""
    try:
        return json.loads(bytes_if_there(path, MOST_MODEL_JSON) or b"")
    except (ValueError, RecursionError):
        return None
