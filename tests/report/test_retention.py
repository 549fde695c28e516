from __future__ import annotations

from pathlib import Path

import pytest
from support import control_record, quality_record

from bench.report.retention import Retention, RetentionLine, make_retentions, retention_table
from bench.results.index import ResultIndex
from bench.results.schema import Value


def retentions(*records):
    return make_retentions(ResultIndex((Path(f"{number}.json"), record) for number, record in enumerate(records)))


VIEWS = {(8, "float32"): 0.8, (4, "float32"): 0.6, (2, "float32"): 0.2, (4, "int8"): 0.5, (1, "binary"): 0.1}
CONTROLS = {
    ("last", None, 2): 0.1,
    ("pca", None, 4): 0.7,
    ("random", 1, 4): 0.3,
    ("random", 2, 4): 0.4,
    ("random", 3, 4): 0.8,
}


def test_shares_of_the_full_width_by_hand():
    [found] = retentions(quality_record(views=VIEWS), control_record(controls=CONTROLS))
    assert (found.unit, found.title, found.metric) == (("shop", "test", "default"), "shop (test)", "ndcg_at_10")
    [line] = found.lines
    assert (line.model, line.kind, line.leakage) == ("mini", "pretrained", False)
    assert line.shares == {8: 1.0, 4: pytest.approx(0.75), 2: pytest.approx(0.25)}
    assert list(line.shares) == [8, 4, 2]
    assert list(line.controls) == ["pca", "last", "random"]
    assert line.controls["pca"] == {4: pytest.approx((0.875, 0.875, 0.875))}
    assert line.controls["last"] == {2: pytest.approx((0.125, 0.125, 0.125))}
    assert line.controls["random"] == {4: pytest.approx((0.625, 0.375, 1.0))}


def test_the_best_model_at_full_width_stands_first():
    one = quality_record("one", views={(8, "float32"): 0.5, (4, "float32"): 0.5})
    two = quality_record("two", views={(8, "float32"): 0.9, (4, "float32"): 0.1})
    [found] = retentions(one, two)
    assert [(line.model, line.controls) for line in found.lines] == [("two", {}), ("one", {})]


@pytest.mark.parametrize(
    "views",
    [
        {(4, "float32"): 0.5, (2, "float32"): 0.4},
        {(8, "float32"): 0.5},
        {(8, "float32"): 0.0, (4, "float32"): 0.4},
        {(8, "float32"): -0.1, (4, "float32"): 0.4},
        {(8, "int8"): 0.5, (4, "int8"): 0.4},
        {(None, None): 0.5},
    ],
)
def test_without_a_score_at_full_width_and_a_cut_there_is_no_line(views):
    names = {"metric": "cosine_spearman"}
    assert retentions(quality_record(views=views, **names), control_record(**names)) == []


def test_superseded_results_and_their_controls_are_left_out():
    old = [quality_record(views=VIEWS), control_record(controls=CONTROLS)]
    new = quality_record(views={(8, "float32"): 0.5, (4, "float32"): 0.4}, fingerprint="e" * 32)
    [found] = retentions(*old, new)
    assert [(line.shares, line.controls) for line in found.lines] == [({8: 1.0, 4: 0.8}, {})]


def test_a_table_is_of_one_metric_that_of_the_newest_record():
    old = quality_record("old", views=VIEWS)
    both = [
        scores.model_copy(update={"metrics": scores.metrics | {"recall_at_10": Value(value=0.5)}})
        for scores in old.views
    ]
    new = quality_record("new", views=VIEWS, metric="recall_at_10", created="2026-02-01")
    [found] = retentions(old, new)
    assert [line.model for line in found.lines] == ["new"]
    [found] = retentions(old.model_copy(update={"views": both}), control_record("old", controls=CONTROLS), new)
    assert {line.model: line.shares[4] for line in found.lines} == {"old": 1.0, "new": pytest.approx(0.75)}
    assert all(line.controls == {} for line in found.lines)


def test_subsets_stand_apart():
    made = quality_record(views=VIEWS)
    subset = made.model_copy(update={"task": made.task.model_copy(update={"subset": "en"})})
    assert [found.title for found in retentions(made, subset)] == ["shop (test)", "shop en (test)"]


def test_the_table():
    wide = RetentionLine("a|b", "mrl", {16: 1.0, 8: 0.987, 4: 0.9}, {"pca": {8: (0.5, 0.5, 0.5)}}, leakage=True)
    draws = {8: (0.4, 0.25, 0.5), 2: (0.2, 0.1, 0.3)}
    small = RetentionLine("small", "pretrained", {8: 1.0, 4: 0.8}, {"random": draws})
    table = retention_table(Retention(("shop", "test", "default"), "shop (test)", "ndcg_at_10", [wide, small]))
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    assert cells[0] == ["model", "kind", "dimensions", "8", "4", "2"]
    assert cells[2:] == [
        ["a\\|b", "mrl ‡", "first", "98.7%", "90.0%", ""],
        ["a\\|b", "mrl ‡", "pca", "50.0%", "", ""],
        ["small", "pretrained", "first", "100.0%", "80.0%", ""],
        ["small", "pretrained", "random", "40.0% [25.0%, 50.0%]", "", "20.0% [10.0%, 30.0%]"],
    ]
