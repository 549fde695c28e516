"""Which settings of an entry a model can have, judged by the modules that its folder names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.errors import UsageError
from bench.models.folders.stated import Stated
from bench.models.registry import ModelEntry
from bench.models.settings import Settings

# Modules of sentence-transformers that take texts and are no transformer.
_STATIC = frozenset({"StaticEmbedding", "StaticModel", "BoW", "WordEmbeddings"})


@dataclass(frozen=True)
class _Need:
    """What a setting needs of a model.

    Attributes:
        met: Whether a model has it.
        reason: Why the setting does not fit where it has not.
    """

    met: Callable[[Stated], bool]
    reason: str


def _has_transformer(stated: Stated) -> bool:
    return stated.first not in {*_STATIC, "Router", "Asym"}


_TRANSFORMER = _Need(_has_transformer, "its texts do not go through one transformer with a tokenizer")
_NEEDS: dict[str, _Need] = {
    "dtype": _Need(lambda stated: stated.first not in _STATIC, "its weights keep the type that they are stored in"),
    "max_seq_length": _Need(lambda stated: stated.first not in {"StaticEmbedding", "BoW"}, "it cuts no texts"),
    "query_length": _TRANSFORMER,
    "document_length": _TRANSFORMER,
    "padding_side": _TRANSFORMER,
    "add_eos_token": _TRANSFORMER,
    "pooling": _Need(lambda stated: stated.assumed is not None, "its files state how a text's vector is made"),
    "task": _Need(
        lambda stated: stated.reads_role or _is_custom(stated),
        "no module of it takes the argument `task` (modules.json)",
    ),
}


def _is_custom(stated: Stated) -> bool:
    return any(not module.type.startswith("sentence_transformers.") for module in stated.modules or ())


def fit_settings(entry: ModelEntry, stated: Stated) -> tuple[ModelEntry, list[str]]:
    """An entry without the settings from `defaults` that its model cannot have.

    Args:
        entry: The entry.
        stated: What the model's folder states.

    Returns:
        The entry, and for each setting that was left out a sentence that says so.

    Raises:
        UsageError: A setting of the entry itself does not fit.
    """
    left, notes = {}, []
    for name, need in _NEEDS.items():
        if getattr(entry, name) == Settings.model_fields[name].default or need.met(stated):
            continue
        if name not in entry.by_default:
            raise UsageError(
                f"`{name}` does not fit this model: {need.reason}",
                where=f"model `{entry.name}`",
                hint=f"remove `{name}` from the entry",
            )
        left[name] = Settings.model_fields[name].default
        notes.append(f"{entry.name}: `{name}` of `defaults` is left out: {need.reason}")
    return (entry.model_copy(update=left) if left else entry), notes
