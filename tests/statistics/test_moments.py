"""Correlations from moments against numpy over the values themselves."""

from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.bootstrap import draws
from bench.statistics.moments import Moments, correlation, correlation_interval


def values(items=12, each=7, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(items, each)) + rng.normal(size=(items, 1))
    return x, 0.5 * x + rng.normal(size=(items, each)) + 100


def moments_of(x, y):
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    count = np.full(len(x), float(x.shape[1]))
    return Moments(count, x.mean(axis=1), y.mean(axis=1), (dx**2).sum(1), (dy**2).sum(1), (dx * dy).sum(1))


def test_correlation_is_that_of_all_values():
    x, y = values()
    assert correlation(moments_of(x, y)) == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    assert correlation(moments_of(x, x)) == 1
    assert correlation(moments_of(x, -x)) == -1
    assert correlation(moments_of(x, np.ones_like(x))) is None


def test_the_interval_draws_clusters_whole():
    x, y = values()
    clusters = np.arange(12) // 2
    # The same draws, in the order in which sums of clusters stand there.
    sums = np.add.reduceat(moments_of(x, y).centred(), np.arange(0, 12, 2), axis=0)
    order = np.lexsort(sums.T)
    drawn = []
    for counts in np.concatenate(list(draws(6))):
        items = [
            row for cluster, times in zip(order, counts, strict=True) for row in [2 * cluster, 2 * cluster + 1] * times
        ]
        drawn.append(np.corrcoef(x[items].ravel(), y[items].ravel())[0, 1])
    expected = np.quantile(drawn, [0.025, 0.975])
    assert correlation_interval(moments_of(x, y), clusters) == pytest.approx(expected)


def test_order_and_names_of_clusters_do_not_matter():
    x, y = values()
    clusters, order = np.arange(12) // 3, np.random.default_rng(1).permutation(12)
    one = correlation_interval(moments_of(x, y), clusters)
    other = correlation_interval(moments_of(x[order], y[order]), 9 - clusters[order])
    assert one == other


def test_resamples_of_one_item_count_as_nothing():
    x, y = values(items=2, each=1)
    low, high = correlation_interval(moments_of(x, y), np.arange(2))
    assert -1 <= low <= high <= 1
