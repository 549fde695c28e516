"""Making a saved model's folder one that needs nothing else and names no place on this machine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from bench.cache import cache_root
from bench.errors import BenchError
from bench.files import write_text
from bench.inside import copy_inside
from bench.models.folders.outside import Outside, find_outside
from bench.models.folders.places import code_files, read_object
from bench.models.folders.references import config_files, map_classes, modules_by_repo, named_classes
from bench.models.registry import ModelEntry
from bench.neutral import neutral_json
from bench.paths import path_exists, walk_files
from bench.reading import user_path
from bench.regular import MOST_MODEL_JSON, MOST_TEXT, copy_regular, read_bytes

# Keys in which libraries keep where files were.
_OF_PATHS = ("name_or_path", "_file", "_path", "_dir", "_folder")
# Words of a language, not of a configuration.
_VOCABULARIES = ("tokenizer.json", "vocab.", "merges.", "added_tokens.json")
_BINARY = frozenset(".safetensors .bin .pt .model .npz .npy .onnx".split())


def complete_code(entry: ModelEntry, source: Path, folder: Path) -> None:
    """Put all code that a saved model runs into its folder, and let its configurations name it there.

    Libraries save the code of some classes, and that of modules where no loader looks for it.

    Args:
        entry: The model's entry, which lets its code run.
        source: The files that it was loaded from.
        folder: The folder that it was saved in.

    Raises:
        OSError: The folder cannot be written.
        BenchError: Two different files have one name, or what lies outside of `source` is not here.
    """
    own = modules_by_repo(named_classes(config_files(source))).get("", [])
    needed = [*(source / name for name in code_files(source, own)), *find_outside(entry, source).python]
    for path in needed:
        target = folder / path.name
        if path_exists(target) and read_bytes(target, MOST_TEXT) != read_bytes(path, MOST_TEXT):
            raise BenchError(
                f"cannot be put into one folder: two files of its code have the name {path.name}",
                where=f"model `{entry.name}`",
                hint="give its classes files of different names",
            )
        copy_regular(path, target)
    for path in walk_files(source):
        name = path.relative_to(source).as_posix()
        if path.suffix == ".py" and not path_exists(folder / name):
            copy_inside(source, name, folder / name)
    here = {path.stem for path in needed}

    def change(_: str, reference: str) -> str:
        module, _, name = reference.rpartition(".")
        # Libraries name a class by the module that they copied its file to.
        file = PurePosixPath(module.rpartition("--")[2]).name.rpartition(".")[2]
        elsewhere = "--" in reference or "/" in module or module.startswith("transformers_modules.")
        return f"{file}.{name}" if elsewhere and file in here else reference

    for path in config_files(folder):
        before = read_object(path)
        after = map_classes(path.name, before, change)
        if after != before:
            write_text(path, neutral_json(json.dumps(after, indent=2, ensure_ascii=False)) + "\n")


def machine_places(located: Path, outside: Outside) -> list[str]:
    """The folders of this machine that a model was read from or kept in, and the user's own; the longest first."""
    from huggingface_hub import constants

    places = [located, cache_root(), Path(constants.HF_HUB_CACHE), Path(constants.HF_HOME), user_path("~")]
    places += [base.place.folder for base in outside.bases.values()]
    places += [part.place.folder for part in outside.all_code]
    found = {os.fspath(each) for place in places for each in (place.absolute(), place.resolve())}
    # The root of the file system is in every path.
    return sorted((place for place in found if len(place) > 1), key=len, reverse=True)


def drop_paths(folder: Path, places: Sequence[str]) -> None:
    """Take the keys out of a folder's configurations that hold paths of some machine.

    Args:
        folder: The saved folder.
        places: Folders that no key may name; the keys in which libraries keep where files were lose any other too.

    Raises:
        BenchError: The folder cannot be written.
    """
    for path in walk_files(folder):
        if path.suffix != ".json" or path.name.startswith(_VOCABULARIES) or path.name.endswith(".index.json"):
            continue
        before = read_object(path)
        after = _without_paths(before, places)
        if after != before:
            write_text(path, neutral_json(json.dumps(after, indent=2, ensure_ascii=False)) + "\n")


def _without_paths(value: Any, places: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_without_paths(each, places) for each in value]
    if not isinstance(value, dict):
        return value

    def is_dropped(key: str, each: Any) -> bool:
        if not isinstance(each, str) or not is_absolute(each):
            return False
        return key.endswith(_OF_PATHS) or _place_in(each, places) is not None

    return {key: _without_paths(each, places) for key, each in value.items() if not is_dropped(key, each)}


def _place_in(text: str, places: Sequence[str]) -> str | None:
    return next((place for place in places if re.search(rf"{re.escape(place)}(?![\w.-])", text)), None)


def is_absolute(text: str) -> bool:
    """Whether a text is a path that means something on one machine only."""
    return text.startswith(("/", "~")) or bool(PureWindowsPath(text).drive)


def without_folders(value: Any) -> Any:
    """A JSON value with the last part alone of each absolute path."""
    if isinstance(value, dict):
        return {key: without_folders(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_folders(each) for each in value]
    if isinstance(value, str) and is_absolute(value):
        return PureWindowsPath(value).name or value
    return value


def below_places(text: str, places: Sequence[str]) -> str:
    """A text in which paths below some folders begin there."""
    for place in places:
        text = re.sub(rf"{re.escape(place)}/+", "", text)
    return text


def check_no_place(folder: Path, places: Sequence[str], where: str) -> None:
    """Refuse a folder in which a file names a place on this machine.

    Raises:
        BenchError: One does.
    """
    # Code may name the folder of a user that many machines have.
    strict = [place for place in places if place != os.fspath(user_path("~"))]
    for path in walk_files(folder):
        if path.suffix in _BINARY or path.name.startswith(_VOCABULARIES):
            continue
        text = read_bytes(path, MOST_MODEL_JSON).decode("utf-8", errors="replace")
        found = _place_in(text, strict if path.suffix == ".py" else places)
        if found is not None:
            name = path.relative_to(folder).as_posix()
            raise BenchError(
                f"{name} names a folder of this machine: {found}",
                where=where,
                hint=f"correct {name} of the model: whoever gets it has no such folder",
            )
