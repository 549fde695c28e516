"""What a model's folder states about itself in its configuration files; nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config.names import inside
from bench.errors import BenchError

CONFIG = "config_sentence_transformers.json"
# Keys of a Transformer module that make queries differ from documents.
_BY_ROLE = ("query_length", "document_length", "query_expansion")
_MODULE_CONFIGS = (
    "sentence_bert_config.json sentence_roberta_config.json sentence_distilbert_config.json "
    "sentence_camembert_config.json sentence_albert_config.json sentence_xlm-roberta_config.json "
    "sentence_xlnet_config.json"
).split()


@dataclass(frozen=True)
class Module:
    """A line of modules.json.

    Attributes:
        type: Its class, in full.
        path: Its folder, relative to the model's.
        kwargs: Names of the arguments that it takes when encoding.
    """

    type: str
    path: str
    kwargs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its class without the module that defines it."""
        return self.type.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class Stated:
    """What a folder states.

    Attributes:
        modules: The modules that it is made of; None of a plain transformers folder.
        prompts: The prompts, by name.
        default_prompt: Name of the prompt that applies where no other does.
        similarity: How its vectors are compared, as sentence-transformers calls it.
        truncate_dim: The leading dimensions that it is cut to when it is loaded without another setting.
        reads_role: Whether its files show that queries and documents are encoded in different ways.
    """

    modules: tuple[Module, ...] | None
    prompts: Mapping[str, str]
    default_prompt: str | None
    similarity: str | None
    truncate_dim: int | None
    reads_role: bool

    @property
    def first(self) -> str:
        """The class of the module that takes the texts."""
        return "Transformer" if not self.modules else self.modules[0].name


def read_stated(folder: Path, where: str) -> Stated:
    """Read what a folder states.

    Args:
        folder: The model's folder.
        where: Who wants it, for messages.

    Raises:
        BenchError: A file is not JSON or holds values of another type than it should.
    """
    config = _mapping(folder / CONFIG, where)
    modules = _modules(folder, where)
    prompts = _prompts(config, folder / CONFIG, where)
    default = _typed(config, "default_prompt_name", str, folder / CONFIG, where)
    if default is not None and default not in prompts:
        raise BenchError(
            f"`default_prompt_name` is {default}, but `prompts` has {', '.join(prompts) or 'nothing'}",
            where=f"{where}: {folder / CONFIG}",
            hint="add the prompt or remove `default_prompt_name`, or copy the whole model again",
        )
    return Stated(
        modules=modules,
        prompts=prompts,
        default_prompt=default,
        similarity=_typed(config, "similarity_fn_name", str, folder / CONFIG, where),
        truncate_dim=_typed(config, "truncate_dim", int, folder / CONFIG, where),
        reads_role=_reads_role(folder, modules or (), where),
    )


def _modules(folder: Path, where: str) -> tuple[Module, ...] | None:
    path = folder / "modules.json"
    if not path.is_file():
        return None
    found = _json(path, where)
    if not isinstance(found, list) or not all(isinstance(row, dict) and "type" in row for row in found):
        raise _broken("is not a list of modules with their `type`", path, where)
    modules = tuple(
        Module(str(row["type"]), str(row.get("path", "")), tuple(map(str, row.get("kwargs") or ()))) for row in found
    )
    for module in modules:
        try:
            inside(module.path or ".")
        except ValueError as error:
            raise _broken(f"the path `{module.path}` {error}", path, where) from error
    return modules


def _prompts(config: Mapping[str, Any], path: Path, where: str) -> dict[str, str]:
    prompts = _typed(config, "prompts", dict, path, where) or {}
    for name, prompt in prompts.items():
        if prompt is not None and not isinstance(prompt, str):
            raise _broken(f"`prompts` must map names to texts, but `{name}` is {json.dumps(prompt)[:60]}", path, where)
    return {name: prompt for name, prompt in prompts.items() if prompt is not None}


def _reads_role(folder: Path, modules: tuple[Module, ...], where: str) -> bool:
    if any(module.name in {"Router", "Asym"} or "task" in module.kwargs for module in modules):
        return True
    places = [folder / module.path for module in modules] or [folder]
    configs = [_mapping(place / name, where) for place in places for name in _MODULE_CONFIGS]
    return any(config.get(key) is not None for config in configs for key in _BY_ROLE)


def _mapping(path: Path, where: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = _json(path, where)
    if not isinstance(found, dict):
        raise _broken("is not a JSON object", path, where)
    return found


def _typed(config: Mapping[str, Any], key: str, kind: type, path: Path, where: str) -> Any:
    value = config.get(key)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise _broken(f"`{key}` should be a {_KINDS[kind]}, but is {json.dumps(value)[:60]}", path, where)
    return value


_KINDS = {str: "text", int: "whole number", dict: "mapping"}


def _json(path: Path, where: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _broken(f"cannot be read: {error.strerror or error}", path, where) from error
    except ValueError as error:
        raise _broken(f"is not JSON: {error}", path, where) from error


def _broken(what: str, path: Path, where: str) -> BenchError:
    return BenchError(what, where=f"{where}: {path}", hint="correct the file, or copy the whole model again")
