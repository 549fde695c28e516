"""Comparisons and leaderboards say the same of each pair, of the committed results and whatever else is scored."""

from __future__ import annotations

import re
from itertools import combinations, permutations

import numpy as np
import pytest
from support import ROOT, write_scored

from bench.comparing.comparison import Selection, compare
from bench.comparing.operands import Side
from bench.report.rows import make_tables
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore
from bench.statistics.margins import Margin
from bench.views import View

FULL, CUT, SMALL = (8, "float32"), (4, "float32"), (4, "binary")
EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


def index_of(root):
    return ResultIndex(ResultStore(root).records())


def tables_of(index, **options):
    return {table.unit: table for table in make_tables(index, ItemReader(), **options)}


def letters(row):
    return set(re.findall(r"[a-z][0-9]*", row.standing.group))


def check_pairs(index):
    """Every pair of models on every task unit; returns how many there are."""
    tables = tables_of(index)
    pairs = 0
    for a, b in permutations(sorted(index.models), 2):
        for row in compare(Side("A", index, a), Side("B", index, b), Selection(queries=0)).rows:
            places = {found.model: found for found in tables[row.unit].rows if found.standing is not None}
            if row.verdict is None or row.same or a not in places or b not in places:
                continue
            pairs += 1
            first, second = places[a], places[b]
            assert (row.a.standing, row.b.standing) == (first.standing, second.standing)
            assert (row.verdict == "unclear") == bool(letters(first) & letters(second)), (row.unit, a, b)
            if row.verdict != "unclear":
                assert (row.verdict == "better") == (second.standing.rank < first.standing.rank)
            if first.model == tables[row.unit].losses.standings.best:
                assert row.loss == second.loss, (row.unit, a, b)
    return pairs


def test_every_pair_of_the_committed_results_agrees():
    assert check_pairs(index_of(ROOT / "results")) > 50


def test_every_view_of_the_committed_results_agrees():
    index = index_of(ROOT / "results")
    tables, views = tables_of(index), 0
    for model in sorted(index.models):
        full = {
            unit: row for unit, table in tables.items() for row in table.rows if row.model == model and row.standing
        }
        for unit, table in tables.items():
            for row in table.rows:
                if row.model != model or row.score is None or row.standing is not None:
                    continue
                whole = Side("A", index, model, full[unit].view)
                [found] = compare(whole, Side("B", index, model, row.view), Selection((unit[0],), (unit[2],))).rows
                assert found.loss == row.loss
                views += 1
                if found.verdict == "unclear":
                    assert row.loss.claim != "more than the margin"
    assert views > 50


@pytest.fixture
def scored(tmp_path):
    """Three models with one view each, and what writes more of them."""
    rng = np.random.default_rng(5)
    ease = rng.random(400)

    def write(model, views, created=EARLY):
        write_scored(
            tmp_path,
            {
                view: {f"q{at:03}": value for at, value in enumerate(np.clip(ease - loss + noise, 0, 1))}
                for view, (loss, noise) in views.items()
            },
            model=model, fingerprint=model * 32, created=created,
        )  # fmt: skip

    def noise(seed, spread=0.05):
        return np.random.default_rng(seed).normal(0, spread, 400)

    for number, (model, loss) in enumerate({"a": 0.0, "b": 0.004, "c": 0.05}.items()):
        write(model, {FULL: (loss, noise(number)), CUT: (loss + 0.02, noise(number + 10))})
    return tmp_path, write, noise


def verdicts(root):
    """Of each model and view what the leaderboard says, and of each pair what a comparison says."""
    index = index_of(root)
    [table] = make_tables(index, ItemReader())
    rows = {(row.model, row.view): (row.standing, row.loss) for row in table.rows}
    pairs = {}
    for a, b in combinations("abc", 2):
        for row in compare(Side("A", index, a), Side("B", index, b), Selection(all_views=True)).rows:
            pairs[a, b, row.b.view] = row.verdict, row.paired.p_holm, row.loss
    return rows, pairs


def test_verdicts_do_not_depend_on_how_many_views_were_scored(scored):
    root, write, noise = scored
    rows, pairs = verdicts(root)
    assert {row[0].group for row in rows.values() if row[0]} >= {"a", "b"}
    for number, model in enumerate("abc"):
        more = {(dim, "int8"): (0.01 * dim, noise(100 * number + dim)) for dim in (7, 6, 5, 3, 2)}
        write(model, {**more, SMALL: (0.3, noise(number + 20))}, LATE)
    after_rows, after_pairs = verdicts(root)
    assert len(after_rows) == len(rows) + 18
    assert {key: after_rows[key] for key in rows} == rows
    assert {key: after_pairs[key] for key in pairs} == pairs
    assert check_pairs(index_of(root)) == 6


def test_only_the_view_that_stands_for_a_model_has_a_rank(scored):
    rows, _ = verdicts(scored[0])
    assert {key for key, (standing, _) in rows.items() if standing} == {(model, View(8)) for model in "abc"}


def test_the_margin_decides(scored):
    index = index_of(scored[0])
    for margin, claims in ((Margin(0.04), {"b": "at most the margin", "c": "more than the margin"}),
                           (Margin(0.2, relative=True), dict.fromkeys("bc", "at most the margin"))):  # fmt: skip
        [table] = make_tables(index, ItemReader(), margin)
        assert {row.model: row.loss.claim for row in table.rows if row.standing and row.loss} == claims
        for b, claim in claims.items():
            found = compare(Side("A", index, "a"), Side("B", index, b), Selection(max_loss=margin))
            assert [row.loss.claim for row in found.rows] == [claim]
            assert found.margins == [margin]


def test_of_two_sources_each_models_view_takes_its_place_among_the_models(scored, tmp_path_factory):
    root, write, noise = scored
    first = index_of(root)
    for number, model in enumerate("abc"):
        write(model, {FULL: (0.01, noise(number + 50)), CUT: (0.03, noise(number + 60))}, LATE)
    second = index_of(root)
    found = compare(Side("A", first), Side("B", second), Selection())
    assert [row.pairs for row in found.rows] == [3] * 6
    whole = {row.a.model: row.paired.p for row in found.rows if row.a.view == View(8)}
    for row in found.rows:
        of_family = sorted({**whole, row.a.model: row.paired.p}.values())
        stepped = np.maximum.accumulate(np.array(of_family) * [3, 2, 1]).clip(max=1.0)
        assert row.paired.p_holm == pytest.approx(stepped[of_family.index(row.paired.p)])
