"""Bounds of losses, compared with textbook intervals, by hand, and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.statistics.losses import loss_bounds, unseen_needed


def normal(n, columns=1, mean=0.0, seed=0):
    return np.random.default_rng(seed).normal(mean, 0.2, (n, columns))


def test_of_normal_losses_the_bounds_are_near_the_t_tests():
    losses = normal(2000)
    found = loss_bounds(losses)
    below, above = stats.ttest_1samp(losses[:, 0], 0.0).confidence_interval(0.90)
    assert found.low[0] == pytest.approx(below, abs=2e-4)
    assert found.high[0] == pytest.approx(above, abs=2e-4)
    assert found.low[0] <= below + 1e-12
    assert found.high[0] >= above - 1e-12


def test_the_rule_of_three_by_hand():
    # 0.99^298 = 0.0500..., 0.99^299 = 0.0495...
    assert unseen_needed(0.01) == 299
    assert 0.99**298 > 0.05 > 0.99**299
    assert unseen_needed(0.05) == 59
    assert unseen_needed(0.01, most=0.5) == 149
    assert unseen_needed(2.0) == 1


@pytest.mark.parametrize(("n", "claim"), [(298, "not shown"), (299, "at most the margin")])
def test_equal_scores_show_a_margin_only_of_enough_queries(n, claim):
    found = loss_bounds(np.zeros((n, 1)))
    assert found.claims(0.01) == [claim]
    assert found.needed(0.01) == [299]
    assert found.high[0] == pytest.approx(1 - 0.05 ** (1 / n))


def test_a_single_lost_query_is_bounded_by_clopper_and_pearson():
    losses = np.zeros((600, 1))
    losses[17] = 0.4
    found = loss_bounds(losses)
    share = stats.binomtest(1, 600).proportion_ci(0.90, method="exact")
    assert found.high[0] == pytest.approx(share.high)
    assert found.low[0] <= 0
    assert found.claims(0.01) == ["at most the margin"]
    assert found.claims(0.005) == ["not shown"]


def test_skew_moves_the_upper_bound_away_from_the_t_tests():
    losses = np.full((300, 1), -0.02)
    losses[:12] = 0.6
    above = stats.ttest_1samp(losses[:, 0], 0.0).confidence_interval(0.90).high
    assert loss_bounds(losses).high[0] > above + 0.001


def test_copies_count_as_one_and_others_widen():
    one, many = normal(400), normal(400, 12, seed=1)
    alone = loss_bounds(one)
    copies = loss_bounds(np.repeat(one, 12, axis=1))
    assert copies.high == pytest.approx(np.full(12, alone.high[0]))
    together = loss_bounds(many)
    apart = loss_bounds(many, together=False)
    assert (together.high >= apart.high).all()
    assert together.high.mean() > apart.high.mean()
    assert (together.low < apart.low).all()


def test_a_large_loss_is_shown():
    assert loss_bounds(normal(500, mean=0.1)).claims(0.02) == ["more than the margin"]
    assert loss_bounds(normal(500, mean=0.1)).needed(0.02) == [None]


def test_needed_grows_with_the_square_of_the_spread():
    losses = normal(1000)
    losses -= losses.mean()
    found = loss_bounds(losses)
    expected = ((stats.norm.isf(0.05) + stats.norm.isf(0.2)) * losses.std(ddof=1) / 0.01) ** 2
    assert found.needed(0.01)[0] == pytest.approx(expected, rel=0.002)


def test_one_cluster_shows_nothing():
    found = loss_bounds(normal(5), np.zeros(5, dtype=np.int64))
    assert found.claims(0.5) == ["not shown"]
    assert found.low[0] == -np.inf
    assert found.high[0] == np.inf


def test_items_of_one_cluster_are_one_observation():
    losses = normal(100)
    thrice = np.repeat(losses, 3, axis=0)
    clusters = np.repeat(np.arange(100), 3)
    assert loss_bounds(thrice, clusters).high == pytest.approx(loss_bounds(losses).high)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 4))
def test_the_order_and_names_of_items_do_not_matter(seed, n, columns):
    rng = np.random.default_rng(seed)
    losses = rng.choice([0.0, 0.0, 0.1, -0.3, 1.0], (n, columns))
    clusters = rng.integers(0, max(n // 2, 1), n)
    order, names = rng.permutation(n), rng.permutation(n)
    first = loss_bounds(losses, clusters)
    second = loss_bounds(losses[order], names[clusters[order]])
    assert second.low == pytest.approx(first.low, nan_ok=True)
    assert second.high == pytest.approx(first.high, nan_ok=True)
    assert (first.low <= first.mean).all()
    assert (first.mean <= first.high + 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 4))
def test_apart_a_column_does_not_depend_on_the_others(seed, n, columns):
    rng = np.random.default_rng(seed)
    losses = rng.choice([0.0, 0.0, 0.1, -0.3, 1.0], (n, columns))
    clusters = rng.integers(0, max(n // 2, 1), n)
    found = loss_bounds(losses, clusters, together=False)
    alone = [loss_bounds(losses[:, [column]], clusters) for column in range(columns)]
    assert found.low == pytest.approx(np.concatenate([one.low for one in alone]), nan_ok=True)
    assert found.high == pytest.approx(np.concatenate([one.high for one in alone]), nan_ok=True)


@pytest.mark.parametrize("margin", [0.0, -0.1])
def test_a_margin_is_above_zero(margin):
    with pytest.raises(ValueError, match="above 0"):
        unseen_needed(margin)
