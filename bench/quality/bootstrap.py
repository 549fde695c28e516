"""95% percentile bootstrap intervals (Efron 1979), seeded, so that the same scores give the same interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

Float64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 20240917
# Values resampled at once, to bound memory.
_CELLS = 1 << 22
# Counts kept from one call to the next: 2 bytes each, 80 MB at most.
_KEPT = 40_000_000


def mean_intervals(values: Float64) -> Float64:
    """Intervals of means over queries.

    Args:
        values: Scores, one row a query and one column a metric, shape (n, m).

    Returns:
        Low and high ends, shape (2, m).
    """
    n = len(values)
    # Each column in an order of its own, so that an interval depends neither on the order of queries nor on others.
    values = np.sort(values, axis=0)
    # How often each query is drawn; the mean of a resample is then a matrix product.
    return _ends(np.concatenate([counts.astype(np.float64) @ values / n for counts in _counts(n)]))


def _counts(n: int) -> Iterable[Counts]:
    """How often each of n queries is drawn in each resample, in parts of shape (resamples, n).

    Drawing them takes longer than all else; the views of a task share them where memory allows.
    """
    return _drawn(n) if n * RESAMPLES <= _KEPT else _draw(n)


@lru_cache(maxsize=1)
def _drawn(n: int) -> list[Counts]:
    return list(_draw(n))


def _draw(n: int) -> Iterator[Counts]:
    rng = np.random.default_rng(_SEED)
    for size in _parts(n):
        # A query's count is about 1: 65,535 is never reached by chance, and a single query is drawn once.
        yield rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.uint16)


def spearman_interval(values: Float64, gold: Float64) -> tuple[float, float]:
    """Interval of Spearman's correlation over pairs, each resample ranked anew.

    Args:
        values: Similarities, shape (n,).
        gold: Gold scores, shape (n,).
    """
    n = len(values)
    order = np.lexsort((values, gold))
    values, gold = values[order], gold[order]
    rng = np.random.default_rng(_SEED)
    found = []
    for size in _parts(n):
        drawn = rng.integers(0, n, size=(size, n))
        x = stats.rankdata(values[drawn], axis=1)
        y = stats.rankdata(gold[drawn], axis=1)
        x -= x.mean(axis=1, keepdims=True)
        y -= y.mean(axis=1, keepdims=True)
        norm = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
        found.append((x * y).sum(axis=1) / np.where(norm > 0, norm, 1.0))
    low, high = _ends(np.concatenate(found)[:, None])[:, 0]
    return float(low), float(high)


def _parts(n: int) -> list[int]:
    size = max(min(_CELLS // max(n, 1), RESAMPLES), 1)
    return [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]


def _ends(resampled: Float64) -> Float64:
    tail = (1 - CONFIDENCE) / 2
    ends: Float64 = np.quantile(resampled, [tail, 1 - tail], axis=0)
    return ends
