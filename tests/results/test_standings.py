"""Standings, against scipy's paired t tests and Holm's procedure step by step."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support import quality_record

from bench.errors import BenchError
from bench.results.index import Cell
from bench.results.items import Items
from bench.results.standings import Standing, headline_view, place, rank_models
from bench.statistics.losses import loss_bounds
from bench.views import View

METRIC = "ndcg_at_10"
FULL = (8, "float32")


class AtHand:
    """Gives out items at hand as a reader would."""

    def __init__(self, items):
        self.items = items

    def read(self, cell, metric):
        assert metric == METRIC
        return self.items[cell.record.model.name]


def stand(values, clusters=None, known=None):
    """Standings of columns of item scores; `known` are the columns whose items can be read."""
    n, m = values.shape
    ids, numbers = [f"{row:04}" for row in range(n)], np.arange(n) if clusters is None else clusters
    cells = [
        Cell(Path("x.json"), quality_record(str(column), views={FULL: values[:, column].mean()}), 0)
        for column in range(m)
    ]
    kept = range(m) if known is None else known
    items = {str(column): Items(ids, numbers, values[:, column]) if column in kept else None for column in range(m)}
    return rank_models(cells, METRIC, AtHand(items))


def standings(values, **options):
    """Each column's standing, in order."""
    found = stand(values, **options).standings
    return [found[str(column)] for column in range(values.shape[1])]


def letters(standing):
    return set(re.findall(r"[a-z][0-9]*", standing.group))


def different(values, level=0.05):
    """The pairs of columns that differ: t tests of all pairs, rejected from the smallest p-value while it passes."""
    p = {pair: stats.ttest_rel(values[:, pair[0]], values[:, pair[1]]).pvalue
         for pair in combinations(range(values.shape[1]), 2)}  # fmt: skip
    rejected = set()
    for step, pair in enumerate(sorted(p, key=p.get)):
        if p[pair] > level / (len(p) - step):
            break
        rejected.add(pair)
    return rejected


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 30), m=st.integers(1, 6), spread=st.sampled_from([0.02, 0.3]))
@settings(max_examples=60, deadline=None)
def test_letters_are_t_tests_of_all_pairs_and_holm_by_hand(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    values = rng.random((n, 1)) + rng.normal(0, spread, (n, m)) - rng.uniform(0, 0.3, m)
    # Within the metric's range, which no t test sees.
    values = 0.5 + values / (4 * np.abs(values).max())
    found, rejected = standings(values), different(values)
    for pair in combinations(range(m), 2):
        one, other = (letters(found[at]) for at in pair)
        assert bool(one & other) == (pair not in rejected)
    best = int(np.argmax(values.mean(axis=0)))
    for at in range(m):
        assert found[at].ties_best == (at == best or tuple(sorted((at, best))) not in rejected)


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=1, max_size=9))
def test_a_lower_score_never_ranks_above_a_higher_one(scores):
    found = place({str(at): score for at, score in enumerate(scores)})
    for at, score in enumerate(scores):
        assert found[str(at)].rank == 1 + sum(other > score for other in scores)
        assert found[str(at)].shared == (scores.count(score) > 1)
    for one, other in combinations(range(len(scores)), 2):
        assert (found[str(one)].rank < found[str(other)].rank) == (scores[one] > scores[other])


def test_models_that_do_not_differ_share_a_letter_and_keep_their_ranks():
    rng = np.random.default_rng(0)
    best = rng.random(300)
    values = np.column_stack([best - 0.2, best, best + rng.normal(-0.001, 0.1, 300), best])
    assert standings(values) == [
        Standing(4, group="b", ties_best=False),
        Standing(1, shared=True, group="a", ties_best=True),
        Standing(3, group="a", ties_best=True),
        Standing(1, shared=True, group="a", ties_best=True),
    ]


def test_queries_of_one_text_count_once():
    """A difference that ten queries hold is none when they are one query ten times."""
    rng = np.random.default_rng(2)
    four = np.column_stack([np.full(4, 0.5), 0.5 - np.array([0.1, 0.2, 0.15, -0.05])])
    values = np.repeat(four, 10, axis=0) + rng.normal(0, 1e-6, (40, 2))
    assert [found.group for found in standings(values)] == ["a", "b"]
    assert [found.group for found in standings(values, clusters=np.repeat(np.arange(4), 10))] == ["a", "a"]


@pytest.mark.parametrize("known", [[], [0]])
def test_what_cannot_be_tested_is_ranked_by_score(known):
    values = np.column_stack([np.full(9, 0.25), np.full(9, 0.75)])
    found = standings(values, known=known)
    assert [(placed.rank, placed.ties_best) for placed in found] == [(2, None), (1, None)]


def test_models_that_can_be_tested_are_when_another_cannot():
    rng = np.random.default_rng(0)
    values = rng.random((200, 1)) + np.array([[0.0, 0.3, 0.1]]) + rng.normal(0, 0.05, (200, 3))
    assert [placed.group for placed in standings(values, known=[0, 1])] == ["b", "a", ""]


@pytest.mark.parametrize(("n", "clusters"), [(1, None), (6, np.zeros(6, dtype=np.int64))])
def test_one_observation_tells_nothing(n, clusters):
    values = np.column_stack([np.full(n, 0.25), np.full(n, 0.75)])
    assert standings(values, clusters=clusters) == [Standing(2), Standing(1)]
    found = stand(values, clusters)
    assert found.losses("1", 0.01) == {}
    # What one query excludes at best: 1 - 0.05.
    assert found.least_margin == pytest.approx(0.95)


def test_other_items_are_refused():
    cells = [Cell(Path("x.json"), quality_record(name), 0) for name in "ab"]
    items = {name: Items([name, "x"], np.arange(2), np.array([0.25, 0.75])) for name in "ab"}
    with pytest.raises(BenchError, match="not of the same queries"):
        rank_models(cells, METRIC, AtHand(items))


def test_losses_are_a_family_of_bounds_against_one_model():
    rng = np.random.default_rng(1)
    values = rng.random((500, 1)) + rng.normal(0, 0.1, (500, 3)) - np.array([[0.0, 0.05, 0.01]])
    found = stand(values)
    losses = found.losses("0", 0.02)
    bounds = loss_bounds(values[:, :1] - values[:, [2, 1]])
    assert [losses[name].high for name in "21"] == pytest.approx(bounds.high)
    assert losses["1"].low == pytest.approx(bounds.low[1])
    assert [losses[name].claim for name in "21"] == bounds.claims(0.02)
    assert "0" not in losses


@given(seed=st.integers(0, 2**32 - 1), m=st.integers(2, 6), margin=st.sampled_from([0.005, 0.02, 0.1]))
@settings(max_examples=15, deadline=None)
def test_what_is_shown_to_lose_more_never_shares_a_letter_with_the_best(seed, m, margin):
    rng = np.random.default_rng(seed)
    values = rng.random((40, 1)) + rng.normal(0, 0.2, (40, m)) - rng.uniform(0, 0.3, m)
    found = stand(values)
    for name, loss in found.losses(found.best, margin).items():
        if found.standings[name].ties_best:
            assert loss.claim != "more than the margin"
            assert loss.low <= 0


def test_the_view_that_stands_for_a_model():
    full, cut = View(8), View(4)
    assert headline_view([cut, full, View(8, "int8")], 8) == full
    assert headline_view([cut, View(8, "binary"), View(2)], 8) == View(8, "binary")
    assert headline_view([None], None) is None
