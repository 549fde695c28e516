"""Standings, against scipy's paired t test and Holm's procedure step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support import quality_record

from bench.errors import BenchError
from bench.report.ranks import Standing, standings
from bench.results.index import Cell
from bench.results.items import Items

METRIC = "ndcg_at_10"


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
        Cell(Path("x.json"), quality_record(str(column), views={(8, "float32"): values[:, column].mean()}), 0)
        for column in range(m)
    ]
    kept = range(m) if known is None else known
    items = {str(column): Items(ids, numbers, values[:, column]) if column in kept else None for column in range(m)}
    return standings(cells, METRIC, AtHand(items))


def by_hand(values, level=0.05):
    """Rank and tie of each column: t tests with the best one, rejected from the smallest p-value while it passes."""
    means = values.mean(axis=0)
    best = int(np.argmax(means))
    others = [column for column in range(len(means)) if column != best]
    p = {column: stats.ttest_rel(values[:, best], values[:, column]).pvalue for column in others}
    rejected = set()
    for step, column in enumerate(sorted(p, key=p.get)):
        if p[column] > level / (len(p) - step):
            break
        rejected.add(column)
    return [
        Standing(1 if column not in rejected else 1 + int((means > means[column]).sum()), column not in rejected)
        for column in range(len(means))
    ]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 30), m=st.integers(1, 6), spread=st.sampled_from([0.02, 0.3]))
@settings(max_examples=60, deadline=None)
def test_standings_are_t_tests_and_holm_by_hand(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    values = rng.random((n, 1)) + rng.normal(0, spread, (n, m)) - rng.uniform(0, 0.3, m)
    # As shares, which changes no test.
    values = (values + 1) / 3
    assert stand(values) == by_hand(values)


def test_what_ties_the_best_shares_its_rank_and_the_others_keep_theirs():
    rng = np.random.default_rng(0)
    best = rng.random(300)
    values = np.column_stack([best - 0.2, best, best, best - 0.1])
    assert stand(values) == [Standing(4, False), Standing(1, True), Standing(1, True), Standing(3, False)]


def test_equal_scores_below_the_best_share_a_rank():
    best = np.random.default_rng(0).random(300)
    worse = best - 0.2
    assert [place.rank for place in stand(np.column_stack([worse, best, worse[::-1]]))] == [2, 1, 2]


def test_queries_of_one_text_count_once():
    """A difference that ten queries hold is none when they are one query ten times."""
    rng = np.random.default_rng(2)
    four = np.column_stack([np.full(4, 0.5), 0.5 - np.array([0.1, 0.2, 0.15, -0.05])])
    values = np.repeat(four, 10, axis=0) + rng.normal(0, 1e-6, (40, 2))
    assert [place.ties_best for place in stand(values)] == [True, False]
    assert [place.ties_best for place in stand(values, np.repeat(np.arange(4), 10))] == [True, True]


@pytest.mark.parametrize("known", [[], [0]])
def test_what_cannot_be_tested_is_ranked_by_score(known):
    values = np.column_stack([np.full(9, 0.25), np.full(9, 0.75)])
    assert stand(values, known=known) == [Standing(2, None), Standing(1, None)]


@pytest.mark.parametrize(("n", "clusters"), [(1, None), (6, np.zeros(6, dtype=np.int64))])
def test_one_observation_tells_nothing(n, clusters):
    values = np.column_stack([np.full(n, 0.25), np.full(n, 0.75)])
    assert stand(values, clusters) == [Standing(2, None), Standing(1, None)]


def test_other_items_are_refused():
    cells = [Cell(Path("x.json"), quality_record(name), 0) for name in "ab"]
    items = {name: Items([name, "x"], np.arange(2), np.array([0.25, 0.75])) for name in "ab"}
    with pytest.raises(BenchError, match="not of the same queries"):
        standings(cells, METRIC, AtHand(items))
