"""Answers from results folders made for the purpose; every number here is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from shops import N, add_cost, add_quality, items, name
from support import cost_record, quality_record

import bench
from bench.choosing.answer import Choice
from bench.errors import BenchError, UsageError
from bench.results.store import ResultStore


@pytest.fixture
def shop(tmp_path):
    add_quality(tmp_path)
    add_cost(
        tmp_path,
        [
            ("search_p95_ms", 3.0, 8, "float32", {}),
            ("search_p95_ms", 2.0, 8, "int8", {}),
            ("search_p95_ms", 1.0, 4, "float32", {}),
            ("search_p95_ms", 0.5, 8, "float32", {"index": "hnsw"}),
            ("hnsw_recall_at_10", 0.9, 8, "float32", {}),
            ("search_p95_ms", 30.0, 8, "float32", {"corpus": 10_000}),
            ("search_p95_ms", 20.0, 8, "int8", {"corpus": 10_000}),
            ("encode_p95_ms", 7.0, None, None, {}),
            ("memory_encode_mib", 100.0, None, None, {}),
            ("memory_search_mib", 50.0, 8, "float32", {}),
        ],
    )
    return tmp_path


def test_without_limits_the_best_score_is_best(shop):
    found = bench.choose("shop", results=shop)
    assert (found.status, name(found.best)) == ("fits", (8, "float32", "flat"))
    assert [name(view) for view in found.runners_up] == [(8, "int8", "flat")]
    assert name(found.cheapest) == (8, "int8", "flat")
    assert name(found.other_index) == (8, "float32", "hnsw")
    assert found.other_index.hnsw_recall_at_10.value == 0.9
    assert (found.views, found.accepted, found.constraints) == (3, 3, [])


def test_hnsw_is_offered_where_exact_search_is_too_slow(shop):
    found = bench.choose("shop", max_search_p95="1.5ms", results=shop)
    assert name(found.best) == (8, "float32", "hnsw")
    # Searched over the same vectors, its score is that of exact search.
    assert found.best.score == 0.8
    assert not found.constraints[0].binds


def test_storage_is_that_of_the_layout_at_the_size_asked_for(shop):
    found = bench.choose("shop", corpus_size=1_000_000, max_storage="20MB", results=shop)
    storage = found.best.quantities["storage_bytes"]
    assert name(found.best) == (8, "int8", "flat")
    # A million codes of 8 bytes, 8 pairs of floats for the ranges, and faiss's headers.
    assert storage.computed
    assert 8_000_000 + 64 < storage.value < 8_000_000 + 64 + 150
    (limit,) = found.constraints
    assert limit.binds
    assert name(limit.step.view) == (8, "float32", "flat")
    assert limit.step.limit == pytest.approx(32e6, rel=1e-4)
    assert limit.step.gain == pytest.approx(0.001)
    assert limit.step.told_apart is False


def test_a_figure_at_that_size_counts_before_that_of_the_task(shop):
    found = bench.choose("shop", corpus_size="10k", max_search_p95="25ms", results=shop)
    best = found.best.quantities["search_p95_ms"]
    assert (name(found.best), best.value, best.documents) == ((8, "int8", "flat"), 20.0, 10_000)
    assert found.status == "fits"


def test_what_was_not_measured_is_not_known_to_fit(shop):
    found = bench.choose("shop", corpus_size="1M", max_search_p95="50ms", results=shop)
    assert found.status == "not known to fit"
    search = found.best.quantities["search_p95_ms"]
    assert (search.value, search.documents, search.verdict) == (30.0, 10_000, "unknown")
    assert (search.at_least, search.at_most) == (30.0, None)
    assert found.best.measure == [
        "bench cost --corpus-size 1_000_000 --tasks shop --model mini --truncate-dims 8 --precisions float32"
    ]


def test_exact_search_too_slow_on_fewer_documents_is_out_for_sure(shop):
    found = bench.choose("shop", corpus_size="1M", max_search_p95="25ms", results=shop)
    # Of HNSW nothing is known at that size, of float32's exact search that it takes at least 30 ms.
    assert name(found.best) == (8, "float32", "hnsw")
    assert found.status == "not known to fit"


def test_a_known_fit_goes_before_a_better_score_that_is_not_known(shop):
    found = bench.choose("shop", max_memory="1GB", results=shop)
    assert (name(found.best), found.status) == ((8, "float32", "flat"), "fits")
    memory = found.best.quantities["memory_bytes"]
    assert memory.value == 150 * 2**20
    add_quality(shop, "wide", {(16, "float32"): 0.9}, width=16, fingerprint="a" * 32)
    found = bench.choose("shop", max_memory="1GB", results=shop)
    assert (found.best.model, found.status) == ("mini", "fits")
    assert [view.model for view in found.unproven] == ["wide"]
    assert found.unproven[0].measure == ["bench cost --tasks shop --model wide"]


def test_nothing_fits(shop):
    found = bench.choose("shop", max_encode_p95="5ms", min_score=0.7, results=shop)
    assert (found.status, found.best, found.cheapest, found.code) == ("nothing fits", None, None, None)
    assert name(found.closest) == (8, "float32", "flat")
    encode, score = found.constraints
    assert (encode.binds, encode.step.limit, score.binds) == (True, 7.0, False)


def test_shares_of_the_models_own_score_and_of_the_best(shop):
    add_quality(shop, "wide", {(16, "float32"): 0.9, (4, "float32"): 0.85}, width=16, fingerprint="a" * 32)
    own = bench.choose("shop", min_share=0.95, models=["mini"], results=shop)
    assert own.best.quantities["share"].value == 1.0
    best = bench.choose("shop", min_share_of_best="95%", models=["mini"], results=shop)
    assert best.status == "nothing fits"
    assert best.closest.quantities["share_of_best"].value == pytest.approx(0.8 / 0.9)


def test_a_share_without_the_full_width_is_not_known(tmp_path):
    add_quality(tmp_path, views={(4, "int8"): 0.5})
    found = bench.choose("shop", min_share=0.9, results=tmp_path)
    assert found.status == "not known to fit"
    assert found.best.measure == [
        "bench run --tasks shop --model mini --truncate-dims 8 --precisions float32 --no-cost"
    ]


def test_a_baseline_encodes_nothing_and_may_be_the_answer(shop):
    add_quality(shop, "bm25", {(None, None): 0.81}, width=None, kind="baseline", fingerprint="b" * 32)
    add_cost(
        shop,
        [("search_p95_ms", 0.4, None, None, {}), ("index_bytes", 5000.0, None, None, {})],
        "bm25", width=None, kind="baseline", fingerprint="b" * 32,
    )  # fmt: skip
    found = bench.choose("shop", max_encode_p95="1ms", max_search_p95="1ms", min_share=1, results=shop)
    assert (found.best.model, found.status) == ("bm25", "fits")
    assert "bm25s" in found.code
    # Nothing measures it at another size.
    later = bench.choose("shop", corpus_size="2M", max_storage="1GB", results=shop)
    assert later.best.model == "mini"
    assert [view.model for view in later.unproven] == ["bm25"]
    assert later.unproven[0].measure == []
    assert bench.choose("shop", corpus_size="2M", max_storage="4kB", results=shop).status == "nothing fits"


def test_environments_are_not_mixed(shop):
    add_quality(shop, "other", {(8, "float32"): 0.7}, fingerprint="c" * 32)
    figures = [("search_p95_ms", 9.0, 8, "float32", {})]
    for model, fingerprint in (("mini", "f" * 32), ("other", "c" * 32)):
        add_cost(shop, figures, model, environment="second", fingerprint=fingerprint)
    found = bench.choose("shop", max_search_p95="10ms", results=shop)
    # Both models were measured there.
    assert (found.environment, found.environments) == ("second", ["env"])
    assert found.best.quantities["search_p95_ms"].value == 9.0
    assert found.best.quantities["encode_p95_ms"].value is None
    assert any("--environment" in note for note in found.notes)
    assert bench.choose("shop", environment="en", results=shop).environment == "env"
    with pytest.raises(UsageError, match="no costs of this task"):
        bench.choose("shop", environment="third", results=shop)


def test_superseded_results_do_not_count(shop):
    add_quality(shop, views={(8, "float32"): 0.3}, fingerprint="e" * 32, created="2026-02-01T00:00:00+00:00")
    found = bench.choose("shop", results=shop)
    assert (found.views, found.best.score) == (1, 0.3)
    reason = "the model changed on 2026-02-01 (newer scores are of the new model)"
    assert f"mini on shop: 2 views left out: {reason}; bench run --tasks shop --model mini" in found.notes
    # Scores hide no cost: it is that of the earlier build, and the answer says so.
    assert found.environment is not None
    assert f"mini: costs were measured on model {'f' * 8} (the scores are of {'e' * 8})" in found.notes


def test_a_cost_record_of_a_rebuilt_model_costs_no_candidate(shop):
    add_quality(shop, "other", views={(8, "float32"): 0.5}, fingerprint="9" * 32)
    add_cost(shop, [("encode_p95_ms", 1.0, None, None, {})], fingerprint="e" * 32, created="2026-03-01T00:00:00+00:00")
    found = bench.choose("shop", results=shop)
    assert (found.best.model, found.best.score) == ("mini", 0.8)


def test_a_task_or_model_that_is_left_out_is_not_unknown(shop):
    add_quality(shop, task="talk", fingerprint="e" * 32, created="2026-02-01T00:00:00+00:00")
    with pytest.raises(UsageError) as raised:
        bench.choose("shop", results=shop)
    assert "3 views left out: the model changed" in raised.value.hint
    add_quality(shop, "other", created="2026-03-01T00:00:00+00:00")
    with pytest.raises(UsageError) as raised:
        bench.choose("shop", models=["mini"], results=shop)
    assert raised.value.hint.endswith("bench run --tasks shop --model mini")


def test_costs_at_another_number_of_documents_are_not_those_of_the_task(shop):
    add_quality(shop, data="e" * 32, documents=5000, created="2026-02-01T00:00:00+00:00")
    found = bench.choose("shop", max_search_p95="1s", models=["mini"], results=shop)
    search = found.best.quantities["search_p95_ms"]
    # Measured at 1,000 and 10,000 documents.
    assert (found.documents, search.documents, search.at_least, search.at_most) == (5000, 1000, 3.0, 30.0)
    assert any("costs were measured on data" in note for note in found.notes)


def test_random_weights_leakage_and_noise_are_told(shop):

    record = cost_record(
        "mini", [("search_p95_ms", 1.0, 8, "float32")], noisy=True, created="2026-03-01T00:00:00+00:00"
    )
    ResultStore(shop).write_cost(record, {"timed": ["x"]})
    drawn = cost_record("drawn", fingerprint="d" * 32)
    drawn = drawn.model_copy(update={"model": drawn.model.model_copy(update={"weights": "random"})})
    ResultStore(shop).write_cost(drawn, {"timed": ["x"]})
    found = bench.choose("shop", results=shop)
    assert found.best.noisy
    assert any("--model mini --force" in note for note in found.notes)
    assert any(note.startswith("drawn has random weights") for note in found.notes)
    assert not found.best.leakage
    record = quality_record("leaky", views={(8, "float32"): 0.95}, n=N, fingerprint="9" * 32)
    record = record.model_copy(update={"model": record.model.model_copy(update={"leakage": True})})
    ResultStore(shop).write_quality(record, items({(8, "float32"): 0.95}))
    found = bench.choose("shop", results=shop)
    assert found.best.leakage
    assert "leaky may have been trained on what it is tested on" in found.notes


def test_units_are_named_where_there_are_several(shop):
    base = quality_record()
    record = base.model_copy(update={"task": base.task.model_copy(update={"split": "dev", "n": N})})
    ResultStore(shop).write_quality(record, items({(8, "float32"): 0.5}))
    with pytest.raises(UsageError, match="several splits: dev, test"):
        bench.choose("shop", results=shop)
    assert bench.choose("shop", split="dev", results=shop).best.score == 0.5
    with pytest.raises(UsageError, match="did you mean `test`"):
        bench.choose("shop", split="tset", results=shop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_share": 3}, "--min-share"),
        ({"max_storage": "-2GB"}, "--max-storage"),
        ({"corpus_size": 0}, "--corpus-size"),
        ({"min_score": 0.5, "min_ndcg": 0.5}, "the same score"),
        ({"models": ["minni"]}, "did you mean `mini`"),
    ],
)
def test_what_can_never_be_met_is_wrong_usage(shop, arguments, message):
    with pytest.raises(UsageError, match=message):
        bench.choose("shop", results=shop, **arguments)


def test_a_task_of_pairs_has_no_search(tmp_path):
    record = quality_record(metric="cosine_spearman", n=N)
    rng = np.random.default_rng(0)
    ResultStore(tmp_path).write_quality(
        record, {"truncate_dim": [8] * N, "precision": ["float32"] * N, "pair_id": [f"p{i}" for i in range(N)],
                 "cosine": rng.normal(size=N), "gold": rng.normal(size=N)},
    )  # fmt: skip
    for arguments, message in (
        ({"max_search_p95": "1ms"}, "searches no documents"),
        ({"max_storage": "1GB"}, "--corpus-size"),
        ({"min_ndcg": 0.5}, "--min-score"),
    ):
        with pytest.raises(UsageError, match=message):
            bench.choose("shop", results=tmp_path, **arguments)
    found = bench.choose("shop", corpus_size=1000, max_storage="1MB", results=tmp_path)
    assert (found.status, found.best.index) == ("fits", None)


def test_no_results_and_wrong_names(tmp_path, shop):
    with pytest.raises(BenchError, match="bench run"):
        bench.choose("shop", results=tmp_path / "none")
    with pytest.raises(UsageError, match="did you mean `shop`"):
        bench.choose("shp", results=shop)


def test_the_same_results_give_the_same_answer_and_json_keeps_all(shop):
    arguments = {"max_storage": "1MB", "min_share": 0.5, "max_search_p95": "10ms", "results": shop}
    found = bench.choose("shop", **arguments)
    assert found == bench.choose("shop", **arguments)
    assert Choice.model_validate_json(found.model_dump_json()) == found
