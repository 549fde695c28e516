"""Expected ranks against all ways of filling the last places, and all orders of equal scores."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality.expectation import Standing, expected_weights

small = st.integers(0, 2)


def of(*columns):
    return Standing(*(np.array([column]) for column in columns))


def by_all_ways(sure_above, sure_tied, crowd_above, crowd_tied, crowd, places, weights):
    """The mean over every choice of the crowd, and over every order of those with the document's own score."""
    members = ["above"] * crowd_above + ["tied"] * crowd_tied + ["below"] * (crowd - crowd_above - crowd_tied)
    ways = list(combinations(members, min(places, crowd)))
    total = Fraction(0)
    for way in ways:
        group = ["it"] + ["tied"] * (sure_tied + way.count("tied"))
        orders = set(permutations(range(len(group))))
        for order in orders:
            rank = sure_above + way.count("above") + order.index(0)
            total += Fraction(weights[rank] if rank < len(weights) else 0) / len(orders)
    return float(total / len(ways))


@given(small, small, small, small, small, st.integers(0, 7), st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_against_all_ways(sure_above, sure_tied, crowd_above, crowd_tied, below, places, cutoff, seed):
    weights = np.random.default_rng(seed).integers(0, 9, cutoff).astype(float)
    case = sure_above, sure_tied, crowd_above, crowd_tied, crowd_above + crowd_tied + below, places
    expected = by_all_ways(*case, [int(weight) for weight in weights])
    assert expected_weights(of(*case), weights)[0] == pytest.approx(expected, abs=1e-12)


def test_without_a_crowd_it_is_the_mean_of_the_ranks_it_can_take():
    weights = 1 / np.log2(np.arange(2, 12))
    found = expected_weights(of(3, 2, 0, 0, 0, 5), weights)
    assert found[0] == pytest.approx(weights[3:6].mean())
    assert expected_weights(of(10, 0, 0, 0, 4, 1), weights)[0] == 0.0


def test_large_crowds_are_drawn_without_an_error():
    # Of 100,000 that tie, 500 get in; half of them are above: the first ten ranks are out of reach.
    weights = np.ones(10)
    assert expected_weights(of(0, 0, 50_000, 0, 100_000, 500), weights)[0] == pytest.approx(0.0, abs=1e-12)
    # All of the crowd has the document's score: each of the 501 ranks has the same chance.
    assert expected_weights(of(0, 0, 0, 100_000, 100_000, 500), weights)[0] == pytest.approx(10 / 501, rel=1e-6)
