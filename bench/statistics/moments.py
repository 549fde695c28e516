"""Pearson's correlation over many values from the moments of items, each of which may stand for many of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.statistics.bootstrap import draws, percentile_ends
from bench.statistics.clusters import cluster_sums

Float64 = npt.NDArray[np.float64]

# Spread that rounding alone makes, as a share of the values'.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Moments:
    """Items' values of two variables, shape (n,) each.

    Attributes:
        count: Values of each item.
        x: Their mean.
        y: Likewise of the other variable.
        xx: Sum of squares about the item's own mean.
        yy: Likewise of the other variable.
        xy: Sum of products about both means.
    """

    count: Float64
    x: Float64
    y: Float64
    xx: Float64
    yy: Float64
    xy: Float64

    def centred(self) -> Float64:
        """Sums about the means of all values: count, x, y, xx, yy, xy, shape (n, 6)."""
        total = math.fsum(self.count)
        x = self.x - math.fsum(self.count * self.x) / total
        y = self.y - math.fsum(self.count * self.y) / total
        count = self.count
        columns = [count, count * x, count * y, self.xx + count * x * x, self.yy + count * y * y]
        return np.column_stack([*columns, self.xy + count * x * y])


def correlation(moments: Moments) -> float | None:
    """Pearson's correlation over all values, None where a variable does not vary; in any order of items the same."""
    xx, yy, xy = (math.fsum(column) for column in moments.centred()[:, 3:].T)
    return xy / math.sqrt(xx * yy) if xx > 0 and yy > 0 else None


def correlation_interval(moments: Moments, clusters: npt.NDArray[np.integer]) -> tuple[float, float]:
    """95% percentile bootstrap interval of the correlation, clusters of items drawn (bench.statistics.bootstrap).

    A resample in which a variable does not vary counts as 0.

    Args:
        moments: The items.
        clusters: Which cluster each belongs to, any whole numbers, shape (n,).
    """
    sums = moments.centred()
    # In an order that follows from the values, so that rounding is the same in any order of items.
    order = np.lexsort(sums.T)
    sums, _ = cluster_sums(sums[order], clusters[order])
    sums = sums[np.lexsort(sums.T)]
    found = []
    for counts in draws(len(sums)):
        count, x, y, xx, yy, xy = (counts.astype(np.float64) @ sums).T
        spread = np.sqrt(np.maximum(xx - x * x / count, 0.0) * np.maximum(yy - y * y / count, 0.0))
        varies = spread > _ROUNDING * np.sqrt(xx * yy)
        found.append(np.divide(xy - x * y / count, spread, out=np.zeros(len(spread)), where=varies))
    low, high = percentile_ends(np.concatenate(found)[:, None])[:, 0]
    return float(low), float(high)
