"""The settings of the model that a recipe starts from."""

from __future__ import annotations

from typing import Any

from bench.models.registry import ModelEntry

# Settings that change what a model's modules do, so that a model trained with them has them in its files. How else a
# base is encoded (prompts, dtype, batch size) does not change what is trained.
_KEPT = (
    "similarity",
    "pooling",
    "layer_norm",
    "padding_side",
    "add_eos_token",
    "query_length",
    "document_length",
)


def training_entry(base: ModelEntry, *, trusted: bool) -> ModelEntry:
    """The entry that a base is fingerprinted and loaded under for training.

    Args:
        base: The base's entry.
        trusted: Whether its own Python code may run.
    """
    kept: dict[str, Any] = {name: getattr(base, name) for name in ("max_seq_length", *_KEPT)}
    entry = ModelEntry(name=base.name, source=base.source or ["recipe"], trust_remote_code=trusted, **kept)
    return entry.model_copy(update={"by_default": base.by_default})


def changed_settings(entry: ModelEntry) -> dict[str, Any]:
    """The settings of a training entry that are not the model's own, but for max_seq_length."""
    return {name: value for name in _KEPT if (value := getattr(entry, name)) != ModelEntry.model_fields[name].default}
