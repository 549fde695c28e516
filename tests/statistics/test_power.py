from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.paired import paired_test
from bench.statistics.power import minimum_detectable_effect, observations_needed


@pytest.mark.parametrize(
    ("effect", "n", "two_sided"),
    # Pairs needed at 5% and 80% for Cohen's d of .2, .5 and .8, as G*Power and Cohen's tables have them.
    [(0.2, 199, True), (0.5, 34, True), (0.8, 15, True), (0.2, 156, False), (0.5, 27, False), (0.8, 12, False)],
)
def test_cohens_tables(effect, n, two_sided):
    def smallest(pairs):
        error = np.array([1 / np.sqrt(pairs)])
        return minimum_detectable_effect(error, pairs - 1, two_sided=two_sided)[0]

    assert smallest(n) <= effect < smallest(n - 1)


@pytest.mark.parametrize("level", [0.01, 0.05])
@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize("two_sided", [True, False])
def test_with_many_clusters_it_is_the_normal_one(level, power, two_sided):
    found = minimum_detectable_effect(np.array([0.02]), 10**6, level=level, power=power, two_sided=two_sided)
    normal = stats.norm.isf(level / 2 if two_sided else level) + stats.norm.ppf(power)
    assert found[0] == pytest.approx(0.02 * normal, rel=1e-4)


@pytest.mark.parametrize("freedom", [1, 2, 5, 30])
@pytest.mark.parametrize(("level", "power"), [(0.001, 0.99), (0.05, 0.8), (0.4, 0.9999)])
def test_few_clusters_against_the_integral_of_the_normal_over_the_spread(freedom, level, power):
    """t exceeds c when a standard normal plus the noncentrality exceeds c sqrt(chi^2 / freedom)."""
    found = minimum_detectable_effect(np.array([1.0]), freedom, level=level, power=power)[0]
    spread = np.sqrt(stats.chi2.ppf((np.arange(100_000) + 0.5) / 100_000, freedom) / freedom)
    critical = stats.t.isf(level / 2, freedom)
    assert stats.norm.cdf(found - critical * spread).mean() == pytest.approx(power, abs=1e-5)


def test_a_drop_of_that_size_is_found_in_80_of_100_samples():
    rng = np.random.default_rng(0)
    n, samples = 40, 4000
    drop = minimum_detectable_effect(np.array([1 / np.sqrt(n)]), n - 1, two_sided=False)[0]
    found = paired_test(rng.normal(-drop, 1, (n, samples))).worse() <= 0.05
    # 4 standard errors of sqrt(.8 * .2 / 4000) = .0063.
    assert found.mean() == pytest.approx(0.8, abs=0.026)


@pytest.mark.parametrize(
    ("effect", "n", "two_sided"),
    [(0.2, 199, True), (0.5, 34, True), (0.8, 15, True), (0.2, 156, False), (0.5, 27, False), (0.8, 12, False)],
)
def test_observations_needed_are_those_of_cohens_tables(effect, n, two_sided):
    assert observations_needed(1.0, effect, two_sided=two_sided) == n
    assert observations_needed(0.3, 0.3 * effect, two_sided=two_sided) == n


@pytest.mark.parametrize(("deviation", "margin"), [(0.2, 0.01), (0.35, 0.005), (0.04, 0.01)])
@pytest.mark.parametrize("two_sided", [True, False])
def test_many_observations_needed_follow_from_the_normal_formula(deviation, margin, two_sided):
    z = stats.norm.isf(0.05 / (1 + two_sided)) + stats.norm.ppf(0.8)
    # The t distribution asks for half of the critical value squared more.
    assert observations_needed(deviation, margin, two_sided=two_sided) == pytest.approx(
        (z * deviation / margin) ** 2 + stats.norm.isf(0.05 / (1 + two_sided)) ** 2 / 2, abs=1.5
    )


def test_differences_without_any_spread_need_two_observations():
    assert observations_needed(0.0, 0.01) == 2


@pytest.mark.parametrize(("deviation", "effect"), [(0.1, 0.0), (0.1, -1.0), (-0.1, 0.1), (float("nan"), 0.1)])
def test_observations_for_no_effect_or_no_deviation_are_refused(deviation, effect):
    with pytest.raises(ValueError, match="above 0"):
        observations_needed(deviation, effect)


def test_one_cluster_finds_nothing():
    assert np.isnan(minimum_detectable_effect(np.array([np.nan]), 0)).all()


@pytest.mark.parametrize(("level", "power"), [(0.05, 0.05), (0.0, 0.8), (0.05, 1.0)])
def test_a_power_that_is_none_is_refused(level, power):
    with pytest.raises(ValueError, match="between the level and 1"):
        minimum_detectable_effect(np.array([1.0]), 9, level=level, power=power)
