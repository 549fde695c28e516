from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support import cost_record, quality_record, write_scored

from bench.comparing.comparison import Selection, compare
from bench.comparing.operands import Side
from bench.errors import UsageError
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.views import View

FULL = (8, "float32")
EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


def sides(root, a=("a", None), b=("b", None), other=None):
    first = ResultIndex(ResultStore(root).records())
    second = ResultIndex(ResultStore(other).records()) if other else first
    return Side("A", first, *a), Side("B", second, *b)


def scores(*values):
    return {f"q{number:03d}": value for number, value in enumerate(values)}


def test_a_comparison_by_hand(tmp_path):
    write_scored(tmp_path, {FULL: scores(0.0, 0.5, 1.0, 0.5)}, model="a", fingerprint="a" * 32)
    write_scored(tmp_path, {FULL: scores(1.0, 0.5, 0.5, 1.0)}, model="b", fingerprint="b" * 32)
    found = compare(*sides(tmp_path), Selection(queries=2))
    (row,) = found.rows
    assert (row.a.score, row.b.score, row.difference) == (0.5, 0.75, 0.25)
    assert (row.paired.won, row.paired.tied, row.paired.lost) == (2, 1, 1)
    # Differences 1, 0, -0.5, 0.5: mean 0.25, variance 5/12, error sqrt(5/12/4), t of three degrees 3.182.
    reach = 3.182446305 * math.sqrt(5 / 48)
    assert (row.paired.ci_low, row.paired.ci_high) == pytest.approx((0.25 - reach, 0.25 + reach))
    assert [(change.id, change.a, change.b) for change in row.paired.changed] == [
        ("q000", 0.0, 1.0),
        ("q002", 1.0, 0.5),
    ]
    assert row.verdict == "unclear"
    assert not found.empty


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 0.63, 1.0])] * 4), min_size=3, max_size=30))
def test_intervals_and_p_values_are_those_of_scipy(tmp_path_factory, table):
    root = tmp_path_factory.mktemp("results")
    columns = np.array(table).T
    for model, first in (("a", 0), ("b", 2)):
        views = {FULL: scores(*columns[first]), (4, "int8"): scores(*columns[first + 1])}
        write_scored(root, views, model=model, fingerprint=model * 32)
    rows = compare(*sides(root), Selection(all_views=True)).rows
    assert [row.b.view for row in rows] == [View(8, "float32"), View(4, "int8")]
    expected = []
    for row, (a, b) in zip(rows, ((columns[0], columns[2]), (columns[1], columns[3])), strict=True):
        assert row.difference == pytest.approx((b - a).mean(), abs=1e-12)
        assert row.paired.won == sum(x < y for x, y in zip(a, b, strict=True))
        assert row.paired.won + row.paired.tied + row.paired.lost == len(a)
        if np.ptp(b - a) > 0:
            test = stats.ttest_rel(b, a)
            interval = test.confidence_interval(0.95)
            expected.append(test.pvalue)
            assert (row.paired.ci_low, row.paired.ci_high) == pytest.approx((interval.low, interval.high), abs=1e-9)
            assert row.paired.p == pytest.approx(test.pvalue, abs=1e-9)
        else:
            # Scipy divides 0 by 0, or by it.
            expected.append(1.0 if (b == a).all() else 0.0)
            assert row.paired.p == expected[-1]
    # There is one pair of models, and each view is on its own.
    assert [row.paired.p_holm for row in rows] == pytest.approx(expected, abs=1e-9)
    assert [row.pairs for row in rows] == [1, 1]


def test_the_sides_exchanged_give_the_opposite(tmp_path):
    rng = np.random.default_rng(0)
    for model in "ab":
        write_scored(tmp_path, {FULL: scores(*rng.random(20))}, model=model, fingerprint=model * 32)
    (there,) = compare(*sides(tmp_path), Selection()).rows
    (back,) = compare(*sides(tmp_path, ("b", None), ("a", None)), Selection()).rows
    assert back.difference == -there.difference
    assert (back.paired.ci_low, back.paired.ci_high) == pytest.approx((-there.paired.ci_high, -there.paired.ci_low))
    assert back.paired.p == pytest.approx(there.paired.p)
    assert (back.paired.won, back.paired.lost) == (there.paired.lost, there.paired.won)


def test_queries_of_one_cluster_are_one_observation(tmp_path):
    rng = np.random.default_rng(1)
    means = rng.random((5, 2))
    clusters = np.repeat(np.arange(5), 3)
    for column, model in enumerate("ab"):
        values = scores(*np.repeat(means[:, column], 3))
        write_scored(tmp_path, {FULL: values}, model=model, fingerprint=model * 32, clusters=clusters)
    (row,) = compare(*sides(tmp_path), Selection()).rows
    assert (row.paired.n, row.paired.clusters) == (15, 5)
    # Clusters of one size whose members are equal: Student's test on the five.
    assert row.paired.p == pytest.approx(stats.ttest_rel(means[:, 0], means[:, 1]).pvalue)


