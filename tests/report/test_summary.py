from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quality_record

from bench.report.means import make_means
from bench.report.rows import make_tables
from bench.report.summary import make_summary
from bench.results.index import ResultIndex
from bench.views import View

FULL, CUT = (8, "float32"), (4, "float32")


def record(model, task, score, *, subset="default", split="test", **changes):
    made = quality_record(model, task=task, views={FULL: score, CUT: min(score + 0.01, 1.0)}, **changes)
    return made.model_copy(update={"task": made.task.model_copy(update={"subset": subset, "split": split})})


def summary_of(*records):
    tables = make_tables(ResultIndex((None, found) for found in records))
    units = {}
    for table in tables:
        units.setdefault(table.unit, []).append(table)
    return make_summary(units, make_means(tables))


def test_a_mean_is_over_tasks_of_one_metric_and_split_alone():
    found = summary_of(
        record("a", "one", 0.5),
        record("a", "two", 0.25),
        record("a", "two", 0.9, split="dev"),
        record("a", "three", 0.8, metric="cosine_spearman"),
    )
    [mean] = found.means
    assert (mean.metric, mean.split) == ("ndcg_at_10", "test")
    assert [column.task for column in mean.columns] == ["one", "two"]
    # Of the full width: the cuts score more here.
    assert mean.values == {"a": 0.375}
    assert [column.title for column in found.columns] == ["one (test)", "three (test)", "two (dev)", "two (test)"]


def test_a_model_that_lacks_a_task_has_no_mean_and_stands_below():
    found = summary_of(
        record("whole", "one", 0.1),
        record("whole", "two", 0.2),
        record("half", "one", 0.9),
        record("none", "three", 1.0),
    )
    [mean] = found.means
    assert mean.values == {}
    assert {model: mean.lacking(model) for model in found.rows} == {"half": 2, "none": 2, "whole": 1}
    found = summary_of(record("whole", "one", 0.1), record("whole", "two", 0.2), record("half", "one", 0.9))
    assert found.means[0].values == {"whole": pytest.approx(0.15)}
    assert list(found.rows) == ["whole", "half"]


def test_a_task_counts_once_however_many_subsets_it_has():
    found = summary_of(
        record("a", "many", 0.2, subset="en"),
        record("a", "many", 0.4, subset="de"),
        record("a", "many", 0.6, subset="fr"),
        record("a", "one", 0.8),
    )
    assert [column.title for column in found.columns] == ["many (test, mean over 3 subsets)", "one (test)"]
    assert found.means[0].values == {"a": pytest.approx(0.6)}


def test_subsets_of_different_metrics_are_columns_of_their_own():
    found = summary_of(
        record("a", "many", 0.2, subset="en"), record("a", "many", 0.4, subset="de", metric="cosine_spearman")
    )
    assert [(column.title, column.metric) for column in found.columns] == [
        ("many de (test)", "cosine_spearman"),
        ("many en (test)", "ndcg_at_10"),
    ]


def test_a_subset_that_is_missing_is_counted():
    found = summary_of(
        record("whole", "many", 0.2, subset="en"), record("whole", "many", 0.4, subset="de"),
        record("half", "many", 0.9, subset="de"),
    )  # fmt: skip
    cells = found.columns[0].cells
    assert (cells["half"].score, cells["half"].standing, cells["half"].missing) == (None, None, 1)
    assert (cells["whole"].score, cells["whole"].standing.rank) == (pytest.approx(0.3), 1)


def test_a_model_without_its_full_width_is_shown_at_its_widest_view_and_has_no_mean():
    cut = [quality_record("cut", task=task, views={CUT: 0.9, (2, "float32"): 0.95}) for task in ("shop", "other")]
    found = summary_of(*cut, record("a", "shop", 0.5), record("a", "other", 0.5))
    cell = found.columns[0].cells["cut"]
    assert (cell.score, cell.view, cell.standing.rank) == (0.9, View(4), 1)
    assert found.columns[0].cells["a"].view is None
    assert found.means[0].values == {"a": 0.5}
    assert list(found.rows) == ["a", "cut"]


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=1, max_size=8))
def test_ranks_are_those_of_the_tasks_page(scores):
    found = summary_of(*(record(f"m{number}", "shop", score) for number, score in enumerate(scores)))
    # Cuts score more here, and take no rank away.
    [column] = found.columns
    cells = [column.cells[f"m{number}"] for number in range(len(scores))]
    assert [cell.score for cell in cells] == scores
    assert [cell.standing.rank for cell in cells] == [1 + sum(other > score for other in scores) for score in scores]
    assert [cell.standing.shared for cell in cells] == [scores.count(score) > 1 for score in scores]
