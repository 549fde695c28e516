"""Controls as a part of runs: what is planned, done once, superseded, and kept when a run is stopped."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from running import entry, plan_of, run
from support import make_model, random_beir, write_pairs

from bench import runner
from bench.cache import cache_root
from bench.errors import BenchError
from bench.models.registry import ModelEntry
from bench.plan import PlannedModel
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.studies import STUDIES
from bench.studies import controls as controls_module
from bench.views import CONTROLS, Control, ControlledView, View

ON = {"studies": {"controls": True}}


def cut_entry(folder, name="m", dims=(32, 8, 4)):
    return entry(folder, name, truncate_dims=list(dims))


def verdicts(plan):
    return {(job.model.entry.name, job.unit.task): job.study("controls") for job in plan.jobs}


def values(results):
    """Every value by model, its fingerprint, cut and metric, of the newest records."""
    index = ResultIndex(ResultStore(results).records())
    return {
        (*key[:2], cut, name): value.value
        for key, cells in index.controls.items()
        for cut, cell in cells.items()
        for name, value in cell.record.controls[cell.position].metrics.items()
    }


@pytest.fixture
def task(tmp_path):
    return random_beir(tmp_path / "shop")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def with_card(task, keys):
    (task / "task.yaml").write_text(f"name: shop\ntype: retrieval\n{keys}")


@pytest.mark.parametrize(
    ("card", "options", "made"),
    [
        ("", {}, False),
        ("", {"controls": True}, True),
        ("studies: [controls]\n", {}, True),
        ("studies: [controls]\n", {"controls": False}, False),
    ],
)
def test_the_card_decides_unless_the_options_do(tiny_model, task, results, card, options, made):
    with_card(task, card)
    plan, _, _ = plan_of([cut_entry(tiny_model)], [task], results, studies=options)
    assert verdicts(plan) == {("m", "shop"): ("to do", "new") if made else None}


def test_controls_are_scored_once_from_the_stored_vectors(tiny_model, task, results):
    plan, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert (failures, listener.encoded, listener.loaded) == ([], 38, ["m"])
    assert list(plan.jobs[0].studies["controls"]) == [ControlledView(c, dim) for c in CONTROLS for dim in (8, 4)]
    found = values(results)
    assert {(key[2], key[3]) for key in found} == {
        (ControlledView(c, dim), "ndcg_at_10") for c in CONTROLS for dim in (8, 4)
    }
    again, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert again.up_to_date
    assert verdicts(again) == {("m", "shop"): ("done", "up to date")}
    assert (listener.encoded, listener.files, listener.loaded) == (0, [], [])


def test_scored_later_nothing_is_encoded_and_quality_is_left_alone(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results)
    plan, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert plan.jobs[0].todo == []
    assert (listener.encoded, listener.loaded) == (0, [])
    assert [path.relative_to(results).parts[0] for path in listener.files] == ["controls"]


def test_a_store_that_was_emptied_is_filled_again(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results)
    for path in (cache_root() / "vectors").rglob("*.arrow"):
        path.unlink()
    _, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert (failures, listener.encoded) == ([], 38)


def test_every_querys_score_is_kept_with_the_metrics_that_are_shown(tiny_model, task, results):
    with_card(task, "main_metric: recall_at_3\nshown: [mrr_at_10]\n")
    _, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    record = json.loads(listener.files[-1].read_text())
    table = pq.read_table(listener.files[-1].with_name(record["items"])).to_pandas()
    assert list(table.columns) == ["method", "draw", "truncate_dim", "query_id", "recall_at_3"]
    assert len(table) == 7 * 2 * 8
    for scores in record["controls"]:
        assert list(scores["metrics"]) == ["mrr_at_10", "recall_at_3"]
        rows = table[(table["method"] == scores["method"]) & (table["truncate_dim"] == scores["truncate_dim"])]
        if scores["draw"] is not None:
            rows = rows[rows["draw"] == scores["draw"]]
        main = scores["metrics"]["recall_at_3"]
        assert sorted(rows["query_id"]) == [f"q{i}" for i in range(8)]
        assert rows["recall_at_3"].mean() == pytest.approx(main["value"])
        assert main["ci_low"] <= main["value"] <= main["ci_high"]


def test_pairs_keep_what_their_correlation_is_of(tiny_model, results, tmp_path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    _, failures, listener = run([cut_entry(tiny_model)], [pairs], results, **ON)
    assert failures == []
    record = json.loads(listener.files[-1].read_text())
    table = pq.read_table(listener.files[-1].with_name(record["items"])).to_pandas()
    assert list(table.columns) == ["method", "draw", "truncate_dim", "pair_id", "cosine", "gold"]
    for scores in record["controls"]:
        rows = table[(table["method"] == scores["method"]) & (table["truncate_dim"] == scores["truncate_dim"])]
        if scores["draw"] is not None:
            rows = rows[rows["draw"] == scores["draw"]]
        main = scores["metrics"]["cosine_spearman"]["value"]
        assert rows["cosine"].corr(rows["gold"], method="spearman") == pytest.approx(main)


def test_another_dimension_is_scored_alone(tiny_model, task, results):
    run([cut_entry(tiny_model, dims=(32, 8))], [task], results, **ON)
    plan, _, listener = run([cut_entry(tiny_model, dims=(32, 8, 4))], [task], results, **ON)
    assert {cut.truncate_dim for cut in plan.jobs[0].studies_todo["controls"]} == {4}
    record = json.loads(listener.files[-1].read_text())
    assert {scores["truncate_dim"] for scores in record["controls"]} == {4}
    assert len(values(results)) == 7 * 2


def test_force_scores_them_again_with_the_same_values(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    before = values(results)
    plan, _, listener = run([cut_entry(tiny_model)], [task], results, force=True, **ON)
    assert verdicts(plan) == {("m", "shop"): ("to do", "--force")}
    assert listener.encoded == 0
    assert len(list((results / "controls").rglob("*.json"))) == 2
    assert values(results) == before


def test_an_edited_document_makes_controls_stale(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    corpus = task / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace('"text": "', '"text": "brand new ', 1))
    plan, _, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert verdicts(plan) == {("m", "shop"): ("stale", "the task's data changed")}
    assert plan_of([cut_entry(tiny_model)], [task], results, **ON)[0].up_to_date


def test_other_weights_make_controls_stale_where_there_were_some(tiny_model, task, results, tmp_path):
    names = ("m", "n")
    run([cut_entry(tiny_model, name) for name in names], [task], results)
    run([cut_entry(tiny_model, "m")], [task], results, **ON)
    other = make_model(tmp_path / "elsewhere" / "tiny", seed=1)
    plan, _, _ = run([cut_entry(other, name) for name in names], [task], results, **ON)
    assert verdicts(plan) == {("m", "shop"): ("stale", "the model changed"), ("n", "shop"): ("to do", "new")}
    of_m = {key[1]: value for key, value in values(results).items() if key[0] == "m" and key[2].control.method == "pca"}
    assert len(of_m) == 2


def test_other_metrics_in_the_card_are_scored_for_controls_too(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    with_card(task, "main_metric: recall_at_5\n")
    plan, _, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert verdicts(plan) == {("m", "shop"): ("stale", "the metrics to show changed")}
    assert {key[-1] for key in values(results)} == {"recall_at_5"}


def test_baselines_full_width_random_weights_and_mtebs_tasks_have_none(tiny_model, task, results):
    bm25 = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
    plan, failures, _ = run([bm25, entry(tiny_model)], [task], results, **ON)
    assert failures == []
    assert verdicts(plan) == {("bm25", "shop"): None, ("m", "shop"): None}
    unit = plan.jobs[0].unit
    views = (View(32), View(8), View(8, "int8"))
    model = PlannedModel(entry(tiny_model), "f" * 32, width=32, views=views)
    assert len(STUDIES["controls"].parts(model, unit)) == 7
    assert STUDIES["controls"].parts(model, SimpleNamespace(info=SimpleNamespace(type="mteb"))) == []
    drawn = PlannedModel(entry(tiny_model, weights="random"), "f" * 32, width=32, views=views)
    assert STUDIES["controls"].parts(drawn, unit) == []


def test_what_goes_wrong_is_that_jobs_alone(tiny_model, task, results, tmp_path, monkeypatch):
    good = controls_module.score_controls

    def score(data, *rest):
        if len(data.documents) == 30:
            raise RuntimeError("out of luck")
        for cut, scores in good(data, *rest):
            yield cut, BenchError("cannot be scored") if cut == ControlledView(Control("last"), 4) else scores

    monkeypatch.setattr(controls_module, "score_controls", score)
    other = random_beir(tmp_path / "other", documents=31)
    _, failures, _ = run([cut_entry(tiny_model)], [task, other], results, **ON)
    assert {(failure.task, failure.error.message.split(" (")[0]) for failure in failures} == {
        ("shop, controls", "RuntimeError: out of luck"), ("other at 4 last", "cannot be scored"),
    }  # fmt: skip
    index = ResultIndex(ResultStore(results).records())
    assert {key[2][0] for key in index.cells} == {"shop", "other"}
    assert len(values(results)) == 7 * 2 - 1
    monkeypatch.setattr(controls_module, "score_controls", good)
    _, failures, listener = run([cut_entry(tiny_model)], [task, other], results, **ON)
    assert (failures, listener.encoded) == ([], 0)
    assert len(list((results / "quality").rglob("*.json"))) == 2


def test_a_model_whose_scoring_failed_is_not_tried_again_for_its_controls(tiny_model, task, results):
    from safetensors.torch import load_file, save_file

    weights = load_file(tiny_model / "model.safetensors")
    # Its files are whole; only its vectors show that it is of no use.
    save_file({name: value * float("nan") for name, value in weights.items()}, tiny_model / "model.safetensors")
    _, failures, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert [failure.task for failure in failures] == ["shop"]


@pytest.mark.parametrize("scored", [1, 5, 13])
def test_a_run_that_is_stopped_loses_nothing_that_was_scored(tiny_model, task, results, monkeypatch, scored):
    run([cut_entry(tiny_model)], [task], results.with_name("calm"), **ON)
    good = controls_module.score_controls

    def stopped(*given):
        for number, found in enumerate(good(*given)):
            if number == scored:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(controls_module, "score_controls", stopped)
    # Every part is written at once, as slow ones are.
    monkeypatch.setattr(runner, "_WRITE_SECONDS", -1.0)
    with pytest.raises(KeyboardInterrupt):
        run([cut_entry(tiny_model)], [task], results, **ON)
    assert len(values(results)) == scored
    monkeypatch.setattr(controls_module, "score_controls", good)
    plan, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert len(plan.jobs[0].studies_todo["controls"]) == 14 - scored
    assert (failures, listener.encoded) == ([], 0)
    assert values(results) == values(results.with_name("calm"))
