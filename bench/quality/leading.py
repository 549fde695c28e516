r"""What the leading dimensions of a model's vectors hold, whatever the precision.

Of the vectors x of a task's documents (of sts all its sentences), as scores see them: directions where similarity is
cosine.

- Share of variance of the first k dimensions: sum_{j<=k} Var(x_j) / sum_j Var(x_j), the explained variance of principal
  components (Jolliffe, "Principal component analysis", 2nd ed. 2002, section 6.1.1) in the model's own order of
  dimensions.
- Share of norm of the first k dimensions: the mean over documents of |x_1..k| / |x|.

Values are rounded to a grid of 2^-26, so that their sums and variances are exact whole numbers and depend neither on
the order of documents, nor on blocks, nor on the chunks that the vectors are stored in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.models.settings import Similarity
from bench.quality.controls import common_scale, grid_values
from bench.quality.threads import each_block
from bench.vectors.quantise import on_grid
from bench.vectors.rows import VectorRows

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Values of full vectors in a block, to bound memory; and rows, so that sums of squares of 2^26 stay below 2^63.
_BLOCK_VALUES = 1 << 20
_BLOCK_ROWS = 1 << 10
_GRID = 2.0**26


@dataclass(frozen=True)
class Leading:
    """Shares that the first 1, 2, ... width dimensions hold.

    Attributes:
        variance: Of the variance, shape (width,); None where all vectors are the same.
        norm: Of the length, shape (width,).
    """

    variance: Float64 | None
    norm: Float64


def leading_shares(vectors: VectorRows, similarity: Similarity) -> Leading:
    """What the leading dimensions hold, read in blocks.

    Args:
        vectors: n vectors, at least one of which is not zero.
        similarity: The model's similarity.
    """
    size = min(max(_BLOCK_VALUES // vectors.width, 1), _BLOCK_ROWS)
    scale = common_scale(vectors, similarity, size)

    def add_up(block: tuple[Int64, Float32]) -> tuple[Any, Any, Float64, int]:
        values = grid_values(block[1], similarity, scale)
        lengths = np.sqrt(np.cumsum(np.square(values), axis=1))
        lengths = lengths[lengths[:, -1] > 0]
        shares = on_grid(lengths / lengths[:, -1:])
        whole = (values * _GRID).astype(np.int64)
        # Python's own whole numbers from here on, which have no end.
        sums = (found.sum(axis=0).astype(object) for found in (whole, whole * whole))
        return (*sums, shares.sum(axis=0), len(shares))

    parts = each_block(add_up, vectors.blocks(size))
    total, squares, shares, lengths = (sum(found) for found in zip(*parts, strict=True))
    variances = np.cumsum(len(vectors) * squares - total * total)
    variance = (variances / variances[-1]).astype(np.float64) if variances[-1] else None
    return Leading(variance, shares / lengths)
