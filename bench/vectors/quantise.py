"""From full vectors to a view's codes, and from codes to the values they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.settings import Similarity
from bench.views import View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_LEVELS = 255
_LARGEST_HALF = float(np.finfo(np.float16).max)
# Steps a unit of a direction: products are then whole multiples of 2^-52 below 2, which float64 adds without an error.
_GRID = 2.0**26


@dataclass(frozen=True)
class Ranges:
    """Smallest and largest value of each dimension, shape (truncate_dim,) each, for int8."""

    low: Float32
    high: Float32

    def merged(self, other: Ranges) -> Ranges:
        """The ranges of both."""
        return Ranges(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    @property
    def step(self) -> Float32:
        """The distance of neighbouring codes; 0 for a dimension that is constant."""
        return (self.high - self.low) / np.float32(_LEVELS)


@dataclass(frozen=True)
class Comparable:
    """Vectors ready to be compared: the score of two rows is the product of directions times both weights.

    The product of two directions is exact in float64, in whatever order it is summed, so that a score depends on
    its two vectors alone: not on their place in a matrix, the matrix product's blocks, or the machine.

    Attributes:
        directions: Shape (n, d), float64: unit vectors on a grid of 2^-26, or whole numbers for binary.
        weights: Shape (n,), float64: 1 for cosine, the vector's length for dot product, 1/sqrt(d) for binary.
    """

    directions: Float64
    weights: Float64


@dataclass(frozen=True)
class Quantiser:
    """The codes of one view.

    Attributes:
        view: The view.
        similarity: The model's similarity; a cut vector is only normalised again where it is cosine,
            since a dot product means the lengths.
        ranges: For int8, learnt from the corpus once and used for queries too.
    """

    view: View
    similarity: Similarity
    ranges: Ranges | None = None

    def cut(self, vectors: Float32) -> Float32:
        """The leading dimensions, normalised again; at full width, as the model gave them.

        Args:
            vectors: Shape (n, width), float32.
        """
        if self.view.truncate_dim == vectors.shape[1]:
            return vectors
        leading = vectors[:, : self.view.truncate_dim]
        return unit(leading)[0].astype(np.float32) if self.similarity == "cosine" else leading

    def codes(self, vectors: Float32) -> npt.NDArray[Any]:
        """What would be stored, shape (n, truncate_dim): float32, float16 or int8; binary: bool, not packed.

        Args:
            vectors: Full vectors, shape (n, width), float32.
        """
        kept = self.cut(vectors)
        match self.view.precision:
            case "float32":
                return kept
            case "float16":
                if np.abs(kept).max(initial=0) > _LARGEST_HALF:
                    raise BenchError(
                        f"a value of {np.abs(kept).max():.3g} is beyond the range of float16 ({_LARGEST_HALF:.0f})",
                        hint="leave `float16` out of this model's precisions",
                    )
                return kept.astype(np.float16)
            case "int8":
                ranges = self._ranges()
                step = np.where(ranges.step > 0, ranges.step, 1)
                levels = np.clip(np.rint((kept - ranges.low) / step), 0, _LEVELS)
                return (levels - 128).astype(np.int8)
            case "binary":
                return kept > 0

    def values(self, codes: npt.NDArray[Any]) -> Float32:
        """The values that codes stand for, shape (n, truncate_dim), float32; binary: -1 and 1."""
        match self.view.precision:
            case "float32" | "float16":
                return codes.astype(np.float32, copy=False)
            case "int8":
                ranges = self._ranges()
                return ranges.low + (codes.astype(np.float32) + 128) * ranges.step
            case "binary":
                return codes.astype(np.float32) * np.float32(2) - np.float32(1)

    def comparable(self, vectors: Float32) -> Comparable:
        """Rows that give the view's scores (see Comparable).

        Args:
            vectors: Full vectors, shape (n, width), float32.
        """
        values = self.values(self.codes(vectors))
        if self.view.precision == "binary":
            # Whole numbers, whose products divided by the dimension are 1 - 2 * Hamming distance / dimension.
            return Comparable(values.astype(np.float64), np.full(len(values), self.view.truncate_dim**-0.5))
        directions, lengths = unit(values)
        return Comparable(on_grid(directions), lengths if self.similarity == "dot" else np.ones(len(values)))

    def _ranges(self) -> Ranges:
        if self.ranges is None:
            raise ValueError("int8 needs ranges: make the quantiser with fit()")
        return self.ranges


def fit(view: View, similarity: Similarity, corpus: Iterable[Float32]) -> Quantiser:
    """The quantiser of a view; int8 learns its ranges from the corpus, other precisions read nothing.

    Args:
        view: The view.
        similarity: The model's similarity.
        corpus: Blocks of full vectors, shape (m, width) each, float32.
    """
    if view.precision != "int8":
        return Quantiser(view, similarity)
    return Quantiser(view, similarity, reduce(Ranges.merged, (ranges(view, similarity, block) for block in corpus)))


def ranges(view: View, similarity: Similarity, block: Float32) -> Ranges:
    """The ranges of some vectors at a view, shape (m, width), float32, m at least 1; merged they are the corpus's."""
    kept = Quantiser(view, similarity).cut(block)
    return Ranges(kept.min(axis=0), kept.max(axis=0))


def on_grid(values: Float64) -> Float64:
    """Values rounded to whole multiples of 2^-26, in place.

    The sum of products of two vectors of length 1 on the grid is exact in float64, in whatever order it is summed.
    """
    np.rint(np.multiply(values, _GRID, out=values), out=values)
    values /= _GRID
    return values


def unit(vectors: npt.NDArray[Any]) -> tuple[Float64, Float64]:
    """Rows scaled to length 1 and their lengths, in float64; rows of zeros stay zeros."""
    # In C order each row is summed by itself, whatever the layout of the input.
    wide = vectors.astype(np.float64, order="C")
    norms = np.sqrt(np.square(wide).sum(axis=1))
    return wide / np.where(norms > 0, norms, 1.0)[:, None], norms
