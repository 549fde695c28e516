"""The classes that a model's configurations name, and the folders whose configurations are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.models.folders.places import is_inside, read_object
from bench.paths import entries, is_file, is_folder

ADAPTER = "adapter_config.json"
SENTENCE_CONFIG = "sentence_*_config.json"
MODULE = "module"
# The files that can name classes, in the folder of a model or of one of its modules.
_CLASS_FILES = (
    "config.json tokenizer_config.json processor_config.json preprocessor_config.json video_preprocessor_config.json "
    "modules.json router_config.json"
).split()
# The keys of auto_map that sentence-transformers loads; AutoModelFor... only for another task than its usual one.
_LOADED = frozenset(
    (
        f"{MODULE} AutoConfig AutoModel AutoTokenizer AutoProcessor AutoImageProcessor AutoVideoProcessor "
        "AutoFeatureExtractor"
    ).split()
)
_USUAL_TASK = "feature-extraction"
# Libraries that are part of the program: their code is not part of a model's identity.
_OURS = frozenset({"sentence_transformers", "transformers", "torch"})


def loaded_folders(folder: Path) -> list[Path]:
    """The folders that a loader of a model reads: its own, and those of its modules and of a router's."""
    found = [folder]
    modules = read_object(folder / "modules.json")
    for module in modules if isinstance(modules, list) else []:
        inner = module.get("path") if isinstance(module, dict) else None
        if not isinstance(inner, str) or not (inner == "" or is_inside(folder, inner)):
            continue
        found.append(folder / inner)
        for name in ("router_config.json", "config.json"):
            config = read_object(folder / inner / name)
            found += (
                [folder / inner / route for route in config["types"] if is_inside(folder / inner, route)]
                if is_router(config)
                else []
            )
    return list(dict.fromkeys(found))


def is_router(config: Any) -> bool:
    """Whether a JSON value configures a Router."""
    return isinstance(config, dict) and isinstance(config.get("types"), dict) and "structure" in config


def config_files(folder: Path) -> list[Path]:
    """The configurations of a model and its modules that can name something outside of its folder."""
    return [
        path
        for place in loaded_folders(folder)
        if is_folder(place)
        for path in entries(place)
        if is_file(path) and (path.name in {ADAPTER, *_CLASS_FILES} or fnmatch(path.name, SENTENCE_CONFIG))
    ]


def named_classes(configs: Sequence[Path]) -> dict[str, str]:
    """The classes that are no library's and that loading takes, `file.Class` or `owner/repo--file.Class`.

    Returns:
        By class the key of auto_map that names it, or `module` for the class of a module.
    """
    read = {path: read_object(path) for path in configs if path.name != ADAPTER}
    tasks = [data.get("transformer_task", _USUAL_TASK) for data in read.values() if isinstance(data, dict)]
    every = any(task != _USUAL_TASK for task in tasks)
    found: dict[str, str] = {}

    def collect(kind: str, reference: str) -> str:
        if (kind in _LOADED or (every and kind.startswith("AutoModel"))) and reference.partition(".")[0] not in _OURS:
            found.setdefault(reference, kind)
        return reference

    for path, data in read.items():
        map_classes(path.name, data, collect)
    return found


def map_classes(name: str, data: Any, change: Callable[[str, str], str]) -> Any:
    """A configuration with each class that it names replaced: in auto_map at any depth, and the types of modules.

    Args:
        name: The file's name.
        data: Its JSON value, which is left as it is.
        change: Gets the key of auto_map (`module` for a module's type, `` for a class that another goes before) and
            the class, and gives what takes its place.
    """
    if name == "modules.json" and isinstance(data, list):
        return [_with_type(module, change) if isinstance(module, dict) else module for module in data]
    if is_router(data):
        data = {**data, "types": {key: _changed(MODULE, value, change) for key, value in data["types"].items()}}
    return _in_auto_maps(data, change)


def _with_type(module: dict[str, Any], change: Callable[[str, str], str]) -> dict[str, Any]:
    return {key: _changed(MODULE, value, change) if key == "type" else value for key, value in module.items()}


def _in_auto_maps(data: Any, change: Callable[[str, str], str]) -> Any:
    if isinstance(data, list):
        return [_in_auto_maps(value, change) for value in data]
    if not isinstance(data, dict):
        return data
    found = {}
    for key, value in data.items():
        if key != "auto_map":
            found[key] = _in_auto_maps(value, change)
        elif isinstance(value, dict):
            found[key] = {kind: _changed(kind, named, change) for kind, named in value.items()}
        else:
            # The older form, of tokenizers alone.
            found[key] = _changed("AutoTokenizer", value, change)
    return found


def _changed(kind: str, named: Any, change: Callable[[str, str], str]) -> Any:
    if isinstance(named, list):
        # Of a tokenizer the slow class and the fast one: the last that is there is loaded.
        last = max((place for place, each in enumerate(named) if each is not None), default=None)
        return [_changed(kind if place == last else "", each, change) for place, each in enumerate(named)]
    return change(kind, named) if isinstance(named, str) else named


def modules_by_repo(references: Iterable[str]) -> dict[str, list[str]]:
    """The modules that classes are in, by repository; under an empty name those of the model's own folder."""
    found: dict[str, list[str]] = {}
    for reference in references:
        repo, _, inner = reference.rpartition("--")
        found.setdefault(repo, []).append(inner.rpartition(".")[0])
    return {repo: list(dict.fromkeys(modules)) for repo, modules in found.items()}
