"""Bootstrap intervals, against a plain loop and by simulation."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from bench.statistics import bootstrap
from bench.statistics.bootstrap import mean_intervals, spearman_interval


def test_means_equal_a_plain_loop():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.uniform(size=80), rng.integers(0, 2, size=80)])
    low, high = mean_intervals(values)
    means = [values[rng.integers(0, 80, size=80)].mean(axis=0) for _ in range(4000)]
    expected = np.quantile(means, [0.025, 0.975], axis=0)
    # An end of 2,000 resamples has a standard error of sqrt(.025 * .975 / 2000) / (density .058 / sd) = .06 sd;
    # sd here is .5 / sqrt(80) = .056 at most, and 5 standard errors of two such ends are .024.
    np.testing.assert_allclose([low, high], expected, atol=0.024)


def test_spearman_equals_a_plain_loop():
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 6, size=60).astype(float)
    values = gold + rng.normal(scale=2.0, size=60)
    low, high = spearman_interval(values, gold)
    drawn = [rng.integers(0, 60, size=60) for _ in range(2000)]
    expected = np.quantile([stats.spearmanr(values[rows], gold[rows]).statistic for rows in drawn], [0.025, 0.975])
    # sd of the correlation is about .1: 5 standard errors of two ends, as above, are .04.
    assert (low, high) == pytest.approx(tuple(expected), abs=0.04)
    assert low < stats.spearmanr(values, gold).statistic < high


def test_normal_data_give_the_normal_interval():
    # 400 values: mean +- 1.96 * sd / 20.
    values = np.random.default_rng(2).normal(size=(400, 1))
    low, high = mean_intervals(values)[:, 0]
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.015)


@pytest.mark.parametrize("n", [5, 50, 500, 5000])
def test_the_mean_lies_inside(n):
    values = np.random.default_rng(n).uniform(size=(n, 3))
    low, high = mean_intervals(values)
    assert (low < values.mean(axis=0)).all()
    assert (values.mean(axis=0) < high).all()


def test_columns_are_resampled_together_and_alike():
    # A column gets the same interval whatever stands beside it.
    values = np.random.default_rng(3).uniform(size=(30, 2))
    alone = mean_intervals(values[:, :1])
    np.testing.assert_allclose(mean_intervals(values)[:, :1], alone, rtol=1e-12)


def test_the_order_of_rows_does_not_change_an_interval():
    # Rounded, so that values tie.
    rng = np.random.default_rng(8)
    values, gold, order = (
        rng.uniform(size=(50, 3)).round(1),
        rng.integers(0, 6, size=50).astype(float),
        rng.permutation(50),
    )
    assert (mean_intervals(values[order]) == mean_intervals(values)).all()
    assert spearman_interval(values[order, 0], gold[order]) == spearman_interval(values[:, 0], gold)


def test_rounding_does_not_change_an_interval_beyond_rounding():
    # The last column, which orders the rows, is constant but for the noise of a sum in another order.
    values = np.column_stack([np.random.default_rng(9).uniform(size=40), np.full(40, 0.5)])
    noisy = values.copy()
    noisy[::2, 1] -= 1e-16
    np.testing.assert_allclose(mean_intervals(noisy), mean_intervals(values), atol=1e-12)


def test_the_same_input_gives_the_same_interval():
    rng = np.random.default_rng(4)
    values, gold = rng.uniform(size=(50, 2)), rng.uniform(size=50)
    assert (mean_intervals(values) == mean_intervals(values.copy())).all()
    assert spearman_interval(values[:, 0], gold) == spearman_interval(values[:, 0].copy(), gold)


def test_the_global_generator_is_neither_used_nor_moved():
    values = np.random.default_rng(5).uniform(size=(20, 1))
    np.random.seed(1)
    first, next_number = mean_intervals(values), np.random.uniform()
    np.random.seed(1)
    assert np.random.uniform() == next_number
    assert (mean_intervals(values) == first).all()


def test_one_value_has_no_width():
    assert mean_intervals(np.array([[0.25, 1.0]])).tolist() == [[0.25, 1.0], [0.25, 1.0]]
    assert spearman_interval(np.array([0.5]), np.array([3.0])) == (0.0, 0.0)


def test_constant_values_have_no_width():
    low, high = mean_intervals(np.full((37, 1), 0.3))
    assert (low[0], high[0]) == pytest.approx((0.3, 0.3), abs=1e-12)
    assert spearman_interval(np.full(9, 0.5), np.arange(9.0)) == (0.0, 0.0)


def test_a_perfect_order_is_1_in_every_resample():
    # A resample of one value 9 times is constant and counts 0; that is one in 9^8.
    low, high = spearman_interval(np.arange(9.0), np.arange(9.0))
    assert (low, high) == pytest.approx((1.0, 1.0))


def test_intervals_cover_the_true_mean():
    """Of 300 samples of 60 values about 95% of the intervals hold the true mean."""
    rng = np.random.default_rng(6)
    # Each column of one call is a sample; the true mean of a uniform value is 1/2.
    low, high = mean_intervals(rng.uniform(size=(60, 300)))
    covered = ((low <= 0.5) & (high >= 0.5)).mean()
    assert 0.90 <= covered <= 0.98


def test_spearman_intervals_cover_the_true_correlation():
    """Spearman's correlation of two normal variables with Pearson's r = .6 is 6/pi * asin(.3) = .5819."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        x, noise = rng.normal(size=(2, 60))
        low, high = spearman_interval(0.6 * x + 0.8 * noise, x)
        held += low <= 6 / np.pi * np.arcsin(0.3) <= high
    # 95 +- 3 standard deviations of sqrt(100 * .95 * .05) = 2.2; the percentile interval is a little narrow.
    assert 86 <= held <= 100


