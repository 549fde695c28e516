"""Bootstrap intervals (Efron 1979) that resample clusters, seeded, so that the same scores give the same interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.statistics.clusters import Int64, ordered_sums

Float64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]
Method = Literal["percentile", "bca"]

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 20240917
# Values resampled at once, to bound memory.
_CELLS = 1 << 22
# Counts kept from one call to the next, for the views of a task share them: 2 bytes each, 80 MB at most.
_KEPT = 40_000_000
# Differences that rounding alone makes, as a share of the largest value.
_ROUNDING = 1e-12


def mean_intervals(
    values: Float64,
    clusters: npt.NDArray[np.integer] | None = None,
    *,
    confidence: float = CONFIDENCE,
    method: Method = "percentile",
) -> Float64:
    """Intervals of means over items, or of mean differences where the values are differences of two models.

    Clusters are drawn, not items: a resample's mean is the sum of the clusters drawn over the number of their items
    (Davison and Hinkley, "Bootstrap methods and their application", 1997, section 3.8). Of a single cluster all
    resamples are the same, and the interval has no width.

    Args:
        values: Scores, one row an item and one column a metric or comparison, shape (n, m).
        clusters: Which cluster each item belongs to, any whole numbers, shape (n,); each its own by default.
        confidence: How often the intervals are to hold the true mean.
        method: `percentile`, or `bca`: bias-corrected and accelerated (Efron, "Better bootstrap confidence intervals",
            1987), accelerated by leaving out one cluster at a time.

    Returns:
        Low and high ends, shape (2, m).

    Raises:
        ValueError: There are no items, or not one cluster an item.
    """
    sums, sizes = _in_order(values, clusters)
    # How often each cluster is drawn; the mean of a resample is then a matrix product.
    drawn = (counts.astype(np.float64) for counts in draws(len(sums)))
    means = np.concatenate([counts @ sums / (counts @ sizes)[:, None] for counts in drawn])
    return percentile_ends(means, confidence) if method == "percentile" else _bca_ends(means, sums, sizes, confidence)


def draw_ahead(n: int) -> None:
    """Draw the resamples of n clusters, which takes longer than all else, so that `mean_intervals` finds them drawn."""
    if n * RESAMPLES <= _KEPT:
        _drawn(n)


def spearman_interval(
    values: Float64, gold: Float64, clusters: npt.NDArray[np.integer] | None = None
) -> tuple[float, float]:
    """95% percentile interval of Spearman's correlation over pairs, each resample of clusters ranked anew.

    Args:
        values: Similarities, shape (n,).
        gold: Gold scores, shape (n,).
        clusters: Which cluster each pair belongs to, any whole numbers, shape (n,); each its own by default.
    """
    order = np.lexsort((values, gold))
    values, gold = values[order], gold[order]
    member = np.arange(len(values)) if clusters is None else _by_content(values, gold, clusters[order])
    c = int(member.max()) + 1
    rng = np.random.default_rng(_SEED)
    found = []
    for size in _parts(len(values)):
        drawn = rng.integers(0, c, size=(size, c)) + c * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * c).reshape(size, c)[:, member].astype(np.float64)
        # Ranks are halves of whole numbers, so that these sums are exact, whatever their order.
        middle = (weights.sum(axis=1, keepdims=True) + 1) / 2
        x, y = _mean_ranks(values, weights) - middle, _mean_ranks(gold, weights) - middle
        norm = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
        found.append((weights * x * y).sum(axis=1) / np.where(norm > 0, norm, 1.0))
    low, high = percentile_ends(np.concatenate(found)[:, None], CONFIDENCE)[:, 0]
    return float(low), float(high)


def _in_order(values: Float64, clusters: npt.NDArray[np.integer] | None) -> tuple[Float64, Int64]:
    """Sums of clusters, shape (c, m), and their sizes, shape (c,).

    Each column is in an order of its own, by size and then by sum, so that an interval depends neither on the order or
    names of items nor on other columns.
    """
    sums, sizes = ordered_sums(values, clusters)
    if sizes.max() == 1:
        return np.sort(sums, axis=0), sizes
    places = np.lexsort((sums, np.broadcast_to(sizes[:, None], sums.shape)), axis=0)
    return np.take_along_axis(sums, places, axis=0), np.sort(sizes)


def _by_content(values: Float64, gold: Float64, clusters: npt.NDArray[np.integer]) -> Int64:
    """The clusters of sorted pairs, numbered by what is in them and not by their names."""
    changes = (np.diff(values) != 0) | (np.diff(gold) != 0)
    kinds = np.concatenate([[0], np.cumsum(changes)]).tolist()
    held: dict[int, list[int]] = {}
    for kind, cluster in zip(kinds, clusters.tolist(), strict=True):
        held.setdefault(cluster, []).append(kind)
    numbers = {cluster: number for number, cluster in enumerate(sorted(held, key=held.__getitem__))}
    return np.array([numbers[cluster] for cluster in clusters.tolist()])


def _mean_ranks(values: Float64, weights: Float64) -> Float64:
    """Ranks from 1 of values that stand `weights` times each, ties at their mean; shape (resamples, n) as the weights.

    A value that stands 0 times gets the rank that it would have.
    """
    order = np.argsort(values, kind="stable")
    upto = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights[:, order], axis=1)], axis=1)
    below, above = (np.searchsorted(values[order], values, side=side) for side in ("left", "right"))
    ranks: Float64 = (upto[:, below] + upto[:, above] + 1) / 2
    return ranks


def draws(n: int) -> Iterable[Counts]:
    """How often each of n clusters is drawn in each resample, in parts of shape (resamples, n)."""
    return _drawn(n) if n * RESAMPLES <= _KEPT else _draw(n)


@lru_cache(maxsize=1)
def _drawn(n: int) -> list[Counts]:
    return list(_draw(n))


def _draw(n: int) -> Iterator[Counts]:
    rng = np.random.default_rng(_SEED)
    for size in _parts(n):
        # Counts are about 1; chance does not bring them near 65,535.
        yield rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.uint16)


def _parts(n: int) -> list[int]:
    size = max(min(_CELLS // max(n, 1), RESAMPLES), 1)
    return [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]


def percentile_ends(resampled: Float64, confidence: float = CONFIDENCE) -> Float64:
    """Ends of percentile intervals of values over resamples, shape (resamples, m): low and high, shape (2, m)."""
    tail = (1 - confidence) / 2
    ends: Float64 = np.quantile(resampled, [tail, 1 - tail], axis=0)
    return ends


def _bca_ends(resampled: Float64, sums: Float64, sizes: Int64, confidence: float) -> Float64:
    """Ends at quantiles moved by bias and acceleration; the mean itself where leaving clusters out changes nothing."""
    mean = sums.sum(axis=0) / sizes.sum()
    nearly = _ROUNDING * np.abs(sums).max(axis=0)
    below = (resampled < mean - nearly).mean(axis=0) / 2 + (resampled <= mean + nearly).mean(axis=0) / 2
    bias = special.ndtri(np.clip(below, 0.5 / RESAMPLES, 1 - 0.5 / RESAMPLES))
    if len(sums) < 2:
        return np.stack([mean, mean])
    without = (sums.sum(axis=0) - sums) / (sizes.sum() - sizes)[:, None]
    pulls = without.mean(axis=0) - without
    squares = np.square(pulls).sum(axis=0)
    constant = np.abs(pulls).max(axis=0) <= nearly
    acceleration = (pulls**3).sum(axis=0) / (6 * np.where(constant, 1.0, squares) ** 1.5)
    tail = special.ndtri((1 - confidence) / 2)
    moved = np.stack([bias + tail, bias - tail])
    at = special.ndtr(bias + moved / (1 - acceleration * moved))
    ends = np.stack([np.quantile(column, places) for column, places in zip(resampled.T, at.T, strict=True)], axis=1)
    return np.where(constant, mean, ends)
