"""The settings of the model that a recipe starts from."""

from __future__ import annotations

from typing import Any

from bench.models.fingerprint import OF_SPACE
from bench.models.registry import ModelEntry


def training_entry(base: ModelEntry, *, trusted: bool) -> ModelEntry:
    """The entry that a base is fingerprinted and loaded under for training.

    Args:
        base: The base's entry.
        trusted: Whether its own Python code may run.
    """
    # How else a base is encoded (prompts, dtype, batch size) does not change what is trained.
    kept: dict[str, Any] = {name: getattr(base, name) for name in ("max_seq_length", *OF_SPACE)}
    entry = ModelEntry(name=base.name, source=base.source or ["recipe"], trust_remote_code=trusted, **kept)
    return entry.model_copy(update={"by_default": base.by_default})
