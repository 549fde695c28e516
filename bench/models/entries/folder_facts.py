"""What the files of a model's folder show that an entry of models.yaml is written from; nothing is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.config.yaml_document import plain_yaml
from bench.models.fingerprint import static_width
from bench.models.folders.stated import Stated, read_stated
from bench.paths import bytes_if_there, matching
from bench.regular import MOST_MODEL_JSON, MOST_TEXT

_MATRYOSHKA = re.compile(r'"matryoshka_dims":\s*\[([\d,\s]+)\]')
_KNOWN_CODE = "sentence_transformers."
# Where models state the dimensions they were trained for.
_DIMS = ("matryoshka_dimensions", "matryoshka_dims")


@dataclass(frozen=True)
class FolderFacts:
    """What a folder shows.

    Attributes:
        stated: Its prompts, similarity, modules.
        width: Dimensions of its vectors, where files state them.
        truncate_dims: Its Matryoshka dimensions, from the widest, where files state them.
        kind: What its model card says of its training.
        max_seq_length: Tokens that its first module cuts texts to, where a file states it.
        licence: The licence of its model card.
        origins: Where it comes from, each as a phrase with the file that says so.
        hub_id: The Hub id, of a snapshot in the Hub's cache.
        commit: The snapshot's commit.
        own_code: Whether it brings Python code.
        options: Options of its tokenizer, configuration and modules, by name.
    """

    stated: Stated
    width: int | None
    truncate_dims: tuple[int, ...]
    kind: Literal["pretrained", "fine-tuned", "mrl"]
    max_seq_length: int | None
    licence: str | None
    origins: tuple[str, ...]
    hub_id: str | None
    commit: str | None
    own_code: bool
    options: Mapping[str, Any]


def read_facts(folder: Path, where: str) -> FolderFacts:
    """Read what a folder shows.

    Args:
        folder: The model's folder.
        where: Who wants it, for messages.

    Raises:
        BenchError: One of the files that decide its vectors is broken.
    """
    stated = read_stated(folder, where)
    config = _mapping(folder / "config.json")
    card, text = _card(folder / "README.md")
    tags = card.get("tags")
    tags = [str(tag) for tag in tags] if isinstance(tags, list) else []
    matryoshka = "loss:MatryoshkaLoss" in tags
    trained = "generated_from_trainer" in tags
    hub_id, commit = hub_snapshot(folder)
    licence = card.get("license")
    modules = [module.folder for module in stated.modules or ()]
    first = modules[0] if modules else folder
    return FolderFacts(
        stated=stated,
        width=static_width(folder),
        truncate_dims=_dims(config, text),
        kind="mrl" if matryoshka else "fine-tuned" if trained else "pretrained",
        max_seq_length=next(_limits(first), None),
        licence=licence if isinstance(licence, str) else None,
        origins=tuple(_origins(card, config)),
        hub_id=hub_id,
        commit=commit,
        own_code="auto_map" in config
        or any(not module.type.startswith(_KNOWN_CODE) for module in stated.modules or ()),
        options={
            **config,
            **{name: value for module in modules for name, value in _mapping(module / "config.json").items()},
            **_mapping(first / "tokenizer_config.json"),
        },
    )


def hub_snapshot(folder: Path) -> tuple[str | None, str | None]:
    """The Hub id and the commit of a folder that is a snapshot in the Hub's cache; None and None of any other."""
    for path in folder.parents:
        if path.name.startswith("models--"):
            parts = folder.relative_to(path).parts
            commit = parts[1] if parts[0] == "snapshots" and len(parts) > 1 else None
            return "/".join(path.name.split("--")[1:]), commit
    return None, None


def _origins(card: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    bases = card.get("base_model")
    for base in bases if isinstance(bases, list) else [bases]:
        if isinstance(base, str) and base:
            yield f"base_model {base} (README.md)"
    name = config.get("_name_or_path")
    if isinstance(name, str) and name.strip("./"):
        yield f"_name_or_path {name} (config.json)"


def _dims(config: Mapping[str, Any], card: str) -> tuple[int, ...]:
    found = next((config[name] for name in _DIMS if isinstance(config.get(name), list)), None)
    if found is None and (written := _MATRYOSHKA.search(card)):
        found = [int(dim) for dim in written[1].split(",") if dim.strip()]
    dims = {dim for dim in found or () if type(dim) is int and dim > 0}
    return tuple(sorted(dims, reverse=True))


def _limits(first: Path) -> Iterator[int]:
    for path in matching(first, "sentence_*_config.json"):
        limit = _mapping(path).get("max_seq_length")
        if type(limit) is int:
            yield limit


def _card(path: Path) -> tuple[dict[str, Any], str]:
    """The front matter of a model card, and its text; both empty where there is none that can be read."""
    try:
        text = (bytes_if_there(path, MOST_TEXT) or b"").decode()
    except ValueError:
        return {}, ""
    front = re.match(r"---\s*\n(.*?)\n---\s*\n", text, re.DOTALL)
    found: object = None
    if front:
        with suppress(ValueError):
            found = plain_yaml(front[1])
    return found if isinstance(found, dict) else {}, text


def _mapping(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none: what decides vectors is checked when the model is loaded."""
    try:
        found = json.loads(bytes_if_there(path, MOST_MODEL_JSON) or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
