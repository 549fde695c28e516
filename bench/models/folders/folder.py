"""A model's folder as its own files describe it; nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.inside import OutsideError, inside
from bench.paths import entries, has_file, is_file, is_folder, path_exists
from bench.reading import user_path
from bench.regular import MOST_MODEL_JSON, open_regular, read_bytes

# What makes a folder an adapter of another model.
ADAPTER = "adapter_config.json"
# What sentence-transformers states of a whole model.
SENTENCE_CONFIG = "config_sentence_transformers.json"
# sentence-transformers reads the first of these that a Transformer module's folder has.
TRANSFORMER_CONFIGS = tuple(
    f"sentence_{family}_config.json"
    for family in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# Modules that hold a model of transformers.
_TRANSFORMERS = frozenset({"Transformer", "CLIPModel", "MLMTransformer"})
_ROUTERS = frozenset({"Router", "Asym"})
WHOLE = "copy the whole model folder again; a file kept by Git LFS needs `git lfs pull`"
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class Module:
    """A module of a sentence-transformers model.

    Attributes:
        type: Its class, as the file names it.
        folder: Where its own files are.
        named_in: The file that names it: modules.json, or the configuration of a Router.
        kwargs: Names of the arguments that it takes when encoding.
    """

    type: str
    folder: Path
    named_in: Path
    kwargs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.type.rsplit(".", 1)[-1]

    @property
    def bundled(self) -> bool:
        """Whether its class is one of sentence-transformers; any other runs code of the model's."""
        return self.type.startswith("sentence_transformers.")

    @property
    def is_transformer(self) -> bool:
        """Whether it holds a model of transformers."""
        return self.bundled and self.name in _TRANSFORMERS

    @property
    def is_router(self) -> bool:
        """Whether it holds further modules, by route."""
        return self.bundled and self.name in _ROUTERS


