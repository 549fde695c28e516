from __future__ import annotations

import pytest
from support import quality_record, write_records

from bench.report.means import make_means
from bench.report.pages import make_pages
from bench.report.rows import make_tables
from bench.results.index import ResultIndex
from bench.results.schema import Value
from bench.views import View

WIDE, NARROW = (8, "float32"), (4, "float32")


def record(model, subset, views, task="talk", **changes):
    made = quality_record(model, task=task, metric="cosine_spearman", views=views)
    return made.model_copy(update={"task": made.task.model_copy(update={"subset": subset, **changes})})


def means_of(*records):
    index = ResultIndex((None, found) for found in records)
    return make_means(make_tables(index))


def test_the_mean_is_unweighted_over_all_subsets():
    [table] = means_of(
        record("mini", "en", {WIDE: 0.8, NARROW: 0.7}, n=1000),
        record("mini", "de", {WIDE: 0.4, NARROW: 0.5}, n=10),
        record("mini", "fr", {WIDE: 0.3, NARROW: 0.3}),
    )
    assert (table.task, table.split, table.metric) == ("talk", "test", "cosine_spearman")
    assert sorted(table.subsets) == ["de", "en", "fr"]
    assert [(row.view, row.mean) for row in table.rows] == [
        (View(8), pytest.approx(0.5)),
        (View(4), pytest.approx(0.5)),
    ]


def test_a_model_that_lacks_a_subset_has_no_mean_and_stands_last():
    [table] = means_of(
        record("half", "en", {WIDE: 0.99}),
        record("whole", "en", {WIDE: 0.5}),
        record("whole", "de", {WIDE: 0.25}),
    )
    assert [(row.model, row.mean) for row in table.rows] == [("whole", 0.375), ("half", None)]
    assert table.rows[1].scores == {"en": 0.99}
    assert table.best_mean == 0.375


def test_a_view_that_lacks_a_subset_has_no_mean():
    [table] = means_of(record("mini", "en", {WIDE: 0.5, NARROW: 0.4}), record("mini", "de", {WIDE: 0.3}))
    assert [(row.view, row.mean) for row in table.rows] == [(View(8), 0.4), (View(4), None)]


def test_one_subset_and_other_splits_make_no_mean():
    dev = record("mini", "en", {WIDE: 0.5}, split="dev")
    assert means_of(record("mini", "en", {WIDE: 0.5}), dev, quality_record()) == []


def test_pages_show_means_and_who_has_none(tmp_path):
    pages = make_pages(
        write_records(
            tmp_path,
            [
                record("half", "en", {WIDE: 0.99}),
                record("whole", "en", {WIDE: 0.5}),
                record("whole", "de", {WIDE: 0.25}),
            ],
        )
    )
    # In the summary a task is one column: its mean.
    summary = pages["leaderboard.md"].split("## All tasks")[1]
    assert "**0.3750** (1)" in summary
    assert "lacks 1 of 2" in summary
    assert "0.9900" not in summary
    section = pages["tasks/talk.md"].split("## talk (test), mean over 2 subsets")[1].split("## ")[0]
    assert "over de, en." in section
    assert "No mean where a subset is missing: half." in section
    assert "**0.3750**" in section
    assert "0.9900" in section


def test_further_metrics_stand_beside_the_main_one(tmp_path):
    made = quality_record(views={WIDE: 0.5})
    metrics = {"ndcg_at_10": Value(value=0.5), "recall_at_10": Value(value=0.7654), "mrr_at_10": Value(value=0.25)}
    task = made.task.model_copy(update={"shown": ["recall_at_10", "mrr_at_10"]})
    shown = made.model_copy(update={"task": task, "views": [made.views[0].model_copy(update={"metrics": metrics})]})
    pages = make_pages(write_records(tmp_path, [shown, quality_record("old", views={WIDE: 0.4})]))
    header, _, first, second = [line for line in pages["tasks/shop.md"].splitlines() if line.startswith("|")][:4]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, first, second)]
    place = cells[0].index("recall_at_10")
    assert cells[0][place + 1] == "mrr_at_10"
    assert cells[1][place : place + 2] == ["0.7654", "0.2500"]
    # Results from before the card named the metrics have none.
    assert cells[2][place : place + 2] == ["", ""]


def test_subsets_ranked_by_different_metrics_have_no_mean():
    other = quality_record("mini", task="talk", metric="cosine_pearson", views={WIDE: 0.9})
    other = other.model_copy(update={"task": other.task.model_copy(update={"subset": "fr"})})
    [table] = means_of(record("mini", "en", {WIDE: 0.5}), other)
    assert [row.mean for row in table.rows] == [None]
