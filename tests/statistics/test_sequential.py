"""A test that may be looked at after every query, against wealth worked out by hand and its promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.statistics.sequential import stop_early


def by_hand(losses, margin):
    """The first item after which one of the two bets has grown twentyfold."""
    stakes = [0.002 * (0.5 / 0.002) ** (step / 23) for step in range(24)]
    for count in range(1, len(losses) + 1):
        seen = losses[:count]
        below = sum(math.prod(1 + s / (1 - margin) * (margin - x) for x in seen) for s in stakes) / 24
        above = sum(math.prod(1 + s / (1 + margin) * (x - margin) for x in seen) for s in stakes) / 24
        if below >= 20:
            return "at most the margin", count
        if above >= 20:
            return "more than the margin", count
    return "not shown", len(losses)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.2]), st.sampled_from([-0.1, 0.0, 0.3]))
def test_it_stops_where_a_bet_worked_out_by_hand_does(seed, margin, mean):
    losses = np.clip(np.random.default_rng(seed).normal(mean, 0.2, 250), -1, 1)
    found = stop_early(losses, margin)
    assert (found.claim, found.clusters) == by_hand(losses.tolist(), margin)


def test_false_claims_are_rare_whenever_it_stops():
    rng = np.random.default_rng(5)
    claims = [stop_early((rng.random(600) < 0.05).astype(float), 0.05).claim for _ in range(400)]
    # 5% of 400 are 20; three standard errors more are 33.
    assert claims.count("at most the margin") <= 33
    assert claims.count("more than the margin") <= 33


def test_clusters_are_single_observations():
    losses = np.clip(np.random.default_rng(1).normal(0.2, 0.1, 200), -1, 1)
    alone = stop_early(losses, 0.05)
    thrice = stop_early(np.repeat(losses, 3), 0.05, np.repeat(np.arange(200), 3))
    assert alone == thrice
    assert alone.claim == "more than the margin"


@pytest.mark.parametrize(("losses", "margin"), [([0.1], 0.0), ([0.1], 1.0), ([1.5], 0.1), ([], 0.1)])
def test_what_is_out_of_range_is_refused(losses, margin):
    with pytest.raises(ValueError, match=r"margin|at least one"):
        stop_early(np.array(losses, dtype=float), margin)