def test_changed_data_gives_no_number(tmp_path):
    write_scored(tmp_path, {FULL: scores(0.0, 1.0)}, model="a", data="1" * 32, created=EARLY)
    write_scored(tmp_path, {FULL: scores(1.0, 1.0)}, model="b", data="2" * 32, created=LATE)
    found = compare(*sides(tmp_path), Selection())
    assert (found.rows, found.empty) == ([], True)
    assert found.notes == [
        "only B has shop (test)",
        (
            "a on shop: 1 view left out: the task's data changed on 2026-01-02 (newer scores are of the new "
            "data); bench run --tasks shop --model a"
        ),
    ]
    write_scored(tmp_path / "old", {FULL: scores(0.0, 1.0)}, model="a", data="1" * 32, created=EARLY)
    found = compare(*sides(tmp_path / "old", other=tmp_path), Selection())
    (row,) = found.rows
    assert row.reason == "not comparable: the task's data changed (11111111, 22222222)"
    assert (row.difference, row.a.score, row.b.score, row.paired, row.verdict) == (None,) * 5


def test_a_model_is_not_compared_by_older_data_than_the_others(tmp_path):
    for model in "ab":
        write_scored(tmp_path, {FULL: scores(0.0, 1.0)}, model=model, fingerprint=model * 32, data="1" * 32,
                     created=EARLY)  # fmt: skip
    write_scored(tmp_path, {FULL: scores(1.0, 1.0)}, model="a", fingerprint="a" * 32, data="2" * 32, created=LATE)
    found = compare(*sides(tmp_path), Selection())
    assert (found.rows, found.notes[0]) == ([], "only A has shop (test)")
    assert "b on shop: 1 view left out" in found.notes[1]


def test_results_of_a_model_as_it_was_before_are_not_compared(tmp_path):
    write_scored(tmp_path, {FULL: scores(0.5, 0.5)}, model="a", fingerprint="1" * 32, created=EARLY)
    write_scored(tmp_path, {FULL: scores(0.25, 0.25)}, model="a", fingerprint="2" * 32, created=LATE)
    write_scored(tmp_path, {FULL: scores(1.0, 1.0)}, model="b", fingerprint="b" * 32, created=EARLY)
    (row,) = compare(*sides(tmp_path), Selection()).rows
    assert row.a.score == 0.25


def test_a_missing_view_or_metric_is_told(tmp_path):
    write_scored(tmp_path, {FULL: scores(0.0, 1.0)}, model="a")
    write_scored(tmp_path, {(4, "int8"): scores(0.0, 1.0)}, model="b", metric="map_at_5")
    (row,) = compare(*sides(tmp_path), Selection()).rows
    assert row.reason == "not comparable: B has no score at 8 float32"
    (row,) = compare(*sides(tmp_path), Selection(all_views=True)).rows
    assert row.reason == "not comparable: no view that both have (A: 8 float32; B: 4 int8)"
    (row,) = compare(*sides(tmp_path, b=("b", View(4, "int8"))), Selection(metric="map_at_5")).rows
    assert row.reason == "not comparable: no `map_at_5` in A"
    with pytest.raises(UsageError, match="no results with metric `map_at_6`"):
        compare(*sides(tmp_path), Selection(metric="map_at_6"))


def test_a_damaged_table_costs_its_row_the_interval_only(tmp_path):
    for model in "ab":
        for task in ("shop", "talk"):
            path = write_scored(tmp_path, {FULL: scores(0.0, 1.0, 0.5)}, model=model, fingerprint=model * 32, task=task)
    path.with_suffix(".parquet").write_bytes(b"broken")
    shop, talk = compare(*sides(tmp_path), Selection()).rows
    assert shop.paired is not None
    assert talk.difference == 0.0
    assert talk.paired is None
    assert "no interval: " in talk.reason


@pytest.mark.parametrize(("items", "tested"), [((0.25, 0.75), True), ((0.25, 0.5), False)])
def test_what_mteb_scores_is_tested_where_its_score_is_the_mean_of_items(tmp_path, items, tested):
    for model, shift in (("a", 0.0), ("b", 0.125)):
        record = quality_record(model, fingerprint=model * 32, metric="accuracy", views={FULL: 0.5 + shift})
        record = record.model_copy(update={"task": record.task.model_copy(update={"type": "mteb"})})
        columns = {"item_id": ["0", "1"], "accuracy": [value + shift for value in items]}
        ResultStore(tmp_path).write_quality(record, {"truncate_dim": [8, 8], "precision": ["float32"] * 2, **columns})
    (row,) = compare(*sides(tmp_path), Selection()).rows
    assert row.difference == 0.125
    assert (row.paired is not None) == tested
    assert row.reason == (None if tested else "no interval: the score is no mean of items")


