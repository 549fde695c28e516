"""What decides a model's vectors and lies outside of its folder: an adapter's base, Python code from elsewhere.

Found from files alone. Beyond reach is what code loads by itself when it runs, such as a base model that it names.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from bench.cache import sha256_of
from bench.errors import BenchError
from bench.files import digest_json
from bench.models.folders.places import Place, Wanted, code_files, find_place, loaded_weights, read_object
from bench.models.folders.references import (
    ADAPTER,
    MODULE,
    SENTENCE_CONFIG,
    config_files,
    modules_by_repo,
    named_classes,
)
from bench.models.registry import ModelEntry
from bench.paths import has_file, walk_files


@dataclass(frozen=True)
class Code:
    """Python files of another repository.

    Attributes:
        repo: The repository as the model names it.
        place: Where its files are.
        files: Their names there.
    """

    repo: str
    place: Place
    files: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """The model that an adapter changes.

    Attributes:
        name: The base as the adapter names it.
        place: Where its files are.
        files: Names there of its configuration, weights and own code.
        code: Code of other repositories that its configuration names.
    """

    name: str
    place: Place
    files: tuple[str, ...]
    code: tuple[Code, ...]

    @property
    def runs_code(self) -> bool:
        """Whether loading it runs code that is no library's."""
        return bool(self.code) or any(name.endswith(".py") for name in self.files)


@dataclass(frozen=True)
class Outside:
    """All that a model takes from outside of its folder.

    Attributes:
        bases: The base of each adapter, by the adapter's folder in the model's (`.` for the model's own).
        code: Code of other repositories.
        packages: Files of installed packages that have a module of the model, by package.
        runs_code: Whether loading it runs code that is no library's, in its own folder or elsewhere.
    """

    bases: dict[str, Base] = field(default_factory=dict)
    code: tuple[Code, ...] = ()
    packages: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    runs_code: bool = False

    def __bool__(self) -> bool:
        return bool(self.bases) or self.runs_code

    @property
    def weights(self) -> list[Path]:
        """The files of all weights outside."""
        bases = self.bases.values()
        files = [base.place.folder / name for base in bases for name in base.files]
        return [path for path in files if path.suffix in {".safetensors", ".bin"}]

    @property
    def all_code(self) -> list[Code]:
        """Code of other repositories, that of bases included."""
        return [*self.code, *(part for base in self.bases.values() for part in base.code)]

    @property
    def python(self) -> list[Path]:
        """The files of all code outside that runs, but for installed packages."""
        parts: list[Code | Base] = [*self.all_code, *self.bases.values()]
        return [part.place.folder / name for part in parts for name in part.files if name.endswith(".py")]

    def digests(self) -> dict[str, str]:
        """A digest of each file, by its name; empty where nothing lies outside.

        Raises:
            BenchError: A file cannot be read.
        """
        found = dict(_code_digests(self.code))
        for folder, base in self.bases.items():
            own = {name: sha256_of(base.place.folder / name) for name in base.files}
            found |= {f"base of {folder}: {name}": value for name, value in {**own, **_code_digests(base.code)}.items()}
        for package, paths in self.packages.items():
            found[f"package {package}"] = digest_json([sha256_of(path) for path in paths])
        return found


def _code_digests(code: Iterable[Code]) -> dict[str, str]:
    return {f"{part.repo}--{name}": sha256_of(part.place.folder / name) for part in code for name in part.files}


def find_outside(entry: ModelEntry, folder: Path, *, download: bool = False) -> Outside:
    """All that a model takes from outside of its folder.

    Args:
        entry: Says whether code may run: without `trust_remote_code` none is read.
        folder: The model's files.
        download: Whether the Hub may be asked for what its local cache lacks.

    Raises:
        NotDownloadedError: Only the Hub can have it and `download` is False.
        BenchError: It is not here, or cannot be identified.
    """
    finder = _Finder(entry, folder, download)
    configs = config_files(folder)
    finder.check_tokenizer(configs)
    bases = {path.parent.relative_to(folder).as_posix(): finder.base(path) for path in configs if path.name == ADAPTER}
    classes = named_classes(configs) if entry.trust_remote_code else {}
    runs_code = bool(classes) or any(base.runs_code for base in bases.values())
    return Outside(bases, finder.code(classes, folder), dict(finder.packages(classes)), runs_code)


