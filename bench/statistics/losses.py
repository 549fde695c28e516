"""How much is lost against a reference, at most and at least: bounds that a claim of non-inferiority can rest on.

A claim "loses at most the margin" is wrong in at most 5% of samples whose true loss is the margin. The t test alone
does not hold that for the differences of retrieval scores, where many queries are alike and a few are lost altogether:
a sample without the lost ones looks safe. Three bounds are taken together here, and the widest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.statistics.bootstrap import draws
from bench.statistics.clusters import ordered_sums
from bench.statistics.power import observations_needed

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Claim = Literal["at most the margin", "not shown", "more than the margin"]

LEVEL = 0.05
# A column is sparse where more than this share of the level of its resamples draw nothing that varies.
_EMPTY = 0.1
# Spreads that rounding alone makes, as a share of the largest value.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class LossBounds:
    """Mean losses against a reference and their one-sided bounds, one a column; shape (m,) each.

    Attributes:
        mean: Mean loss; below 0 where the reference is worse.
        low: The true loss is at least this.
        high: The true loss is at most this.
        spread: What the standard error of the mean would be with a single cluster.
        clusters: How many clusters there are.
        most: The largest loss that an item can have.
        level: How often a bound may be wrong.
    """

    mean: Float64
    low: Float64
    high: Float64
    spread: Float64
    clusters: int
    most: float
    level: float

    def claims(self, margin: float | Float64) -> list[Claim]:
        """What is shown of each column's loss against a margin (one, or one a column)."""
        limits = np.broadcast_to(margin, self.mean.shape)
        return [
            "at most the margin" if high < limit else "more than the margin" if low > limit else "not shown"
            for low, high, limit in zip(self.low, self.high, limits, strict=True)
        ]

    def needed(self, margin: float | Float64) -> list[int | None]:
        """How many clusters would show in 80% of samples that a column loses at most the margin.

        If the true loss is the one seen, or 0 where less was lost (bench.statistics.power), and at least those by which
        a loss that was never seen is excluded. None where the loss is not below the margin: no number would show it.
        """
        limits = np.broadcast_to(margin, self.mean.shape)
        found: list[int | None] = []
        for mean, spread, limit in zip(np.maximum(self.mean, 0.0), self.spread, limits, strict=True):
            if mean >= limit or limit <= 0 or not np.isfinite(spread):
                found.append(None)
                continue
            least = unseen_needed(float(limit), self.most, self.level)
            needed = observations_needed(float(spread), float(limit - mean), level=self.level, two_sided=False)
            found.append(max(needed, least))
        return found


def unseen_needed(margin: float, most: float = 1.0, level: float = LEVEL) -> int:
    """How many clusters exclude, when none of them loses anything, a mean loss of the margin (the rule of three).

    Losses of `most` in a share margin / most of all clusters are missed by n clusters with the chance
    (1 - margin / most)^n (Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983).
    """
    if margin <= 0:
        raise ValueError(f"a margin is above 0, not {margin}")
    if margin >= most:
        return 1
    return int(np.floor(np.log(level) / np.log1p(-margin / most))) + 1


def unseen_loss(clusters: float, most: float = 1.0, level: float = LEVEL) -> float:
    """The mean loss that clusters of which none loses anything do not exclude (see unseen_needed)."""
    return float(most * (1 - level ** (1 / clusters)))


