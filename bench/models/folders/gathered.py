"""A folder that holds all that a model is loaded from, so that what is loaded is what was hashed."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from bench.files import digest_json, write_text
from bench.models.built import built_folder
from bench.models.folders.outside import Code, Outside
from bench.models.folders.places import read_object
from bench.models.folders.references import ADAPTER, config_files, map_classes


def gathered_folder(identity: str, folder: Path, files: Iterable[Path], outside: Outside) -> Path:
    """A folder with links to a model's files in which nothing refers to another place.

    Code of other repositories lies in it, and an adapter names its base by the path of a folder that was gathered in
    the same way. The folder's name depends on the content: transformers keeps the classes of loaded code by the
    name of the folder, so that of two models whose folders have one name the second would get the code of the first.

    Args:
        identity: The model's identity.
        folder: The model's files.
        files: Those of them to link.
        outside: What lies outside of it.

    Raises:
        BenchError: The cache cannot be written.
    """
    links = {path.relative_to(folder).as_posix(): path for path in files}
    bases = {}
    for inner, base in outside.bases.items():
        own = {name: base.place.folder / name for name in base.files}
        # The weights of an adapter in a module's folder are looked up in a folder of that name in its base.
        places = [PurePosixPath(), *([PurePosixPath(inner)] if inner != "." else [])]
        both = {(place / name).as_posix(): path for place in places for name, path in own.items()}
        bases[inner] = _gather(f"{identity}-base", both, _texts(base.place.folder, both, base.code), base.code)
    texts = _texts(folder, links, outside.code)
    for inner, base_folder in bases.items():
        name = (PurePosixPath(inner) / ADAPTER).as_posix()
        texts[name] = {**read_object(folder / name), "base_model_name_or_path": str(base_folder), "revision": None}
    return _gather(identity, links, texts, outside.code)


def _texts(folder: Path, names: Container[str], code: Iterable[Code]) -> dict[str, Any]:
    """The configurations among a folder's files that name classes of other repositories, with files in their place."""
    here = {
        f"{part.repo}--{name.removesuffix('.py')}": f"{code_folder(part)}/{name.removesuffix('.py')}"
        for part in code
        for name in part.files
    }

    def change(_: str, reference: str) -> str:
        module, _, name = reference.rpartition(".")
        return f"{here[module]}.{name}" if module in here else reference

    found = {}
    for path in config_files(folder):
        name, before = path.relative_to(folder).as_posix(), read_object(path)
        after = map_classes(path.name, before, change)
        if name in names and after != before:
            found[name] = after
    return found


def code_folder(code: Code) -> str:
    """The folder of another repository's code in a gathered folder; a name that Python can import."""
    return f"code_{re.sub(r'[^0-9A-Za-z]', '_', code.repo)}_{digest_json(code.repo)[:6]}"


def _gather(identity: str, links: dict[str, Path], texts: dict[str, Any], code: Iterable[Code]) -> Path:
    links = {name: path for name, path in links.items() if name not in texts}
    for part in code:
        links |= {f"{code_folder(part)}/{name}": part.place.folder / name for name in part.files}

    def build(draft: Path) -> None:
        for name, path in links.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).symlink_to(path.resolve())
        for name, value in texts.items():
            write_text(draft / name, json.dumps(value, indent=2, ensure_ascii=False))

    layout = {"links": {name: str(path.resolve()) for name, path in links.items()}, "texts": texts}
    return built_folder(f"{digest_json([identity, layout])}-gathered", build)
