"""The texts to encode, each once, and which of them the store lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.models.keys import Role
from bench.models.profile import TextContext
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.store import KEY_BYTES, VectorSpace, keys_from_bytes, keys_to_bytes, text_keys

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextGroup:
    """Texts that are encoded with the same prompt; equal texts count once."""

    texts: Sequence[str]
    context: TextContext


class UniqueTexts:
    """The unique texts of one context, ordered by key.

    Args:
        texts: Texts, equal ones allowed.
        context: How they are encoded.
        space: The store, refreshed.

    Attributes:
        context: How they are encoded.
        keys: Key of each unique text, shape (n,), 16 bytes each.
        texts: The unique texts, in the order of the keys.
        lengths: Characters of each, shape (n,).
        lacking: Which of them the store lacks, shape (n,).
    """

    def __init__(self, texts: Sequence[str], context: TextContext, space: VectorSpace) -> None:
        self.context = context
        keys = np.frombuffer(keys_to_bytes(text_keys(texts, context)), dtype=f"S{KEY_BYTES}")
        self.keys, first = np.unique(keys, return_index=True)
        self.texts = [texts[row] for row in first]
        self.lengths = np.array([len(text) for text in self.texts], dtype=np.int64)
        self.lacking = space.locate(keys_from_bytes(self.keys.tobytes())) < 0

    def pick(self, rows: Int64) -> list[str]:
        """The texts of some rows."""
        return [self.texts[row] for row in rows]


def unique_texts(space: VectorSpace, groups: Sequence[TextGroup]) -> list[UniqueTexts]:
    """The unique texts of each context; groups of the same context are one."""
    texts: dict[TextContext, list[str]] = defaultdict(list)
    for group in groups:
        texts[group.context].extend(group.texts)
    return [UniqueTexts(members, context, space) for context, members in texts.items()]


def texts_by_role(data: RetrievalData | PairData) -> dict[Role, list[str]]:
    """The texts of a task that a model encodes, by their role."""
    if isinstance(data, RetrievalData):
        return {"query": data.queries, "document": data.documents}
    return {"text": [*data.sentences1, *data.sentences2]}
