"""Fidelity as a part of runs: what is planned, done once, superseded, and kept when a run is stopped."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from running import entry, plan_of, run
from support import make_model, random_beir, write_pairs

from bench import records, runner
from bench.errors import BenchError
from bench.metrics import FIDELITY_MEASURES
from bench.models.registry import ModelEntry
from bench.plan import PlannedModel
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.results.study_records import FidelitySettings
from bench.studies import STUDIES
from bench.studies import fidelity as fidelity_module
from bench.views import View

ON = {"studies": {"fidelity": True}}
VIEWS = [View(dim, precision) for dim in (32, 8) for precision in ("float32", "binary")]
COMPARED = [view for view in VIEWS if view != View(32)]


def cut_entry(folder, name="m", dims=(32, 8)):
    return entry(folder, name, truncate_dims=list(dims), precisions=["float32", "binary"])


def verdict(plan):
    [job] = plan.jobs
    return job.study("fidelity")


def values(results):
    """Every value by model, its fingerprint, view and measure, of the newest records."""
    index = ResultIndex(ResultStore(results).records())
    return {
        (*key[:2], view, name): value.value
        for key, cells in index.fidelity.items()
        for view, cell in cells.items()
        for name, value in cell.record.views[cell.position].measures.items()
    }


@pytest.fixture
def task(tmp_path):
    return random_beir(tmp_path / "shop")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.mark.parametrize(
    ("card", "options", "made"),
    [
        ("", {}, False),
        ("studies: [controls]\n", {}, False),
        ("", {"fidelity": True}, True),
        ("studies: [controls, fidelity]\n", {}, True),
        ("studies: [fidelity]\n", {"fidelity": False}, False),
    ],
)
def test_the_card_decides_unless_the_options_do(tiny_model, task, results, card, options, made):
    (task / "task.yaml").write_text(f"name: shop\ntype: retrieval\n{card}")
    plan, _, _ = plan_of([cut_entry(tiny_model)], [task], results, studies=options)
    assert verdict(plan) == (("to do", "new") if made else None)


def test_views_are_compared_once_from_the_stored_vectors(tiny_model, task, results):
    plan, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert (failures, listener.encoded, listener.loaded) == ([], 38, ["m"])
    assert list(plan.jobs[0].studies["fidelity"]) == COMPARED
    assert {(key[2], key[3]) for key in values(results)} == {(v, name) for v in COMPARED for name in FIDELITY_MEASURES}
    again, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert again.up_to_date
    assert verdict(again) == ("done", "up to date")
    assert (listener.encoded, listener.files, listener.loaded) == (0, [], [])


def test_every_querys_measures_are_kept(tiny_model, task, results):
    _, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    record = json.loads(listener.files[-1].read_text())
    assert listener.files[-1].parent == results / "fidelity" / "shop"
    assert record["settings"] == {"depth": 100, "rbo_p": 0.9, "sample": 1000}
    assert len(record["leading"]["norm"]) == len(record["leading"]["variance"]) == 32
    table = pq.read_table(listener.files[-1].with_name(record["items"])).to_pandas()
    means = ["overlap_at_10", "overlap_at_100", "rbo", "kendall_tau", "similarity_change", "similarity_absolute_change"]
    assert set(table.columns) == {"truncate_dim", "precision", "query_id", *means, "cluster"}
    assert len(table) == 3 * 8
    for scores in record["views"]:
        rows = table[(table["truncate_dim"] == scores["truncate_dim"]) & (table["precision"] == scores["precision"])]
        assert sorted(rows["query_id"]) == [f"q{i}" for i in range(8)]
        for name in means:
            told = scores["measures"][name]
            assert rows[name].mean() == pytest.approx(told["value"], abs=1e-6)
            assert told["ci_low"] <= told["value"] <= told["ci_high"]
        assert scores["measures"]["variance_kept"]["value"] == pytest.approx(
            record["leading"]["variance"][scores["truncate_dim"] - 1], abs=1e-6
        )


def test_pairs_keep_both_similarities(tiny_model, results, tmp_path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    _, failures, listener = run([cut_entry(tiny_model)], [pairs], results, **ON)
    assert failures == []
    record = json.loads(listener.files[-1].read_text())
    table = pq.read_table(listener.files[-1].with_name(record["items"])).to_pandas()
    assert set(table.columns) == {"truncate_dim", "precision", "pair_id", "similarity", "reference", "cluster"}
    for scores in record["views"]:
        rows = table[(table["truncate_dim"] == scores["truncate_dim"]) & (table["precision"] == scores["precision"])]
        told = scores["measures"]["similarity_correlation"]["value"]
        assert rows["similarity"].astype(float).corr(rows["reference"].astype(float)) == pytest.approx(told, abs=1e-6)


def test_another_dimension_is_compared_alone(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    plan, _, listener = run([cut_entry(tiny_model, dims=(32, 8, 4))], [task], results, **ON)
    assert {view.truncate_dim for view in plan.jobs[0].studies_todo["fidelity"]} == {4}
    record = json.loads(listener.files[-1].read_text())
    assert {scores["truncate_dim"] for scores in record["views"]} == {4}


def test_force_compares_again_with_the_same_values(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    before = values(results)
    plan, _, listener = run([cut_entry(tiny_model)], [task], results, force=True, **ON)
    assert verdict(plan) == ("to do", "--force")
    assert listener.encoded == 0
    assert values(results) == before


def test_an_edited_document_or_other_weights_make_it_stale(tiny_model, task, results, tmp_path):
    run([cut_entry(tiny_model)], [task], results, **ON)
    corpus = task / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace('"text": "', '"text": "brand new ', 1))
    plan, _, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert verdict(plan) == ("stale", "the task's data changed")
    other = make_model(tmp_path / "elsewhere" / "tiny", seed=1)
    plan, _, _ = run([cut_entry(other)], [task], results, **ON)
    assert verdict(plan) == ("stale", "the model changed")


def test_other_metrics_in_the_card_do_not_matter(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    (task / "task.yaml").write_text("name: shop\ntype: retrieval\nmain_metric: recall_at_5\n")
    plan, _, _ = plan_of([cut_entry(tiny_model)], [task], results, **ON)
    assert verdict(plan) == ("done", "up to date")


def test_what_was_compared_with_other_settings_is_to_do(tiny_model, task, results, monkeypatch):
    run([cut_entry(tiny_model)], [task], results, **ON)
    other = FidelitySettings(depth=100, rbo_p=0.9, sample=10)
    monkeypatch.setattr(records, "FIDELITY_SETTINGS", other)
    monkeypatch.setattr(fidelity_module, "FIDELITY_SETTINGS", other)
    plan, _, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert verdict(plan) == ("to do", "new")
    assert plan_of([cut_entry(tiny_model)], [task], results, **ON)[0].up_to_date


def test_baselines_full_width_random_weights_and_mtebs_tasks_have_none(tiny_model, task, results):
    bm25 = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
    plan, failures, _ = run([bm25, entry(tiny_model, precisions=["float32"])], [task], results, **ON)
    assert failures == []
    assert [job.study("fidelity") for job in plan.jobs] == [None, None]
    unit = plan.jobs[0].unit
    model = PlannedModel(entry(tiny_model), "f" * 32, width=32, views=tuple(VIEWS))
    assert STUDIES["fidelity"].parts(model, unit) == COMPARED
    assert STUDIES["fidelity"].parts(model, SimpleNamespace(info=SimpleNamespace(type="mteb"))) == []
    drawn = PlannedModel(entry(tiny_model, weights="random"), "f" * 32, width=32, views=tuple(VIEWS))
    assert STUDIES["fidelity"].parts(drawn, unit) == []


def test_what_goes_wrong_is_that_jobs_alone(tiny_model, task, results, tmp_path, monkeypatch):
    good = fidelity_module.score_fidelity

    def score(data, *rest):
        if len(data.documents) == 30:
            raise RuntimeError("out of luck")
        for view, scores in good(data, *rest):
            yield view, BenchError("cannot be compared") if view == View(8) else scores

    monkeypatch.setattr(fidelity_module, "score_fidelity", score)
    other = random_beir(tmp_path / "other", documents=31)
    _, failures, _ = run([cut_entry(tiny_model)], [task, other], results, **ON)
    assert {(failure.task, failure.error.message.split(" (")[0]) for failure in failures} == {
        ("shop, fidelity", "RuntimeError: out of luck"), ("other at 8 float32", "cannot be compared"),
    }  # fmt: skip
    assert {key[2] for key in values(results)} == {View(32, "binary"), View(8, "binary")}


@pytest.mark.parametrize("scored", [1, 2])
def test_a_run_that_is_stopped_loses_nothing_that_was_compared(tiny_model, task, results, monkeypatch, scored):
    run([cut_entry(tiny_model)], [task], results.with_name("calm"), **ON)
    good = fidelity_module.score_fidelity

    def stopped(*given):
        for number, found in enumerate(good(*given)):
            if number == scored:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(fidelity_module, "score_fidelity", stopped)
    # Every part is written at once, as slow ones are.
    monkeypatch.setattr(runner, "_WRITE_SECONDS", -1.0)
    with pytest.raises(KeyboardInterrupt):
        run([cut_entry(tiny_model)], [task], results, **ON)
    assert len({key[2] for key in values(results)}) == scored
    monkeypatch.setattr(fidelity_module, "score_fidelity", good)
    plan, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert len(plan.jobs[0].studies_todo["fidelity"]) == 3 - scored
    assert (failures, listener.encoded) == ([], 0)
    assert values(results) == values(results.with_name("calm"))
