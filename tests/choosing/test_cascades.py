"""Answers with cascades from results folders made for the purpose; every number here is worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shops import N, add_cost, add_quality, name
from support import cost_record, rerank_record

import bench
from bench.choosing.candidates import make_contest
from bench.errors import UsageError
from bench.index_layout import index_bytes
from bench.results.index import ResultIndex
from bench.results.schema import Figure
from bench.results.store import ResultStore
from bench.views import View

LISTS = {
    (4, "float32", 10): (0.7, 0.8), (4, "float32", 100): (0.79, 0.9), (4, "int8", 100): (0.81, 0.95),
    (8, "int8", 10): (0.8, 1.0),
}  # fmt: skip
LATENCIES = {(4, "float32", 10): 1.2, (4, "float32", 100): 1.6, (4, "int8", 100): 1.8, (8, "int8", 10): 2.5}
FULL = 1000 * 8 * 4


def add_rerank(folder, lists=None, *, spread=0.05, **changes):
    lists = lists or LISTS
    record = rerank_record(shortlists=lists, **changes)
    task = record.task.model_copy(update={"documents": 1000, "n": N})
    rng = np.random.default_rng(0)
    noise = rng.normal(0, spread, N)
    columns = {
        "truncate_dim": [dim for dim, *_ in lists for _ in range(N)],
        "precision": [precision for _, precision, _ in lists for _ in range(N)],
        "shortlist": [length for *_, length in lists for _ in range(N)],
        "query_id": [f"q{i}" for _ in lists for i in range(N)],
        "ndcg_at_10": np.concatenate([score + noise - noise.mean() for score, _ in lists.values()]).astype(np.float32),
        "cluster": np.tile(np.arange(N), len(lists)),
    }
    ResultStore(folder).write_rerank(record.model_copy(update={"task": task}), columns)


@pytest.fixture
def shop(tmp_path):
    add_quality(tmp_path, views={(8, "float32"): 0.8, (8, "int8"): 0.75, (4, "float32"): 0.6, (4, "int8"): 0.5})
    add_rerank(tmp_path)
    searches = {(8, "float32"): 3.0, (8, "int8"): 2.0, (4, "float32"): 1.0, (4, "int8"): 0.8}
    figures = [("search_p95_ms", value, *view, {}) for view, value in searches.items()]
    figures += [("cascade_p95_ms", ms, dim, kind, {"shortlist": n}) for (dim, kind, n), ms in LATENCIES.items()]
    figures += [("memory_encode_mib", 100.0, None, None, {}), ("memory_search_mib", 50.0, 4, "int8", {})]
    add_cost(tmp_path, figures)
    return tmp_path


def place(view):
    return view and (*name(view)[:2], view.shortlist)


def choose(results, **limits):
    return bench.choose("shop", results=results, allow_rerank=True, **limits)


def test_cascades_are_candidates_only_where_they_are_allowed(shop):
    found = bench.choose("shop", results=shop)
    assert (found.views, found.shortlists, place(found.best)) == (4, 0, (8, "float32", None))
    found = choose(shop)
    assert (found.views, found.shortlists, place(found.best)) == (4, 4, (4, "int8", 100))
    assert (found.best.score, found.best.shortlist_recall, found.best.index) == (0.81, 0.95, "flat")
    # As good by score: exact search at a view before one that is ranked again.
    assert place(choose(shop, min_score=0.8, max_search_p95="3ms").best) == (4, "int8", 100)
    assert place(choose(shop, max_search_p95="1.7ms").best) == (4, "float32", 100)


def test_what_they_take_is_that_of_both_stages(shop):
    best = choose(shop).best
    storage = best.quantities["storage_bytes"]
    assert (storage.value, storage.computed) == (index_bytes(View(4, "int8"), 1000, "flat") + FULL, True)
    assert best.quantities["search_p95_ms"].value == 1.8
    memory = best.quantities["memory_bytes"]
    assert (memory.at_least, memory.at_most) == (150 * 2**20, 150 * 2**20 + FULL)
    assert memory.value == memory.at_most
    assert best.quantities["share"].value == pytest.approx(0.81 / 0.8)


def test_every_answer_is_the_best_of_all_that_fit(shop):
    plain = {(8, "float32", None): (0.8, 3.0), (8, "int8", None): (0.75, 2.0), (4, "float32", None): (0.6, 1.0)}
    plain[4, "int8", None] = 0.5, 0.8
    every = plain | {key: (LISTS[key][0], LATENCIES[key]) for key in LISTS}

    def size(key):
        dim, precision, shortlist = key
        return index_bytes(View(dim, precision), 1000, "flat") + (FULL if shortlist else 0)

    sizes = sorted({size(key) for key in every})
    for most_ms, most_bytes in itertools.product((0.5, 0.9, 1.1, 1.3, 1.7, 2.2, 9.0), [sizes[0] - 1, *sizes]):
        fitting = [key for key in every if every[key][1] <= most_ms and size(key) <= most_bytes]
        expected = min(fitting, key=lambda key: (-every[key][0], key[2] or 0), default=None)
        found = choose(shop, max_search_p95=most_ms, max_storage=most_bytes)
        assert place(found.best) == expected, (most_ms, most_bytes)


def test_what_cannot_be_told_from_it_is_found_by_its_queries(shop, tmp_path):
    found = choose(shop, max_search_p95="2.6ms")
    assert place(found.best) == (4, "int8", 100)
    # Their queries differ by the same everywhere, so that the least difference is told.
    assert found.runners_up == []
    close = {(4, "int8", 100): (0.8001, 0.9), (4, "float32", 100): (0.79, 0.9)}
    add_quality(tmp_path / "other")
    add_rerank(tmp_path / "other", close, spread=0.2)
    found = choose(tmp_path / "other")
    assert place(found.best) == (4, "int8", 100)
    assert (8, "float32", None) in {place(view) for view in found.runners_up}


def test_what_was_not_timed_is_at_least_the_search(shop, tmp_path):
    add_quality(tmp_path / "other")
    add_rerank(tmp_path / "other", {(8, "int8", 10): (0.85, 1.0)})
    add_cost(tmp_path / "other", [("search_p95_ms", 2.0, 8, "int8", {})])
    found = choose(tmp_path / "other", max_search_p95="5ms", min_score=0.81)
    search = found.best.quantities["search_p95_ms"]
    assert (found.status, search.at_least, search.value) == ("not known to fit", 2.0, None)
    assert found.best.measure == ["bench cost --probes rerank --tasks shop --model mini --force"]
    assert choose(tmp_path / "other", max_search_p95="1ms", min_score=0.81).status == "nothing fits"


def test_at_another_size_nothing_measures_them(shop):
    found = choose(shop, corpus_size=2000, max_search_p95="2ms", min_score=0.805)
    assert found.status == "nothing fits"
    [unproven] = found.unproven
    search = unproven.quantities["search_p95_ms"]
    assert (place(unproven), search.at_least, search.verdict) == ((4, "int8", 100), 1.8, "unknown")
    assert unproven.measure == []
    # Slower than the limit on fewer documents already.
    assert choose(shop, corpus_size=2000, max_search_p95="1.7ms", min_score=0.805).unproven == []


def test_superseded_ones_and_other_metrics_are_left_out(shop, tmp_path):
    add_rerank(tmp_path / "old", data="e" * 32)
    add_quality(tmp_path / "old", created="2027-01-01T00:00:00+00:00")
    found = choose(tmp_path / "old")
    assert (found.views, found.shortlists) == (3, 0)
    add_quality(tmp_path / "metric")
    record = rerank_record(metric="recall_at_10_of_ndcg")
    ResultStore(tmp_path / "metric").write_rerank(record, {"query_id": ["q"]})
    assert choose(tmp_path / "metric", min_score=0.7).best.shortlist is None


def test_the_models_that_are_named_count(shop):
    add_quality(shop, "other", views={(8, "float32"): 0.7})
    assert choose(shop, models=["other"]).best.shortlist is None
    with pytest.raises(UsageError, match="no current scores"):
        choose(shop, models=["none"])


def test_no_command_is_named_that_would_not_time_a_shortlist(tmp_path):
    add_quality(tmp_path)
    add_rerank(tmp_path, {(8, "int8", 7): (0.85, 1.0), (8, "int8", 1000): (0.8, 1.0)})
    add_cost(tmp_path, [("search_p95_ms", 2.0, 8, "int8", {})])
    found = choose(tmp_path, max_search_p95="5ms", min_score=0.81)
    assert found.status == "nothing fits"
    [unproven] = found.unproven
    assert (place(unproven), unproven.measure) == ((8, "int8", 7), [])
    assert unproven.quantities["search_p95_ms"].why == "shortlists of 10, 20, 50, 100, 200, 500 are timed"


def test_processes_that_disagree_on_a_cascade_mark_it_alone(tmp_path):
    add_quality(tmp_path)
    add_rerank(tmp_path, {(8, "int8", 10): (0.85, 1.0), (8, "int8", 20): (0.86, 1.0)})
    figures = [
        Figure(
            name="cascade_p50_ms",
            value=2.0,
            n=9,
            truncate_dim=8,
            precision="int8",
            detail={"shortlist": n},
            spread=spread,
        )
        for n, spread in ((10, 0.3), (20, 0.0))
    ]
    record = cost_record()
    ResultStore(tmp_path).write_cost(record.model_copy(update={"figures": figures}), {"milliseconds": []})
    index = ResultIndex(ResultStore(tmp_path).records())
    found = make_contest(index, ("shop", "test", "default"), allow_rerank=True).candidates
    assert [candidate.shortlist for candidate in found if candidate.noisy] == [10]