def test_one_query_gives_no_interval(tmp_path):
    for model, value in (("a", 0.0), ("b", 1.0)):
        write_scored(tmp_path, {FULL: scores(value)}, model=model, fingerprint=model * 32)
    (row,) = compare(*sides(tmp_path), Selection()).rows
    assert row.difference == 1.0
    assert (row.paired.ci_low, row.paired.ci_high, row.paired.p, row.verdict) == (None, None, 1.0, "unclear")


def test_sources_compare_all_that_both_have(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    views = {FULL: scores(0.0, 1.0, 0.5), (4, "int8"): scores(0.0, 0.5, 0.5)}
    for root in (old, new):
        write_scored(root, views, model="kept", fingerprint="k" * 32)
    write_scored(old, {FULL: scores(0.0, 1.0, 0.5)}, model="changed", fingerprint="1" * 32)
    write_scored(new, {FULL: scores(1.0, 1.0, 1.0)}, model="changed", fingerprint="2" * 32)
    write_scored(old, {FULL: scores(0.0, 1.0, 0.5)}, model="gone")
    write_scored(new, {FULL: scores(0.0, 1.0, 0.5)}, model="kept", fingerprint="k" * 32, task="talk")
    found = compare(*sides(old, (None, None), (None, None), new), Selection())
    assert [(row.b.model, str(row.b.view), row.same) for row in found.rows] == [
        ("changed", "8 float32", False), ("kept", "8 float32", True), ("kept", "4 int8", True),
    ]  # fmt: skip
    assert found.notes == ["only A has the models gone", "only B has kept on talk (test)"]
    # Rows that are no comparison do not weaken the one that is.
    assert found.rows[0].paired.p_holm == found.rows[0].paired.p
    assert [row.b.model for row in found.telling] == ["changed"]


def test_the_same_model_that_scores_differently_is_a_comparison(tmp_path):
    for root, value in (("old", 0.0), ("new", 1.0)):
        write_scored(tmp_path / root, {FULL: scores(value, 0.5, 0.5)}, model="a")
    (row,) = compare(*sides(tmp_path / "old", (None, None), (None, None), tmp_path / "new"), Selection()).rows
    assert not row.same


def test_a_source_takes_the_model_and_view_of_the_other(tmp_path):
    for root in ("old", "new"):
        write_scored(tmp_path / root, {(4, "int8"): scores(0.0, 1.0)}, model="a")
    a, b = sides(tmp_path / "old", (None, None), ("a", View(4, "int8")), tmp_path / "new")
    (row,) = compare(a, b, Selection()).rows
    assert (row.a.model, row.a.view) == (row.b.model, row.b.view) == ("a", View(4, "int8"))
    with pytest.raises(UsageError, match="no results of a model `b` in A"):
        compare(a, Side("B", b.index, "b"), Selection())


def test_a_baseline_faces_whole_vectors_or_each_view(tmp_path):
    write_scored(tmp_path, {(None, None): scores(0.0, 1.0)}, model="bm25", kind="baseline", width=None)
    write_scored(tmp_path, {FULL: scores(0.5, 1.0), (4, "int8"): scores(1.0, 1.0)}, model="b", fingerprint="b" * 32)
    views = [row.b.view for row in compare(*sides(tmp_path, ("bm25", None)), Selection()).rows]
    assert views == [View(8, "float32")]
    views = [row.b.view for row in compare(*sides(tmp_path, ("bm25", None)), Selection(all_views=True)).rows]
    assert views == [View(8, "float32"), View(4, "int8")]


def test_only_the_tasks_and_subsets_asked_for(tmp_path):
    for model in "ab":
        for task in ("shop", "talk"):
            write_scored(tmp_path, {FULL: scores(0.0, 1.0)}, model=model, fingerprint=model * 32, task=task)
    assert [row.unit[0] for row in compare(*sides(tmp_path), Selection(tasks=("talk",))).rows] == ["talk"]
    with pytest.raises(UsageError) as caught:
        compare(*sides(tmp_path), Selection(tasks=("shopp",)))
    assert "did you mean `shop`" in caught.value.hint
    with pytest.raises(UsageError):
        compare(*sides(tmp_path), Selection(subsets=("en-en",)))


# Pairs.


def write_pairs_record(root, model, similarity, gold):
    """A record of an sts task with the similarities of its pairs."""
    value = float(stats.spearmanr(similarity, gold).statistic)
    record = quality_record(model, fingerprint=model * 32, metric="cosine_spearman", views={FULL: value}, n=len(gold))
    ids = [f"p{number:03d}" for number in range(len(gold))]
    ResultStore(root).write_quality(
        record,
        {"truncate_dim": [8] * len(gold), "precision": ["float32"] * len(gold), "pair_id": ids,
         "cosine": np.array(similarity), "gold": np.array(gold)},
    )  # fmt: skip


def test_a_difference_of_correlations_covers_what_resampling_gives(tmp_path):
    rng = np.random.default_rng(3)
    gold = rng.random(400)
    similar = {"a": gold + rng.normal(0, 0.5, 400), "b": gold + rng.normal(0, 0.3, 400)}
    for model, values in similar.items():
        write_pairs_record(tmp_path, model, values, gold)
    (row,) = compare(*sides(tmp_path), Selection()).rows
    a, b = (stats.spearmanr(similar[model], gold).statistic for model in "ab")
    assert row.difference == pytest.approx(b - a)
    assert (row.paired.won, row.paired.tied, row.paired.lost) == (None, None, None)
    drawn = []
    for _ in range(500):
        rows = rng.integers(0, 400, 400)
        drawn.append(
            stats.spearmanr(similar["b"][rows], gold[rows]).statistic
            - stats.spearmanr(similar["a"][rows], gold[rows]).statistic
        )
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert (row.paired.ci_low, row.paired.ci_high) == pytest.approx((low, high), abs=0.2 * (high - low))
    assert row.verdict == "better"


# Costs.


def cost(root, model, figures, **names):
    ResultStore(root).write_cost(cost_record(model, figures, fingerprint=model * 32, **names), {"milliseconds": []})


def test_costs_of_one_environment_are_ratios(tmp_path):
    for model in "ab":
        write_scored(tmp_path, {FULL: scores(0.0, 1.0)}, model=model, fingerprint=model * 32)
    cost(tmp_path, "a", [("encode_p50_ms", 4.0, None, None), ("search_p50_ms", 1.0, 8, "float32")])
    cost(tmp_path, "b", [("encode_p50_ms", 1.0, None, None), ("search_p50_ms", 2.0, 8, "float32")], noisy=True)
    cost(tmp_path, "b", [("encode_p50_ms", 100.0, None, None)], environment="gpu")
    found = compare(*sides(tmp_path), Selection())
    assert [(row.name, row.environment, row.ratio, row.noisy) for row in found.costs] == [
        ("encode_p50_ms", "env", 0.25, True), ("search_p50_ms", "env", 2.0, True),
    ]  # fmt: skip


def test_costs_of_two_environments_are_never_compared(tmp_path):
    cost(tmp_path, "a", [("encode_p50_ms", 4.0, None, None)], environment="cpu")
    cost(tmp_path, "b", [("encode_p50_ms", 1.0, None, None)], environment="gpu")
    found = compare(*sides(tmp_path), Selection())
    assert found.costs == []
    assert found.notes == ["shop (test): costs are not compared: they were measured in the environments cpu and gpu"]
    assert found.empty


def test_costs_on_two_devices_or_other_data_are_not_compared(tmp_path):
    for model, device in (("a", "cpu"), ("b", "cuda")):
        record = cost_record(model, [("encode_p50_ms", 4.0, None, None)], fingerprint=model * 32)
        record = record.model_copy(update={"setup": {"device": device}})
        ResultStore(tmp_path / "devices").write_cost(record, {"milliseconds": []})
        cost(tmp_path / "data", model, [("encode_p50_ms", 4.0, None, None)], data=model * 32)
    found = compare(*sides(tmp_path / "devices"), Selection())
    assert found.costs == []
    assert "on cpu and cuda" in found.notes[0]
    assert compare(*sides(tmp_path / "data"), Selection()).costs == []


def test_what_was_measured_once_is_not_beside_itself(tmp_path):
    write_scored(tmp_path, {FULL: scores(0.0, 1.0), (4, "int8"): scores(0.0, 0.5)}, model="a", fingerprint="a" * 32)
    cost(tmp_path, "a", [("encode_p50_ms", 4.0, None, None), ("index_bytes", 64.0, 8, "float32"),
                         ("index_bytes", 8.0, 4, "int8")])  # fmt: skip
    found = compare(*sides(tmp_path, ("a", None), ("a", View(4, "int8"))), Selection())
    assert [(row.name, row.ratio) for row in found.costs] == [("bytes_per_vector", 0.125), ("index_bytes", 0.125)]


def test_random_weights_have_costs_alone(tmp_path):
    for model, value in (("a", 4.0), ("b", 2.0)):
        cost(tmp_path, model, [("encode_p50_ms", value, None, None)])
    found = compare(*sides(tmp_path), Selection())
    assert found.rows == []
    assert [row.ratio for row in found.costs] == [0.5]
    assert not found.empty