def test_drawn_ahead_kept_or_not_the_intervals_are_the_same(monkeypatch):
    values = np.random.default_rng(10).uniform(size=(30, 2))
    bootstrap._drawn.cache_clear()
    bootstrap.draw_ahead(30)
    assert bootstrap._drawn.cache_info().currsize == 1
    kept = mean_intervals(values)
    assert bootstrap._drawn.cache_info().hits == 1
    # Too many to be kept, and drawn in many parts.
    monkeypatch.setattr(bootstrap, "_KEPT", 0)
    monkeypatch.setattr(bootstrap, "_CELLS", 300)
    np.testing.assert_allclose(mean_intervals(values), kept, rtol=1e-12)
    assert bootstrap._drawn.cache_info().hits == 1


def test_seeds_stay_so_that_published_intervals_do():
    """The resamples are numpy's multinomial draws of one seed."""
    values = np.sort(np.random.default_rng(11).uniform(size=20))
    counts = np.random.default_rng(20240917).multinomial(20, np.full(20, 1 / 20), size=2000)
    expected = np.quantile(counts @ values / 20, [0.025, 0.975])
    np.testing.assert_allclose(mean_intervals(values[:, None])[:, 0], expected, rtol=1e-12)


def clustered(seed=0, c=40, m=2):
    """Values of c clusters of one to five items, which share a part of their value."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(c), rng.integers(1, 6, size=c))
    return rng.normal(size=(c, m))[clusters] + 0.3 * rng.exponential(size=(len(clusters), m)), clusters


def test_clusters_are_drawn_as_a_plain_loop_draws_them():
    values, clusters = clustered(c=60)
    low, high = mean_intervals(values, clusters)
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(clusters == cluster) for cluster in range(60)]
    drawn = [np.concatenate([members[cluster] for cluster in rng.integers(0, 60, 60)]) for _ in range(4000)]
    means = np.array([values[rows].mean(axis=0) for rows in drawn])
    # Two ends of 2,000 and 4,000 resamples, as above: 5 standard errors of .075 sd are .37 sd.
    np.testing.assert_allclose(low, np.quantile(means, 0.025, axis=0), atol=0.37 * means.std())
    np.testing.assert_allclose(high, np.quantile(means, 0.975, axis=0), atol=0.37 * means.std())


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_clusters_of_one_size_are_items(method):
    values = np.random.default_rng(2).uniform(size=(30, 2))
    often = np.repeat(values, 4, axis=0)
    found = mean_intervals(often, np.repeat(np.arange(30), 4), method=method)
    np.testing.assert_allclose(found, mean_intervals(values, method=method), atol=1e-12)
    assert (mean_intervals(values, np.arange(30)[::-1], method=method) == mean_intervals(values, method=method)).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("items", [None, "clusters"])
def test_ends_are_scipys_of_the_same_resamples(method, confidence, items):
    """scipy.stats.bootstrap takes resampled statistics, and adds its own jackknife over what was drawn."""
    values, clusters = clustered(seed=3, m=1)
    if items is None:
        values, clusters = np.random.default_rng(4).exponential(size=(35, 1)), np.arange(35)
    sizes = np.bincount(clusters)
    sums = np.bincount(clusters, weights=values[:, 0])
    order = np.lexsort((sums, sizes))
    sums, sizes = sums[order], sizes[order]
    counts = np.random.default_rng(20240917).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=2000)
    reference = stats.bootstrap(
        (sums, sizes), lambda total, n, axis=-1: total.sum(axis=axis) / n.sum(axis=axis), paired=True, n_resamples=0,
        confidence_level=confidence, method={"percentile": "percentile", "bca": "BCa"}[method],
        bootstrap_result=SimpleNamespace(bootstrap_distribution=counts @ sums / (counts @ sizes)),
    ).confidence_interval  # fmt: skip
    found = mean_intervals(values, clusters, confidence=confidence, method=method)
    np.testing.assert_allclose(found[:, 0], [reference.low, reference.high], rtol=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_neither_the_order_of_items_nor_the_names_of_clusters_change_an_interval(method):
    rng = np.random.default_rng(5)
    values, clusters = clustered(seed=5)
    values, order = values.round(1), rng.permutation(len(values))
    names = rng.permutation(1000)[:40]
    expected = mean_intervals(values, clusters, method=method)
    assert (mean_intervals(values[order], names[clusters[order]], method=method) == expected).all()
    gold = rng.integers(0, 4, size=len(values)).astype(float)
    pairs = spearman_interval(values[:, 0], gold, clusters)
    assert spearman_interval(values[order, 0], gold[order], names[clusters[order]]) == pairs


def test_bca_of_equal_differences_has_no_width():
    values = np.column_stack([np.full(20, 0.1), np.zeros(20), np.arange(20.0)])
    low, high = mean_intervals(values, method="bca")
    np.testing.assert_allclose([low[:2], high[:2]], [[0.1, 0.0]] * 2, atol=1e-12)
    assert low[2] < 9.5 < high[2]
    assert mean_intervals(np.ones((5, 1)), np.zeros(5, dtype=int), method="bca").tolist() == [[1.0], [1.0]]


def test_spearman_draws_clusters_as_a_plain_loop_does():
    values, clusters = clustered(seed=6, m=1)
    gold = np.round(values[:, 0] + np.random.default_rng(6).normal(size=len(values)))
    low, high = spearman_interval(values[:, 0], gold, clusters)
    rng = np.random.default_rng(7)
    members = [np.flatnonzero(clusters == cluster) for cluster in range(40)]
    drawn = [np.concatenate([members[cluster] for cluster in rng.integers(0, 40, 40)]) for _ in range(2000)]
    found = [stats.spearmanr(values[rows, 0], gold[rows]).statistic for rows in drawn]
    # Two ends of 2,000 resamples each, as above: 5 standard errors of .085 sd.
    assert (low, high) == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=0.43 * np.std(found))


def test_pairs_that_are_repeated_do_not_narrow_spearmans_interval():
    rng = np.random.default_rng(8)
    values, gold = rng.normal(size=(2, 30)).round(1)
    expected = spearman_interval(values, gold)
    found = spearman_interval(np.repeat(values, 3), np.repeat(gold, 3), np.repeat(np.arange(30), 3))
    # Drawn by the same seed, but in the order of what is in a cluster.
    assert found == pytest.approx(expected, abs=1e-12)