class ModelFolder:
    """The configuration files of a model.

    Args:
        path: The folder.
        where: What messages call the model.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.path = path
        self.where = where

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json, empty where there is none.

        Raises:
            BenchError: It is no JSON object.
        """
        return self.read(self.path / "config.json")

    @cached_property
    def sentence_config(self) -> dict[str, Any]:
        """config_sentence_transformers.json, empty where there is none.

        Raises:
            BenchError: It is no JSON object.
        """
        return self.read(self.path / SENTENCE_CONFIG)

    @cached_property
    def modules(self) -> list[Module] | None:
        """The entries of modules.json; None where there is no such file.

        Raises:
            BenchError: It is broken, or an entry's folder is outside of the model's.
        """
        file = self.path / "modules.json"
        if not has_file(file):
            return None
        entries = read_json(file, self.where)
        if not isinstance(entries, list) or not entries:
            raise self.error(f"{file}: expected a list of modules", WHOLE)
        return [self._module(entry, file) for entry in entries]

    def _module(self, entry: object, file: Path) -> Module:
        kind, path = (entry.get("type"), entry.get("path")) if isinstance(entry, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(path, str):
            raise self.error(f"{file}: a module needs the keys `type` and `path`, both text", WHOLE)
        kwargs = entry.get("kwargs") if isinstance(entry, dict) else None
        names = tuple(map(str, kwargs)) if isinstance(kwargs, list) else ()
        return Module(kind, self.inside(self.path, path, file), file, names)

    def inside(self, folder: Path, path: str, file: Path) -> Path:
        """The path that a name in a file of the model means in one of its folders.

        Raises:
            BenchError: It leads out of that folder (see bench.inside).
        """
        # The module that takes the texts lies in the model's own folder, under an empty path.
        if not path and folder == self.path:
            return folder
        try:
            return inside(folder, path)
        except OutsideError as error:
            raise self.error(
                f"{file}: the path {path!r} is outside of the model's folder: {error.message}",
                error.hint or "correct that file",
            ) from error

    @cached_property
    def all_modules(self) -> list[Module]:
        """The modules with those inside of Routers; none where there is no modules.json.

        Raises:
            BenchError: As `modules`, or a Router's configuration is broken.
        """
        return [inner for module in self.modules or [] for inner in self._unfold(module)]

    def _unfold(self, module: Module) -> Iterator[Module]:
        yield module
        if not module.is_router:
            return
        file = router_config(module.folder)
        if not has_file(file):
            raise self.error(f"no router_config.json in {module.folder}, the folder of its module {module.name}", WHOLE)
        types = self.read(file).get("types")
        if not isinstance(types, dict) or not types or not all(isinstance(kind, str) for kind in types.values()):
            raise self.error(f"{file}: `types` must name a class for every module", WHOLE)
        for name, kind in types.items():
            yield from self._unfold(Module(kind, self.inside(module.folder, name, file), file))

    @property
    def transformer_folders(self) -> list[Path]:
        """The folders with a model of transformers; the folder itself where there is no modules.json."""
        if self.modules is None:
            return [self.path]
        return list(dict.fromkeys(module.folder for module in self.all_modules if module.is_transformer))

    def transformer_settings(self, folder: Path) -> dict[str, Any]:
        """What sentence-transformers stored of a Transformer module (sentence_bert_config.json).

        Raises:
            BenchError: It is no JSON object.
        """
        found = (folder / name for name in TRANSFORMER_CONFIGS if has_file(folder / name))
        file = next(found, None)
        return {} if file is None else self.read(file)

    def backbone(self, place: Path) -> tuple[Path, dict[str, Any]]:
        """The config.json of a transformer and what it holds: of an adapter that of its base, where it is here.

        Raises:
            BenchError: A file is no JSON object.
        """
        file = place / "config.json"
        name = self.read(place / ADAPTER).get("base_model_name_or_path")
        if not has_file(file) and isinstance(name, str):
            file = _base_config(name, place) or file
        return file, self.read(file)

    def files_of(self, module: Module) -> list[Path]:
        """The files in a module's folder, sorted.

        Raises:
            BenchError: There is no such folder.
        """
        if not is_folder(module.folder):
            raise self.error(
                f"no folder {module.folder}, in which {module.named_in.name} places its module {module.name}", WHOLE
            )
        return [path for path in entries(module.folder) if is_file(path)]

    def read(self, file: Path) -> dict[str, Any]:
        """A JSON object, empty where there is no such file.

        Raises:
            BenchError: It is broken or no object.
        """
        if not has_file(file):
            return {}
        value = read_json(file, self.where)
        if not isinstance(value, dict):
            raise self.error(f"{file}: expected a JSON object, found {type(value).__name__}", WHOLE)
        return value

    def error(self, message: str, hint: str | None = None) -> BenchError:
        """An error about this model."""
        return BenchError(message, where=self.where, hint=hint)


def _base_config(name: str, near: Path) -> Path | None:
    """The config.json of an adapter's base: in a folder, or in the Hub's cache."""
    folders = [user_path(name), *(above / name for above in (near, *near.resolve().parents))]
    found = next((folder / "config.json" for folder in folders if path_exists(folder / "config.json")), None)
    if found is not None:
        return found
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(cached) if isinstance(cached, str) else None


def router_config(folder: Path) -> Path:
    """The file that names the modules of a Router; earlier versions called it config.json."""
    file = folder / "router_config.json"
    return file if has_file(file) else folder / "config.json"


def read_json(file: Path, where: str) -> object:
    """The JSON value of a file.

    Raises:
        BenchError: It cannot be read, is empty, no UTF-8 or no JSON, with the line.
    """
    check_stored(file, where)
    try:
        text = read_bytes(file, MOST_MODEL_JSON).decode("utf-8")
    except OSError as error:
        raise BenchError(f"{file}: cannot read: {error.strerror or error}", where=where) from error
    except UnicodeDecodeError as error:
        raise BenchError(f"{file}: not UTF-8 text", where=where, hint=WHOLE) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BenchError(f"{file}, line {error.lineno}: broken JSON: {error.msg}", where=where, hint=WHOLE) from error
    except RecursionError as error:
        raise BenchError(f"{file}: JSON nested too deeply", where=where) from error


def check_stored(file: Path, where: str) -> None:
    """Refuse a file whose content is not there: empty, or the pointer that Git LFS keeps in its place.

    Raises:
        BenchError: It is one of these, or cannot be read.
    """
    if not check_pointer(file, where):
        raise BenchError(f"{file} is empty", where=where, hint=WHOLE)


def check_pointer(file: Path, where: str) -> bytes:
    """The first bytes of a file that is not the pointer that Git LFS keeps in its place.

    Raises:
        BenchError: It is one, or cannot be read.
    """
    try:
        with open_regular(file) as handle:
            start = handle.read(len(_LFS))
    except OSError as error:
        raise BenchError(f"{file}: cannot read: {error.strerror or error}", where=where) from error
    if start == _LFS:
        raise BenchError(
            f"{file} is a Git LFS pointer, not the file itself",
            where=where,
            hint="run `git lfs pull` in the repository that it was cloned from, or download the whole file",
        )
    return start
