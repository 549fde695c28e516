from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.bootstrap import mean_intervals
from bench.statistics.paired import paired_test
from bench.statistics.subsets import subset_contributions, subset_mean_interval


def three_subsets(seed=0):
    """Subsets of 30, 50 and 20 items: the first two share 20 clusters, and some clusters hold several items."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=200)
    clusters = [
        np.arange(30),
        np.concatenate([np.arange(10, 30), np.repeat(np.arange(100, 115), 2)]),
        np.arange(20) + 150,
    ]
    return [effect[numbers][:, None] + rng.normal(0, 0.5, (len(numbers), 2)) for numbers in clusters], clusters


def test_one_subset_is_a_mean():
    rng = np.random.default_rng(1)
    values, clusters = rng.normal(size=(60, 3)), np.sort(rng.integers(0, 40, 60))
    found = subset_mean_interval([values], [clusters])
    # Other resamples: 5 standard errors of two ends, as in test_bootstrap, are .43 standard errors of the mean.
    np.testing.assert_allclose(
        found, mean_intervals(values, clusters), atol=0.43 * paired_test(values, clusters).error.max()
    )


def test_strata_are_drawn_as_a_plain_loop_draws_them():
    values, clusters = three_subsets()
    strata = [np.arange(10), np.arange(10, 30), np.arange(100, 115), np.arange(150, 170)]
    rng = np.random.default_rng(2)
    means = []
    for _ in range(3000):
        drawn = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        rows = [np.concatenate([np.flatnonzero(part == name) for name in drawn]) for part in clusters]
        means.append(np.mean([part[found].mean(axis=0) for part, found in zip(values, rows, strict=True)], axis=0))
    expected = np.quantile(means, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(subset_mean_interval(values, clusters), expected, atol=0.4 * np.std(means))


def test_subsets_of_the_same_questions_are_drawn_together():
    """Three translations of a subset, scored alike, are worth no more than one; taken for strangers they would be."""
    values = np.random.default_rng(3).normal(size=(50, 1))
    same = [np.arange(50)] * 3
    low, high = subset_mean_interval([values] * 3, same)
    alone = subset_mean_interval([values], same[:1])
    np.testing.assert_allclose([low, high], alone, atol=1e-12)
    apart = subset_mean_interval([values] * 3, [np.arange(50) + 50 * part for part in range(3)])
    assert np.ptp(apart) == pytest.approx(np.ptp(alone) / np.sqrt(3), rel=0.1)


def test_order_and_names_do_not_change_an_interval():
    values, clusters = three_subsets(4)
    values = [part.round(1) for part in values]
    expected = subset_mean_interval(values, clusters)
    rng = np.random.default_rng(5)
    names, orders = rng.permutation(1000)[:200], [rng.permutation(len(part)) for part in clusters]
    turned = [part[order] for part, order in zip(values, orders, strict=True)]
    renamed = [names[part[order]] for part, order in zip(clusters, orders, strict=True)]
    # Strata are drawn in the order in which they stand, which names do not change.
    assert (subset_mean_interval(turned, renamed) == expected).all()


def test_contributions_have_the_mean_over_subsets_and_the_error_of_strata():
    rng = np.random.default_rng(6)
    values = [rng.normal(part, 1 + part, (40 * (part + 1), 2)) for part in range(3)]
    found = paired_test(subset_contributions(values))
    np.testing.assert_allclose(found.mean, np.mean([part.mean(axis=0) for part in values], axis=0))
    # The variance of a mean of independent means, with the divisor n instead of n - 1.
    error = np.sqrt(sum(part.var(axis=0) / len(part) for part in values)) / 3
    np.testing.assert_allclose(found.error, error * np.sqrt(240 / 239), rtol=1e-9)


def test_contributions_with_shared_clusters_have_the_bootstraps_error():
    values, clusters = three_subsets(7)
    found = paired_test(subset_contributions(values), np.concatenate(clusters))
    low, high = subset_mean_interval(values, clusters, confidence=0.9)
    np.testing.assert_allclose((high - low) / 2 / 1.645, found.error, rtol=0.1)


@pytest.mark.parametrize(
    ("values", "clusters"),
    [([], []), ([np.zeros((0, 1))], [np.arange(0)]), ([np.zeros((2, 1))], [np.arange(3)]), ([np.zeros((2, 1))], [])],
)
def test_what_is_no_subset_is_refused(values, clusters):
    with pytest.raises(ValueError, match="items in each"):
        subset_mean_interval(values, clusters)
