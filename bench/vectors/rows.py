"""Vectors by row, whether they are stored or made from stored ones while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class VectorRows(Protocol):
    """The full vectors of a list of texts, a row each (bench.vectors.store.Vectors)."""

    @property
    def width(self) -> int:
        """Dimensions of a vector."""

    def __len__(self) -> int: ...

    def rows(self, rows: Int64 | slice) -> Float32:
        """The vectors of some rows, shape (len(rows), width), float32."""

    def all(self) -> Float32:
        """Every row in order, shape (n, width), float32."""

    def blocks(self, size: int) -> Iterator[tuple[Int64, Float32]]:
        """All rows in any order, at most `size` at a time: row numbers, shape (m,), and their vectors."""


class ChangedVectors:
    """Vectors that a function is applied to as they are read, so that no changed copy of a corpus is held.

    Args:
        vectors: The vectors.
        change: From vectors, shape (m, width), to others of the same shape, float32; each row from its own vector
            alone, to the bit, since a row is read more than once and in blocks of different shapes.
    """

    def __init__(self, vectors: VectorRows, change: Callable[[Float32], Float32]) -> None:
        self._vectors = vectors
        self._change = change

    @property
    def width(self) -> int:
        """Dimensions of a vector."""
        return self._vectors.width

    def __len__(self) -> int:
        return len(self._vectors)

    def rows(self, rows: Int64 | slice) -> Float32:
        """The changed vectors of some rows, shape (len(rows), width), float32."""
        return self._change(self._vectors.rows(rows))

    def all(self) -> Float32:
        """Every row in order, shape (n, width), float32."""
        return self._change(self._vectors.all())

    def blocks(self, size: int) -> Iterator[tuple[Int64, Float32]]:
        """All rows in the order of the vectors' own blocks, at most `size` at a time."""
        for rows, block in self._vectors.blocks(size):
            yield rows, self._change(block)
