"""When two texts count as nearly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

GRAM = 5
_PAD = "\U0010ffff"  # a noncharacter: no text for interchange holds it
_LARGEST_CODE = 1 << 62


@dataclass(frozen=True)
class GramSets:
    """The sets of character 5-grams of texts, one after the other.

    Attributes:
        texts: How many texts there are.
        rows: The text that each member belongs to, ascending, shape (m,).
        grams: The gram, numbered from 0, ascending within a text and each once, shape (m,).
        distinct: How many grams there are.
    """

    texts: int
    rows: Int64
    grams: Int64
    distinct: int

    def renumbered(self, numbers: Int64) -> GramSets:
        """The same sets with gram i called `numbers[i]`, a permutation."""
        keys = np.sort(self.rows * self.distinct + numbers[self.grams])
        return GramSets(self.texts, keys // self.distinct, keys % self.distinct, self.distinct)


def gram_sets(texts: Sequence[str]) -> GramSets:
    """The set of character 5-grams of each text; a shorter text is one gram, itself.

    Args:
        texts: At least one text.
    """
    padded = [text.ljust(GRAM, _PAD) for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    used = np.bincount(points) > 0
    letters = (np.cumsum(used) - 1)[points]
    size = int(used.sum())
    codes = letters
    for offset in range(1, GRAM):
        if (int(codes.max()) + 1) * size > _LARGEST_CODE:
            codes = _numbered(codes)
        codes = codes[:-1] * size + letters[offset:]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    ends = np.cumsum(lengths)
    starts = np.ones(len(points), dtype=bool)
    for offset in range(1, GRAM):
        starts[ends - offset] = False
    grams = _numbered(codes[starts[: len(codes)]])
    distinct = int(grams.max()) + 1
    keys = _distinct(np.repeat(np.arange(len(padded)), lengths - GRAM + 1) * distinct + grams)
    return GramSets(len(padded), keys // distinct, keys % distinct, distinct)


def _numbered(values: Int64) -> Int64:
    """Each value's place among the distinct ones."""
    return np.searchsorted(_distinct(values), values).astype(np.int64, copy=False)


def _distinct(values: Int64) -> Int64:
    """The distinct values, ascending: np.unique sorts several times as long."""
    ascending: Int64 = np.sort(values)
    new = np.concatenate([[True], ascending[1:] != ascending[:-1]])
    return np.compress(new, ascending)
