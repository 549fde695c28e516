"""Means over the subsets of a task, whose items may depend on one another: the same question in several languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.statistics.bootstrap import CONFIDENCE, RESAMPLES

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Clusters = Sequence[npt.NDArray[np.integer]]

_SEED = 20240919


def subset_mean_interval(values: Sequence[Float64], clusters: Clusters, *, confidence: float = CONFIDENCE) -> Float64:
    """Percentile bootstrap intervals of the unweighted mean over subsets of the subsets' means.

    Clusters are drawn within strata, those that appear in the same subsets being one stratum: each subset's own
    clusters among themselves, and one that several subsets share in all of them together. A stratum of one cluster
    is in every resample and adds nothing to the width.

    Args:
        values: Of each subset one row an item and one column a metric or comparison, shape (n, m).
        clusters: Of each subset the clusters of its items, shape (n,); a number means the same cluster in all subsets.
        confidence: How often the intervals are to hold the true mean.

    Returns:
        Low and high ends, shape (2, m).

    Raises:
        ValueError: There is no subset, or one without items or without one cluster an item.
    """
    _check(values, clusters)
    subset = np.repeat(np.arange(len(values)), [len(part) for part in values])
    names, cluster = np.unique(np.concatenate(clusters), return_inverse=True)
    shape = len(names), len(values)
    place = cluster * len(values) + subset
    sizes = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    stratum = np.unique(sizes > 0, axis=0, return_inverse=True)[1].ravel()
    weights = _weights(np.bincount(stratum))
    ends = []
    for column in np.concatenate(values).T:
        # Sums in the order of the values and clusters in that of their sums: no interval depends on order or names.
        order = np.lexsort((column, place))
        sums = np.bincount(place[order], weights=column[order], minlength=sizes.size).reshape(shape)
        rows = np.lexsort((*sums.T, *sizes.T, stratum))
        means = (weights @ sums[rows] / (weights @ sizes[rows])).mean(axis=1)
        ends.append(np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return np.stack(ends, axis=1)


def subset_contributions(values: Sequence[Float64]) -> Float64:
    """What each item contributes to the unweighted mean over subsets, for paired_test.

    That mean plus the item's distance from its subset's mean, weighted by N / (K n): N items in all, K subsets, n items
    in its own. With clusters that have the same number in all subsets paired_test then gives the mean over subsets with
    the standard error of a stratified sample.

    Args:
        values: Of each subset one row an item and one column a metric or comparison, shape (n, m).

    Returns:
        Subsets one below the other, shape (N, m).

    Raises:
        ValueError: There is no subset, or one without items.
    """
    _check(values)
    means = [part.mean(axis=0) for part in values]
    share = sum(map(len, values)) / len(values)
    mean = np.mean(means, axis=0)
    return np.concatenate([mean + share / len(part) * (part - own) for part, own in zip(values, means, strict=True)])


def _check(values: Sequence[Float64], clusters: Clusters | None = None) -> None:
    lengths = [len(part) for part in values]
    if not lengths or not min(lengths) or (clusters is not None and lengths != [len(part) for part in clusters]):
        raise ValueError("a mean over subsets needs items in each, and one cluster an item")


def _weights(strata: Int64) -> Float64:
    """How often each cluster is drawn, strata one after the other, shape (resamples, clusters)."""
    rng = np.random.default_rng(_SEED)
    drawn = [rng.multinomial(size, np.full(size, 1 / size), size=RESAMPLES) for size in strata.tolist()]
    return np.concatenate(drawn, axis=1).astype(np.float64)
