"""Items of cells, read back from tables that the test writes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support import make_older, quality_record

from bench.errors import BenchError
from bench.results.index import Cell, ResultIndex
from bench.results.items import ItemReader, Items, as_columns, shared_clusters
from bench.results.store import ResultStore
from bench.views import View

IDS = ["q2", "q10", "q1"]


def write(root, columns, *, record=None, **names):
    """A record with its table; its only view is (8, float32) unless told."""
    store = ResultStore(root)
    store.write_quality(record or quality_record(**names), columns)
    return {key[-1]: cell for key, cell in ResultIndex(store.records()).cells.items()}


def table(values, ids=IDS, metric="ndcg_at_10", view=(8, "float32"), **more):
    n = len(ids)
    return {"truncate_dim": [view[0]] * n, "precision": [view[1]] * n, "query_id": ids, metric: values, **more}


def of_mteb(cell, metric):
    """The same cell of a task that mteb scores."""
    record = cell.record
    task = record.task.model_copy(update={"type": "mteb", "main_metric": metric})
    views = [scores.model_copy(update={"metrics": {metric: scores.metrics["ndcg_at_10"]}}) for scores in record.views]
    return Cell(cell.path, record.model_copy(update={"task": task, "views": views}), cell.position)


def test_queries_come_by_their_ids_with_their_scores(tmp_path):
    cells = write(tmp_path, table([0.0, 1.0, 0.5], cluster=np.array([4, 9, 4], dtype=np.int32)))
    items = ItemReader().read(cells[View(8)])
    assert items.ids == ["q1", "q10", "q2"]
    assert items.values.tolist() == [0.5, 1.0, 0.0]
    # q1 and q2 are one cluster.
    assert items.clusters.tolist() == [0, 1, 0]


def test_each_item_is_its_own_cluster_where_the_record_does_not_tell(tmp_path):
    cells = write(tmp_path, table([0.0, 1.0, 0.5]))
    assert ItemReader().read(cells[View(8)]).clusters.tolist() == [0, 1, 2]


@pytest.mark.parametrize("clusters", [None, [0, 0, 1]])
def test_the_order_of_rows_does_not_matter(tmp_path, clusters):
    order = [2, 0, 1]
    more = {} if clusters is None else {"cluster": clusters}
    first = write(tmp_path / "a", table([0.0, 1.0, 0.5], **more))[View(8)]
    # Numbered by first appearance, clusters get other numbers in another order.
    turned = {} if clusters is None else {"cluster": [0, 1, 1]}
    other = write(tmp_path / "b", table([0.5, 0.0, 1.0], ids=[IDS[row] for row in order], **turned))[View(8)]
    reader = ItemReader()
    found, again = reader.read(first), reader.read(other)
    assert found.ids == again.ids
    assert found.values.tolist() == again.values.tolist()
    np.testing.assert_array_equal(
        found.clusters[:, None] == found.clusters, again.clusters[:, None] == again.clusters
    )  # fmt: skip


VIEWS = {(8, "float32"): 0.5, (8, "int8"): 0.25, (4, "float32"): 1.0, (4, "binary"): 0.0}


@pytest.mark.parametrize("shuffled", [False, True])
def test_several_views_of_one_record_are_told_apart(tmp_path, shuffled):
    parts = [table([score, score], ids=["b", "a"], view=view) for view, score in VIEWS.items()]
    columns = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    if shuffled:
        order = np.random.default_rng(0).permutation(8)
        columns = {name: [values[row] for row in order] for name, values in columns.items()}
    cells = write(tmp_path, columns, views=VIEWS)
    reader = ItemReader()
    for (dim, precision), score in VIEWS.items():
        items = reader.read(cells[View(dim, precision)])
        assert items.ids == ["a", "b"]
        assert items.values.tolist() == [score, score]


def test_a_baseline_has_no_view(tmp_path):
    cells = write(tmp_path, table([0.0, 1.0, 0.5], view=(None, None)), views={(None, None): 0.5})
    assert ItemReader().read(cells[None]).values.tolist() == [0.5, 1.0, 0.0]


def test_another_metric_than_the_main_one(tmp_path):
    record = quality_record()
    scores = record.views[0]
    metrics = {**scores.metrics, "mrr_at_10": scores.metrics["ndcg_at_10"].model_copy(update={"value": 1 / 3})}
    record = record.model_copy(update={"views": [scores.model_copy(update={"metrics": metrics})]})
    cells = write(tmp_path, table([0.0, 1.0, 0.5], mrr_at_10=[1.0, 0.0, 0.0]), record=record)
    reader = ItemReader()
    assert reader.read(cells[View(8)], "mrr_at_10").values.tolist() == [0.0, 0.0, 1.0]
    assert reader.read(cells[View(8)]).values.tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize("metric", ["cosine_spearman", "cosine_pearson", "manhattan_spearman"])
def test_pairs_contribute_their_influence_whose_mean_is_the_correlation(tmp_path, metric):
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 6, 40).astype(float)
    values = gold + rng.normal(size=40)
    similarity, _, kind = metric.partition("_")
    reference = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}[kind](values, gold).statistic
    columns = table(values, ids=[f"p{row:02}" for row in range(40)], metric=similarity, gold=gold)
    columns["pair_id"] = columns.pop("query_id")
    cells = write(tmp_path, columns, views={(8, "float32"): reference}, metric=metric)
    found = ItemReader().read(cells[View(8)])
    assert found.values.mean() == pytest.approx(reference, abs=1e-12)
    assert found.ids == sorted(columns["pair_id"])
    # A pair that agrees with the correlation raises it, so leaving it out lowers it.
    rest = np.delete(np.arange(40), np.argmax(found.values))
    correlation = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}[kind]
    assert correlation(values[rest], gold[rest]).statistic < reference


def test_what_mteb_scores_has_items_where_its_metric_is_a_mean(tmp_path):
    columns = {**table([0.25, 0.75], ids=["e1", "e2"], metric="accuracy")}
    columns["item_id"] = columns.pop("query_id")
    cell = write(tmp_path, columns)[View(8)]
    assert ItemReader().read(of_mteb(cell, "accuracy")).values.tolist() == [0.25, 0.75]
    # Not every number that mteb gives is known item by item.
    assert ItemReader().read(of_mteb(cell, "nauc")) is None


def test_mteb_has_a_metric_that_is_called_as_a_column_of_the_view_is(tmp_path):
    columns = table([0.25, 0.75], ids=["e1", "e2"], metric="metric_precision")
    columns["item_id"] = columns.pop("query_id")
    cell = write(tmp_path / "new", columns)[View(8)]
    assert ItemReader().read(of_mteb(cell, "precision")).values.tolist() == [0.25, 0.75]
    # Once it took the place of the view's precision, and no row tells its view any more.
    old = {**columns, "precision": [0.25, 0.75], "accuracy": [0.25, 0.75]}
    cell = write(tmp_path / "old", old)[View(8)]
    assert ItemReader().read(of_mteb(cell, "accuracy")) is None
    assert ItemReader().read(of_mteb(cell, "precision")) is None


def test_items_whose_mean_is_not_the_score_are_none(tmp_path):
    cells = write(tmp_path, table([0.0, 1.0, 0.6]))
    assert ItemReader().read(cells[View(8)]) is None


def test_a_table_without_a_digest_whose_mean_is_not_the_score_is_damaged(tmp_path):
    write(tmp_path, table([0.0, 1.0, 0.6]))
    [path] = tmp_path.rglob("*.json")
    make_older(path)
    [cell] = ResultIndex(ResultStore(tmp_path).records()).cells.values()
    with pytest.raises(BenchError, match=r"damaged: the items of the table give ndcg_at_10 0\.533333, the record 0\.5"):
        ItemReader().read(cell)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_items_that_are_no_numbers_are_refused_by_name(tmp_path, value):
    cells = write(tmp_path, table([value, 1.0, 0.5]))
    with pytest.raises(BenchError, match="`ndcg_at_10` of the table has a number that is not finite") as caught:
        ItemReader().read(cells[View(8)])
    assert caught.value.where == str(cells[View(8)].path.with_suffix(".parquet"))


def test_a_missing_table_is_named(tmp_path):
    cell = write(tmp_path, table([0.0, 1.0, 0.5]))[View(8)]
    cell.path.with_suffix(".parquet").unlink()
    with pytest.raises(BenchError, match="cannot read the table") as caught:
        ItemReader().read(cell)
    assert str(cell.path.with_suffix(".parquet")) in str(caught.value)


def test_a_damaged_table_is_named(tmp_path):
    cell = write(tmp_path, table([0.0, 1.0, 0.5]))[View(8)]
    cell.path.with_suffix(".parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(BenchError, match="cannot read the table"):
        ItemReader().read(cell)


@pytest.mark.parametrize("lacking", ["query_id", "ndcg_at_10", "truncate_dim", "precision"])
def test_a_missing_column_is_named(tmp_path, lacking):
    columns = table([0.0, 1.0, 0.5])
    del columns[lacking]
    cell = write(tmp_path, columns)[View(8)]
    with pytest.raises(BenchError, match=f"lacks the column `{lacking}`") as caught:
        ItemReader().read(cell)
    assert caught.value.where == str(cell.path)
    assert caught.value.hint


def test_a_column_of_another_kind_is_an_error(tmp_path):
    cell = write(tmp_path, table(["high", "low", "low"]))[View(8)]
    with pytest.raises(BenchError, match="not as bench writes it"):
        ItemReader().read(cell)


@pytest.mark.parametrize("columns", [table([0.5], ids=["q"], view=(4, "float32")), table([], ids=[])])
def test_a_missing_view_is_named(tmp_path, columns):
    cell = write(tmp_path, columns)[View(8)]
    with pytest.raises(BenchError, match=r"lacks the view 8.*float32"):
        ItemReader().read(cell)


def test_an_id_that_stands_twice_is_refused(tmp_path):
    cell = write(tmp_path, table([0.0, 1.0, 0.5], ids=["b", "a", "b"]))[View(8)]
    with pytest.raises(BenchError, match="has `b` twice"):
        ItemReader().read(cell)


def test_an_unknown_metric_is_refused(tmp_path):
    cell = write(tmp_path, table([0.0, 1.0, 0.5]))[View(8)]
    with pytest.raises(BenchError, match="no metric `ndcg_at_1O`") as caught:
        ItemReader().read(cell, "ndcg_at_1O")
    assert caught.value.hint == "did you mean `ndcg_at_10`?"


def test_two_runs_read_in_turns_are_read_once_each(tmp_path, monkeypatch):
    from bench.results import items as module

    read = []
    real = module.read_items
    monkeypatch.setattr(module, "read_items", lambda path, *rest: read.append(path) or real(path, *rest))
    parts = [table([0.5], ids=["q"], view=view) for view in VIEWS]
    columns = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    runs = [
        write(tmp_path / name, columns, views=dict.fromkeys(VIEWS, 0.5), created=f"2026-01-0{day}T00:00:00+00:00")
        for day, name in enumerate("ab", 1)
    ]
    reader = ItemReader()
    for view in runs[0]:
        first, second = (reader.read(cells[view]) for cells in runs)
        assert first.ids is second.ids
    assert len(read) == 2


def items_of(ids, values, clusters=None):
    numbers = np.arange(len(ids)) if clusters is None else np.array(clusters)
    return Items(ids, numbers, np.array(values))


def test_cells_of_the_same_items_stand_side_by_side():
    both = [items_of(["a", "b"], [1.0, 2.0]), items_of(["a", "b"], [3.0, 4.0])]
    assert as_columns(both).tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_cells_of_other_items_are_refused():
    with pytest.raises(BenchError, match="not of the same queries") as caught:
        as_columns([items_of(["a"], [1.0]), items_of(["b"], [1.0])])
    assert caught.value.hint


def test_the_record_that_knows_the_clusters_tells_them():
    old, new = items_of(["a", "b", "c"], [0.0] * 3), items_of(["a", "b", "c"], [0.0] * 3, [0, 1, 0])
    assert shared_clusters([old, new]).tolist() == shared_clusters([new, old]).tolist() == [0, 1, 0]
    assert shared_clusters([old]).tolist() == [0, 1, 2]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_reading_is_grouping_and_sorting(tmp_path_factory, data):
    """Against a plain loop over rows in any order, with any clusters."""
    n = data.draw(st.integers(1, 8))
    views = data.draw(st.lists(st.sampled_from(sorted(VIEWS)), min_size=1, max_size=4, unique=True))
    ids = data.draw(st.lists(st.text("abz09é", min_size=1, max_size=3), min_size=n, max_size=n, unique=True))
    clusters = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    rows = [(*view, name, cluster) for view in views for name, cluster in zip(ids, clusters, strict=True)]
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(rows), max_size=len(rows)))
    rows = data.draw(st.permutations([(*row, value) for row, value in zip(rows, values, strict=True)]))
    names = ("truncate_dim", "precision", "query_id", "cluster", "ndcg_at_10")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    means = {view: float(np.mean([row[4] for row in rows if row[:2] == view])) for view in views}
    cells = write(tmp_path_factory.mktemp("results"), columns, views=means)
    reader = ItemReader()
    for view in views:
        mine = sorted((row for row in rows if row[:2] == view), key=lambda row: row[2].encode())
        found = reader.read(cells[View(*view)])
        assert found.ids == [row[2] for row in mine]
        assert found.values.tolist() == [row[4] for row in mine]
        assert set(found.clusters) == set(range(len(set(clusters))))
        assert len({(row[3], number) for row, number in zip(mine, found.clusters, strict=True)}) == len(set(clusters))
