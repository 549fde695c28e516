"""Influence values against the leave-one-out changes of scipy's correlations, and against the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.influence import pearson_influence, spearman_influence

BOTH = pytest.mark.parametrize(
    ("influence", "correlation"), [(pearson_influence, stats.pearsonr), (spearman_influence, stats.spearmanr)]
)
SHAPES = pytest.mark.parametrize("ties", [False, True])


def sample(n, *, ties, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.7 * x + rng.normal(size=n)
    # Gold scores are often whole numbers.
    return x, np.round(y) if ties else y


@BOTH
@SHAPES
def test_the_mean_is_the_correlation(influence, correlation, ties):
    x, y = sample(300, ties=ties)
    assert influence(x, y).mean() == pytest.approx(correlation(x, y).statistic, abs=1e-12)


@BOTH
@SHAPES
def test_a_pairs_influence_is_how_the_correlation_changes_without_it(influence, correlation, ties):
    n = 400
    x, y = sample(n, ties=ties)
    whole = correlation(x, y).statistic
    kept = [np.delete(np.arange(n), i) for i in range(n)]
    jackknife = np.array([whole + (n - 1) * (whole - correlation(x[rows], y[rows]).statistic) for rows in kept])
    found = influence(x, y)
    assert np.corrcoef(jackknife, found)[0, 1] > 0.999
    assert found.std() == pytest.approx(jackknife.std(), rel=0.02)


@BOTH
@SHAPES
def test_their_spread_is_the_bootstraps(influence, correlation, ties):
    n = 500
    x, y = sample(n, ties=ties, seed=4)
    rng = np.random.default_rng(9)
    drawn = [rng.integers(0, n, n) for _ in range(1000)]
    bootstrap = np.std([correlation(x[rows], y[rows]).statistic for rows in drawn])
    assert influence(x, y).std() / np.sqrt(n) == pytest.approx(bootstrap, rel=0.1)


@BOTH
def test_a_constant_side_correlates_with_nothing(influence, correlation):
    assert influence(np.ones(5), np.arange(5.0)).tolist() == [0.0] * 5
    assert influence(np.arange(5.0), np.ones(5)).tolist() == [0.0] * 5
