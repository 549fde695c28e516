from __future__ import annotations

import math

import pytest
from support import control_record, cost_record, fidelity_record, quality_record

import bench
from bench.results.frame import COLUMNS
from bench.results.store import ResultStore


def test_one_row_a_metric_with_all_columns(tmp_path):
    store = ResultStore(tmp_path)
    store.write_quality(quality_record(views={(8, "float32"): 0.5, (4, "int8"): 0.4}), {"query_id": []})
    store.write_quality(quality_record("bm25", kind="baseline", views={(None, None): 0.6}), {"query_id": []})
    store.write_cost(cost_record(figures=[("search_p50_ms", 0.25, 4, "int8")], noisy=True), {"milliseconds": []})
    frame = bench.load_results(tmp_path)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 4
    cut = frame[(frame["truncate_dim"] == 4) & (frame["metric"] == "ndcg_at_10")].iloc[0]
    assert (cut["model"], cut["precision"], cut["value"], cut["n"]) == ("mini", "int8", 0.4, 2)
    assert (cut["ci_low"], cut["ci_high"]) == (pytest.approx(0.3), pytest.approx(0.5))
    search = frame[frame["metric"] == "search_p50_ms"].iloc[0]
    assert bool(search["noisy"]) is True
    assert math.isnan(search["ci_low"])
    baseline = frame[frame["model"] == "bm25"].iloc[0]
    assert baseline[["truncate_dim", "precision"]].isna().all()


def test_superseded_rows_are_marked(tmp_path):
    store = ResultStore(tmp_path)
    store.write_quality(quality_record(created="2026-01-01"), {"query_id": []})
    store.write_quality(quality_record(created="2026-01-02", fingerprint="e" * 32), {"query_id": []})
    frame = bench.load_results(str(tmp_path))
    assert dict(zip(frame["created"], frame["superseded"], strict=True)) == {"2026-01-01": True, "2026-01-02": False}


def test_controls_are_rows_apart(tmp_path):
    store = ResultStore(tmp_path)
    store.write_quality(quality_record(views={(4, "float32"): 0.5}), {"query_id": []})
    store.write_cost(cost_record(figures=[("search_p50_ms", 0.25, 4, "float32")]), {"milliseconds": []})
    controls = {("pca", None, 4): 0.4, ("last", None, 4): 0.3, ("random", 1, 4): 0.2, ("random", 2, 4): 0.1}
    store.write_controls(control_record(controls=controls), {"query_id": []})
    frame = bench.load_results(tmp_path)
    rows = frame[frame["metric"] == "ndcg_at_10"].set_index("control")
    assert rows["value"].to_dict() == {"": 0.5, "pca": 0.4, "last": 0.3, "random-1": 0.2, "random-2": 0.1}
    assert set(rows["precision"]) == {"float32"}
    assert set(rows["truncate_dim"]) == {4}
    assert rows.loc["pca", ["ci_low", "ci_high", "n"]].to_list() == [pytest.approx(0.3), pytest.approx(0.5), 2]
    assert set(frame[frame["metric"] == "search_p50_ms"]["control"]) == {""}


def test_measures_of_fidelity_are_metrics_of_their_views(tmp_path):
    store = ResultStore(tmp_path)
    store.write_quality(quality_record(views={(4, "int8"): 0.5}), {"query_id": []})
    store.write_fidelity(fidelity_record(views={(4, "int8"): {"rbo": 0.75, "norm_kept": 0.5}}), {"query_id": []})
    rows = bench.load_results(tmp_path).set_index("metric")
    assert rows["value"].to_dict() == {"ndcg_at_10": 0.5, "norm_kept": 0.5, "rbo": 0.75}
    assert set(rows["truncate_dim"]) == {4}
    assert set(rows["precision"]) == {"int8"}
    assert set(rows["control"]) == {""}
    assert not rows["superseded"].any()


def test_an_empty_folder_gives_an_empty_frame_and_none_an_error(tmp_path):
    assert list(bench.load_results(tmp_path).columns) == list(COLUMNS)
    with pytest.raises(bench.BenchError, match="no results folder"):
        bench.load_results(tmp_path / "nowhere")
