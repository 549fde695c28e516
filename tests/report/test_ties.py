"""The note on scores that MTEB's order of ties changes."""

from support import quality_record

from bench.report.rows import make_tables
from bench.report.ties import tie_notes
from bench.results.index import ResultIndex
from bench.results.schema import Value, ViewScores
from bench.views import View


def scores(expected, ordered, metric="ndcg_at_10"):
    metrics = {name: Value(value=value) for name, value in {metric: expected, "other": 0.5}.items()}
    return ViewScores(truncate_dim=8, precision="float32", metrics=metrics, mteb={metric: ordered})


def test_how_much_and_why():
    rows = [("mini", View(8), scores(0.31631, 0.31594)), ("bm25", None, scores(0.5, 0.501))]
    (note,) = tie_notes(rows, ["ndcg_at_10"])
    assert "MTEB ranks them by id" in note
    assert note.endswith("bm25: ndcg_at_10 0.5010 (+0.0010); mini at 8 float32: ndcg_at_10 0.3159 (-0.0004)")


def test_small_differences_and_metrics_that_are_not_shown_are_not_mentioned():
    rows = [("mini", View(8), scores(0.5, 0.50009)), ("mini", View(4), scores(0.5, 0.6, metric="map_at_10"))]
    assert tie_notes(rows, ["ndcg_at_10"]) == []


def test_of_many_rows_the_largest_are_listed():
    rows = [("mini", View(dim), scores(0.5, 0.5 + dim / 1000)) for dim in range(1, 9)]
    (note,) = tie_notes(rows, ["ndcg_at_10"])
    assert "mini at 8 float32: ndcg_at_10 0.5080 (+0.0080); mini at 7" in note
    assert note.endswith("; and 3 more")


def test_float32_comes_first():
    rows = [("mini", View(8, "binary"), scores(0.5, 0.6)), ("mini", View(8), scores(0.5, 0.501))]
    (note,) = tie_notes(rows, ["ndcg_at_10"])
    assert note.index("8 float32") < note.index("8 binary")


def test_it_is_among_the_notes_of_the_task_unit(tmp_path):
    record = quality_record(views={(8, "float32"): 0.5})
    view = record.views[0].model_copy(update={"mteb": {"ndcg_at_10": 0.4}})
    index = ResultIndex([(tmp_path / "record.json", record.model_copy(update={"views": [view]}))])
    (table,) = make_tables(index)
    assert [note for note in table.notes if "ndcg_at_10 0.4000 (-0.1000)" in note]
