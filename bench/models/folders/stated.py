"""What a model's folder states about itself in its configuration files; nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.models.folders.folder import SENTENCE_CONFIG, ModelFolder, Module
from bench.models.folders.kinds import AssumedPooling, assumed_pooling
from bench.models.loaded.model2vec import is_model2vec

# Keys of a Transformer module that make queries differ from documents.
_BY_ROLE = ("query_length", "document_length", "query_expansion")
_CORRECT = "correct the file, or copy the whole model again"
_KINDS = {str: "text", int: "whole number", dict: "mapping"}


@dataclass(frozen=True)
class Stated:
    """What a folder states.

    Attributes:
        modules: The modules that it is made of; None of a folder without modules.json.
        prompts: The prompts, by name.
        default_prompt: Name of the prompt that applies where no other does.
        similarity: How its vectors are compared, as sentence-transformers calls it.
        truncate_dim: The leading dimensions that it is cut to when it is loaded without another setting.
        reads_role: Whether its files show that queries and documents are encoded in different ways.
        assumed: The pooling that is assumed of it; None where its files state how a text's vector is made.
        model2vec: Whether model2vec wrote it.
    """

    modules: tuple[Module, ...] | None
    prompts: Mapping[str, str]
    default_prompt: str | None
    similarity: str | None
    truncate_dim: int | None
    reads_role: bool
    assumed: AssumedPooling | None
    model2vec: bool

    @property
    def first(self) -> str:
        """The class of the module that takes the texts."""
        if self.model2vec:
            return "StaticModel"
        return "Transformer" if not self.modules else self.modules[0].name


def read_stated(folder: Path, where: str) -> Stated:
    """Read what a folder states.

    Args:
        folder: The model's folder.
        where: Who wants it, for messages.

    Raises:
        BenchError: A file is not JSON or holds values of another type than it should.
    """
    files = ModelFolder(folder, where)
    prompts = _prompts(files)
    default = _typed(files, "default_prompt_name", str)
    if default is not None and default not in prompts:
        raise files.error(
            f"{folder / SENTENCE_CONFIG}: `default_prompt_name` is {default}, but `prompts` has "
            f"{', '.join(prompts) or 'nothing'}",
            "add the prompt or remove `default_prompt_name`, or copy the whole model again",
        )
    return Stated(
        modules=None if files.modules is None else tuple(files.modules),
        prompts=prompts,
        default_prompt=default,
        similarity=_typed(files, "similarity_fn_name", str),
        truncate_dim=_typed(files, "truncate_dim", int),
        reads_role=_reads_role(files),
        assumed=assumed_pooling(files),
        model2vec=is_model2vec(files),
    )


def _prompts(files: ModelFolder) -> dict[str, str]:
    prompts = _typed(files, "prompts", dict) or {}
    for name, prompt in prompts.items():
        if prompt is not None and not isinstance(prompt, str):
            raise files.error(
                f"{files.path / SENTENCE_CONFIG}: `prompts` must map names to texts, but `{name}` is "
                f"{json.dumps(prompt)[:60]}",
                _CORRECT,
            )
    return {name: prompt for name, prompt in prompts.items() if prompt is not None}


def _reads_role(files: ModelFolder) -> bool:
    modules = files.modules or []
    if any(module.is_router or "task" in module.kwargs for module in modules):
        return True
    places = [module.folder for module in modules] or [files.path]
    return any(files.transformer_settings(place).get(key) is not None for place in places for key in _BY_ROLE)


def _typed(files: ModelFolder, key: str, kind: type) -> Any:
    value = files.sentence_config.get(key)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise files.error(
            f"{files.path / SENTENCE_CONFIG}: `{key}` should be a {_KINDS[kind]}, but is {json.dumps(value)[:60]}",
            _CORRECT,
        )
    return value