@dataclass(frozen=True)
class _Finder:
    entry: ModelEntry
    folder: Path
    download: bool

    @property
    def _where(self) -> str:
        return f"model `{self.entry.name}`"

    def check_tokenizer(self, configs: Sequence[Path]) -> None:
        for path in configs:
            config = read_object(path) if fnmatch(path.name, SENTENCE_CONFIG) else None
            if isinstance(config, dict) and config.get("tokenizer_name_or_path") is not None:
                raise BenchError(
                    f"takes its tokenizer from elsewhere: `tokenizer_name_or_path` in {path}",
                    where=self._where,
                    hint=f"copy the tokenizer's files into {path.parent} and remove the key",
                )

    def base(self, path: Path) -> Base:
        """The base that an adapter's configuration names."""
        config = read_object(path)
        config = config if isinstance(config, dict) else {}
        name, revision = config.get("base_model_name_or_path"), config.get("revision")
        key = f"`base_model_name_or_path` of {path}"
        if not isinstance(name, str) or not name.strip():
            raise BenchError(
                "its adapter names no base", where=self._where, hint=f"write its folder or Hub id in {key}"
            )
        if config.get("use_dora"):
            raise BenchError(
                "its adapter is a DoRA adapter, of which transformers leaves out the magnitudes when it loads one",
                where=self._where,
                hint="load it with peft (PeftModel.from_pretrained), merge it (merge_and_unload) and name the result",
            )
        wanted = Wanted(
            name,
            what="the base of its adapter",
            key=key,
            near=path.parent,
            files=self._base_files,
            first="config.json",
            revision=revision if isinstance(revision, str) else None,
        )
        place = find_place(wanted, self.entry, download=self.download)
        if has_file(place.folder / ADAPTER) and place.folder != path.parent.resolve():
            raise BenchError(
                f"the base of its adapter is an adapter itself ({place.folder}), which transformers would leave out",
                where=self._where,
                hint="merge that one into its own base (peft's merge_and_unload) and name the merged model",
            )
        return Base(
            name, place, tuple(self._base_files(place.folder)), self.code(self._base_classes(place.folder), path.parent)
        )

    def _base_classes(self, folder: Path) -> dict[str, str]:
        return named_classes([folder / "config.json"]) if self.entry.trust_remote_code else {}

    def _base_files(self, folder: Path) -> list[str]:
        weights = loaded_weights(folder)
        own = modules_by_repo(self._base_classes(folder)).get("", [])
        code = code_files(folder, own)
        whole = has_file(folder / "config.json") and weights and (code or not own)
        return ["config.json", *weights, *code] if whole else []

    def code(self, classes: Iterable[str], near: Path) -> tuple[Code, ...]:
        """The code of other repositories that has some classes."""
        found = []
        for repo, modules in modules_by_repo(classes).items():
            if not repo:
                continue
            wanted = Wanted(
                repo,
                what=f"the code of {', '.join(modules)}",
                key=f"`{repo}--...` in its configuration",
                near=near,
                files=partial(code_files, modules=tuple(modules)),
                first=f"{modules[0]}.py",
                only=["*.py"],
            )
            place = find_place(wanted, self.entry, download=self.download)
            found.append(Code(repo, place, tuple(wanted.files(place.folder))))
        return tuple(found)

    def packages(self, classes: dict[str, str]) -> Iterator[tuple[str, tuple[Path, ...]]]:
        """The files of installed packages that have modules of the model, which its folder has not."""
        for reference, kind in classes.items():
            name, *rest = reference.split(".")
            if kind != MODULE or "--" in reference or (len(rest) == 1 and has_file(self.folder / f"{name}.py")):
                continue
            try:
                spec = importlib.util.find_spec(name) if name.isidentifier() else None
            except (ImportError, ValueError):
                spec = None
            folders = list(spec.submodule_search_locations or ()) if spec is not None else []
            if spec is None or not (folders or spec.origin):
                raise BenchError(
                    f"its module {reference} is neither in a file of its folder nor in an installed package",
                    where=self._where,
                    hint="copy the whole model folder, or install the package that the model's documentation names",
                )
            python = [path for folder in folders for path in walk_files(Path(folder)) if path.suffix == ".py"]
            yield name, tuple(python or [Path(str(spec.origin))])