def loss_bounds(
    losses: Float64,
    clusters: Int64 | None = None,
    *,
    level: float = LEVEL,
    most: float = 1.0,
    together: bool = True,
) -> LossBounds:
    """Bounds of mean losses, each wrong on its side in at most `level` of samples.

    The widest of three counts:

    - the t test's, with standard errors that allow for clusters (see bench.statistics.paired);
    - the studentised bootstrap's, which allows for skew (Hall, "Theoretical comparison of bootstrap confidence
      intervals", 1988); of several columns by the largest statistic over all of them (max-t: Westfall and Young,
      "Resampling-based multiple testing", 1993), so that columns that are nearly the same count as one;
    - the loss of items that no sample of this size need hold: `most` in 1 - level^(1/clusters) of all items.

    Where so few clusters vary that a resample may hold none of them, the bootstrap knows nothing; the bound is then
    `most` in as many clusters as may lose anything (Clopper and Pearson 1934), at the column's share of the level.

    Args:
        losses: What each item loses against the reference, one row an item and one column a candidate, shape (n, m).
        clusters: Which cluster each item belongs to, any whole numbers, shape (n,); each its own by default.
        level: How often a bound may be wrong.
        most: The largest loss that an item can have, the size of the largest gain as well.
        together: Whether `level` holds for any wrong bound among all columns, or for each column alone.

    Raises:
        ValueError: There are no items, or not one cluster an item.
    """
    sums, sizes = _in_order(*ordered_sums(losses, clusters), together=together)
    count, n = len(sums), int(sizes.sum())
    mean = sums.sum(axis=0) / n
    if count < 2:
        endless = np.full_like(mean, np.inf)
        return LossBounds(mean, -endless, endless, endless, count, most, level)
    error = _errors(np.square(sums - sizes[:, None] * mean).sum(axis=0), n, count)
    error = np.where(error <= _ROUNDING * np.abs(losses).max(axis=0), 0.0, error)
    studentised = _resampled(sums, sizes, mean)
    # A resample in which nothing varies says nothing: there the statistic is endless either way.
    dense = np.isinf(studentised).mean(axis=0) <= _EMPTY * level
    columns = len(mean) if together else 1
    below, above = _reach(studentised, dense, level, together=together)
    least = float(stats.t.isf(level, count - 1))
    low, high = mean - np.maximum(above, least) * error, mean + np.maximum(below, least) * error
    sides = [_few(side, sizes, level / columns, most) for side in (-sums, sums)]
    low, high = np.where(dense, low, -sides[0]), np.where(dense, high, sides[1])
    unseen = unseen_loss(equal_clusters(sizes), most, level)
    return LossBounds(mean, np.minimum(low, mean), np.maximum(high, unseen), error * np.sqrt(count), count, most, level)


def _in_order(sums: Float64, sizes: Int64, *, together: bool) -> tuple[Float64, Int64]:
    """Clusters by their content, so that the bounds do not depend on the order or names of items.

    Columns that are not taken together have an order each, so that they do not depend on one another.
    """
    if together:
        order = np.lexsort((*sums.T[::-1], sizes))
        return sums[order], sizes[order]
    places = np.lexsort((sums, np.broadcast_to(sizes[:, None], sums.shape)), axis=0)
    return np.take_along_axis(sums, places, axis=0), np.sort(sizes)


def _errors(squares: Float64, n: Float64 | int, count: int) -> Float64:
    errors: Float64 = np.sqrt(count / (count - 1) * np.maximum(squares, 0.0)) / n
    return errors


def _resampled(sums: Float64, sizes: Int64, mean: Float64) -> Float64:
    """By how many of its own standard errors each resample's mean lies above the sample's, shape (resamples, m)."""
    weights = sizes.astype(np.float64)
    squares, products, scale = np.square(sums), sums * weights[:, None], np.abs(sums).max(axis=0)
    parts = []
    for counts in draws(len(sums)):
        drawn = counts.astype(np.float64)
        n = (drawn @ weights)[:, None]
        means = drawn @ sums / n
        spread = drawn @ squares - 2 * means * (drawn @ products) + means**2 * (drawn @ weights**2)[:, None]
        error = _errors(np.where(spread <= _ROUNDING * scale**2, 0.0, spread), n, len(sums))
        away = np.where(np.abs(means - mean) <= _ROUNDING * scale, 0.0, means - mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(np.where(error > 0, away / error, np.where(away < 0, -np.inf, np.inf)))
    return np.concatenate(parts)


def _reach(studentised: Float64, dense: Bool, level: float, *, together: bool) -> tuple[Float64, Float64]:
    """How many standard errors a mean may lie below the truth, and above it, shape (m,) each; 0 of sparse columns."""
    below, above = np.zeros(len(dense)), np.zeros(len(dense))
    if not dense.any():
        return below, above
    known = studentised[:, dense]
    lowest, highest = known, known
    if together:
        # Sparse columns take their share of the level.
        level *= dense.mean()
        lowest, highest = known.min(axis=1, keepdims=True), known.max(axis=1, keepdims=True)
    below[dense] = -np.quantile(lowest, level, axis=0, method="lower")
    above[dense] = np.quantile(highest, 1 - level, axis=0, method="higher")
    return below, above


def _few(sums: Float64, sizes: Int64, level: float, most: float) -> Float64:
    """The largest mean of what few clusters may lose: `most` for each item of as many as may lose anything."""
    count = len(sums)
    losing = (sums > 0).sum(axis=0)
    share = np.where(losing < count, stats.beta.isf(level, losing + 1, np.maximum(count - losing, 1)), 1.0)
    largest = sizes.max() / sizes.mean()
    bound: Float64 = np.minimum(share * largest, 1.0) * most
    return bound


def equal_clusters(sizes: Int64) -> float:
    """How many clusters of equal size are worth as much as these (Kish, "Survey sampling", 1965)."""
    return float(sizes.sum() ** 2 / np.square(sizes).sum())
