from pathlib import Path

import pytest
from support import quality_record

from bench.exchange.compare import Comparison, NotCompared
from bench.exchange.published import PublishedScores, PublishedTask
from bench.results.index import Cell
from bench.results.schema import Value, ViewScores

TOLERANCE = 0.0002


def cell(metrics, *, main="cosine_spearman", similarity="cosine", revision=None):
    record = quality_record(metric=main)
    record = record.model_copy(
        update={
            "model": record.model.model_copy(update={"similarity": similarity}),
            "task": record.task.model_copy(update={"revision": revision}),
            "views": [
                ViewScores(
                    truncate_dim=8,
                    precision="float32",
                    metrics={name: Value(value=value) for name, value in metrics.items()},
                )
            ],
        }
    )
    return Cell(Path(), record, 0)


def compared(published, ours, *, unreadable=None, theirs="rev", **more):
    comparison = Comparison("mini", "owner/mini")
    scores = PublishedScores("test", "default", published, unreadable or {})
    task = PublishedTask("STS17", Path("STS17.json"), theirs, [scores])
    comparison.add(task, {("test", "default"): cell(ours, **more)}, {}, TOLERANCE)
    return comparison


def test_metrics_of_both_sides_worst_first():
    found = compared(
        {"cosine_spearman": 0.5, "cosine_pearson": 0.5, "manhattan_pearson": 0.5},
        {"cosine_spearman": 0.5001, "cosine_pearson": 0.4, "manhattan_pearson": 0.5, "ours_alone": 1.0},
    )
    assert [(row.metric, row.beyond) for row in found.rows] == [
        ("cosine_pearson", True),
        ("cosine_spearman", False),
        ("manhattan_pearson", False),
    ]
    assert found.rows[0].difference == pytest.approx(-0.1)
    assert [row.metric for row in found.beyond] == ["cosine_pearson"]


def test_what_stands_alone_is_named():
    found = compared(
        {"cosine_spearman": 0.5, "nauc_map_at_1_max": 0.1, "dot_pearson": 0.2},
        {"cosine_spearman": 0.5},
        unreadable={"spread": "the published value is no number"},
    )
    assert found.not_compared == [
        NotCompared("STS17", "test", "default", ["spread"], "the published value is no number"),
        NotCompared("STS17", "test", "default", ["nauc_map_at_1_max", "dot_pearson"], "bench does not compute it"),
    ]


def test_the_main_score_is_compared_where_it_is_our_main_metric():
    ours = {"cosine_spearman": 0.5, "cosine_pearson": 0.4}
    same = compared({"main_score": 0.5, "cosine_spearman": 0.5}, ours)
    assert [(row.metric, row.difference) for row in same.rows] == [("main_score", 0.0), ("cosine_spearman", 0.0)]
    assert [row.metric for row in compared({"main_score": 0.5}, ours).rows] == ["main_score"]
    other = compared({"main_score": 0.4, "cosine_pearson": 0.4, "cosine_spearman": 0.5}, ours)
    assert "main_score" not in {row.metric for row in other.rows}
    assert other.not_compared[0].reason == "their main score is another metric than cosine_spearman"


def test_plain_pearson_is_of_the_models_own_similarity():
    ours = {"cosine_spearman": 0.5, "cosine_pearson": 0.4}
    assert compared({"pearson": 0.4}, ours).rows[0].difference == 0.0
    dot = compared({"pearson": 0.4}, ours, similarity="dot")
    assert dot.rows == []
    assert "not cosine" in dot.not_compared[0].reason


def test_a_subset_without_ours_stands_alone_with_its_reason():
    comparison = Comparison("mini", None)
    scores = [PublishedScores("test", name, {"main_score": 0.5}) for name in ("en-en", "ko-ko")]
    task = PublishedTask("STS17", Path("STS17.json"), None, scores)
    comparison.add(task, {}, {("STS17", "test", "ko-ko"): "its data is not here"}, TOLERANCE)
    assert comparison.rows == []
    assert [(entry.subset, entry.reason, entry.whole) for entry in comparison.not_compared] == [
        ("en-en", "it could not be scored", True),
        ("ko-ko", "its data is not here", True),
    ]


@pytest.mark.parametrize(
    ("revision", "words"),
    [("rev", None), ("older", "ours is of older"), (None, "the revision of our data is not known")],
)
def test_another_revision_of_the_data_is_noted(revision, words):
    notes = compared({"main_score": 0.5}, {"cosine_spearman": 0.5}, revision=revision).notes
    assert (notes == []) if words is None else (words in notes[0])


def test_files_of_our_own_name_data_without_a_commit_by_its_content():
    content = cell({}).record.task.fingerprint
    assert compared({"main_score": 0.5}, {"cosine_spearman": 0.5}, theirs=content).notes == []
    [note] = compared({"main_score": 0.5}, {"cosine_spearman": 0.5}, theirs="0" * 32).notes
    assert "the revision of our data is not known" in note
