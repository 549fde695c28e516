"""What a public model needs, kept in the cache so that looking it up imports mteb once."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import TypeAdapter

from bench.cache import cache_root
from bench.errors import BenchError
from bench.files import digest_json, safe_name, write_json
from bench.models.settings import PaddingSide, PoolingMode, Similarity
from bench.reading import parse_json, read_text

# Rises when needs are read in another way, so that those in the cache are read again.
_READING = 1


@dataclass(frozen=True)
class ModelNeeds:
    """What a model needs to give the vectors that mteb measures; the names are those of an entry's keys.

    Attributes:
        model: Its name in mteb, the Hub id.
        loader: The class or function of mteb that loads it.
        prompts: Texts before inputs, by role, type of task or task; empty where mteb adds none to the folder's own.
        instruct_documents: Whether a prompt that holds `{instruction}` is put before documents too.
        task: The model's own `task` argument, by role, type of task or task.
        similarity: How its vectors are compared, where mteb does not leave that to the folder.
        pooling: The pooling that mteb adds to a plain transformers folder.
        layer_norm: Whether vectors are normalised over their full width.
        padding_side: Where its tokenizer pads.
        add_eos_token: Whether the end token is put after texts.
        max_seq_length: Tokens that mteb cuts texts to, where it does not leave that to the model.
        trust_remote_code: Whether it runs code of its own.
        truncate_dims: Its Matryoshka dimensions, from the widest, where mteb lists them.
        width: Dimensions of its vectors.
        dtype: The type of weights that mteb runs it in, where it does not leave that to the model.
        revision: The commit that mteb measures.
        licence: Its licence.
        parameters: Number of its weights.
        options: Options of its tokenizer, configuration or modules that no key of an entry expresses.
        notes: What else no key expresses, in words.
    """

    model: str
    loader: str
    prompts: dict[str, str]
    task: dict[str, str]
    instruct_documents: bool = False
    similarity: Similarity | None = None
    pooling: PoolingMode | None = None
    layer_norm: bool = False
    padding_side: PaddingSide | None = None
    add_eos_token: bool = False
    max_seq_length: int | None = None
    trust_remote_code: bool = False
    truncate_dims: tuple[int, ...] = ()
    width: int | None = None
    dtype: str | None = None
    revision: str | None = None
    licence: str | None = None
    parameters: int | None = None
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def left_open(self, options: Mapping[str, object] | None = None, *, notes: bool = True) -> tuple[str, ...]:
        """What no key of an entry expresses, in words; empty where the keys say all that mteb does.

        Args:
            options: Options that the model's own files state, which need no key where they are as in mteb.
            notes: Whether to give the notes too.
        """
        unmet = {name: value for name, value in self.options.items() if (options or {}).get(name) != value}
        return (*(self.notes if notes else ()), *(f"mteb sets `{name}` to {value}" for name, value in unmet.items()))


_NEEDS: TypeAdapter[ModelNeeds | None] = TypeAdapter(ModelNeeds | None)
_NAMES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])
Kept = TypeVar("Kept")


def mteb_version() -> str | None:
    """The version of the installed mteb, without importing it; None where it is not installed."""
    try:
        return importlib.metadata.version("mteb")
    except importlib.metadata.PackageNotFoundError:
        return None


def known_needs(model: str) -> ModelNeeds | None:
    """What the installed mteb says of a model; None where it does not know it.

    Args:
        model: Its Hub id.

    Raises:
        BenchError: mteb is not installed.
    """

    def read() -> ModelNeeds | None:
        from bench.models.entries.needs.metadata import read_needs

        return read_needs(model)

    return _kept(f"{safe_name(model)}-{digest_json(model)[:8]}", _NEEDS, read)


def known_models() -> tuple[str, ...]:
    """The names of the models of the installed mteb.

    Raises:
        BenchError: mteb is not installed.
    """

    def read() -> tuple[str, ...]:
        from bench.models.entries.needs.metadata import all_metadata

        return tuple(str(meta.name) for meta in all_metadata())

    return _kept("models", _NAMES, read)


def known_tasks() -> tuple[str, ...]:
    """The names of the tasks of the installed mteb.

    Raises:
        BenchError: mteb is not installed.
    """

    def read() -> tuple[str, ...]:
        from bench.models.entries.needs.metadata import all_tasks

        return all_tasks()

    return _kept("tasks", _NAMES, read)


def _kept(name: str, kind: TypeAdapter[Kept], read: Callable[[], Kept]) -> Kept:
    """What was read from the installed mteb, from the cache where that holds it."""
    path = cache_root() / "mteb" / "metadata" / f"{safe_name(mteb_version() or '')}-{_READING}" / f"{name}.json"
    with suppress(BenchError, ValueError, RecursionError):
        return kind.validate_python(parse_json(read_text(path)), strict=False)
    found = read()
    # A cache that cannot be written only costs time.
    with suppress(BenchError):
        write_json(path, kind.dump_python(found, mode="json"))
    return found
