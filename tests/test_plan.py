from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from running import entry, plan_of, run, values
from support import cost_record, make_model, random_beir, rewrite_record, write_pairs

from bench.cost import effort
from bench.errors import BenchError, UsageError
from bench.measuring import CostOptions
from bench.models.registry import ModelEntry
from bench.report.rows import make_tables
from bench.results.index import ResultIndex
from bench.results.left_out import find_left_out
from bench.results.store import ResultStore
from bench.runner import execute
from bench.views import View


def statuses(plan):
    return {(job.model.entry.name, job.unit.task): {status for status, _ in job.cells.values()} for job in plan.jobs}


def data_of(index):
    return {unit: current.task.fingerprint for unit, current in index.current.items()}


def reasons(plan):
    return {why for job in plan.jobs for _, why in job.cells.values()}


@pytest.fixture
def task(tmp_path):
    return random_beir(tmp_path / "shop")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def test_cells_are_done_once(tiny_model, task, results):
    entries = [entry(tiny_model, truncate_dims=[32, 8], precisions=["float32", "binary"])]
    plan, failures, listener = run(entries, [task], results)
    assert statuses(plan) == {("m", "shop"): {"to do"}}
    assert list(plan.jobs[0].cells) == [View(32), View(32, "binary"), View(8), View(8, "binary")]
    assert (failures, listener.encoded) == ([], 38)
    again, _, listener = run(entries, [task], results)
    assert again.up_to_date
    assert (listener.encoded, listener.files, listener.loaded) == (0, [], [])


def test_another_view_is_scored_from_the_store(tiny_model, task, results):
    run([entry(tiny_model)], [task], results)
    plan, failures, listener = run([entry(tiny_model, truncate_dims=[32, 16])], [task], results)
    assert plan.jobs[0].todo == [View(16)]
    assert (failures, listener.encoded, listener.loaded) == ([], 0, [])


def test_other_metrics_in_the_card_are_shown_after_a_run_that_encodes_nothing(tiny_model, task, results):
    card = task / "task.yaml"
    card.write_text("name: shop\ntype: retrieval\n")
    run([entry(tiny_model), entry(tiny_model, name="other")], [task], results)
    card.write_text("name: shop\ntype: retrieval\nmain_metric: recall_at_5\nshown: [mrr_at_10]\n")
    plan, _, listener = run([entry(tiny_model)], [task], results)
    assert (reasons(plan), listener.encoded) == ({"the metrics to show changed"}, 0)
    [table] = make_tables(ResultIndex(ResultStore(results).records()))
    assert (table.metric, table.shown) == ("recall_at_5", ["mrr_at_10"])
    # The other model was not run again, and its row is of the same metric all the same.
    recall = {key[0]: value for key, value in values(results).items() if key[-1] == "recall_at_5"}
    assert {row.model: row.score.value for row in table.rows} == recall
    again, _, _ = run([entry(tiny_model)], [task], results)
    assert again.up_to_date


def test_another_margin_in_the_card_is_kept_after_a_run_that_encodes_nothing(tiny_model, task, results):
    card = task / "task.yaml"
    card.write_text("name: shop\ntype: retrieval\n")
    run([entry(tiny_model), entry(tiny_model, name="other")], [task], results)
    before = data_of(ResultIndex(ResultStore(results).records()))
    card.write_text("name: shop\ntype: retrieval\nmax_loss: 2%\n")
    plan, _, listener = run([entry(tiny_model)], [task], results)
    assert (reasons(plan), listener.encoded) == ({"the margin changed"}, 0)
    index = ResultIndex(ResultStore(results).records())
    assert data_of(index) == before
    [table] = make_tables(index)
    # The newest record's counts, for the other model too.
    assert str(table.losses.margin) == "2%"
    again, _, _ = run([entry(tiny_model)], [task], results)
    assert again.up_to_date


def test_an_edited_document_makes_cells_stale_and_encodes_one_text(tiny_model, task, results):
    run([entry(tiny_model)], [task], results)
    corpus = task / "corpus.jsonl"
    original = corpus.read_text()
    corpus.write_text(original.replace('"text": "', '"text": "brand new ', 1))
    plan, _, listener = run([entry(tiny_model)], [task], results)
    assert statuses(plan) == {("m", "shop"): {"stale"}}
    assert reasons(plan) == {"the task's data changed"}
    assert listener.encoded == 1
    # The old text back again: its results are there, but later ones hide them, so it is scored once more.
    corpus.write_text(original)
    plan, _, listener = run([entry(tiny_model)], [task], results)
    assert statuses(plan) == {("m", "shop"): {"stale"}}
    assert listener.encoded == 0
    assert plan_of([entry(tiny_model)], [task], results)[0].up_to_date


def test_other_weights_under_the_same_name_are_another_model(tiny_model, task, results, tmp_path):
    run([entry(tiny_model)], [task], results)
    before = values(results)
    other = make_model(tmp_path / "elsewhere" / "tiny", seed=1)
    plan, _, _ = run([entry(other)], [task], results)
    assert reasons(plan) == {"the model changed"}
    after = values(results)
    assert set(before) < set(after)
    assert before.items() <= after.items()
    changed = {key[1] for key in after} - {key[1] for key in before}
    assert len(changed) == 1
    main = [after[key] for key in after if key[-1] == "ndcg_at_100"]
    assert len(set(main)) == 2


def test_a_cost_of_other_weights_makes_no_score_stale(tiny_model, task, results):
    run([entry(tiny_model)], [task], results)
    store = ResultStore(results)
    [(_, scored)] = [found for found in store.records() if found[1].record == "quality"]
    cost = cost_record("m", [("encode_p50_ms", 1.0, None, None)], created=store.stamp(), fingerprint="e" * 32)
    store.write_cost(cost.model_copy(update={"task": scored.task}), {"milliseconds": []})
    assert plan_of([entry(tiny_model)], [task], results)[0].up_to_date


def test_the_command_that_is_named_brings_back_what_is_left_out(tiny_model, task, results):
    models = [entry(tiny_model), entry(tiny_model, name="other")]
    run(models, [task], results)
    corpus = task / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace('"text": "', '"text": "brand new ', 1))
    run(models[:1], [task], results)
    [lost] = find_left_out(ResultIndex(ResultStore(results).records()))
    assert (lost.model, lost.command) == ("other", "bench run --tasks shop --model other")
    run(models[1:], [task], results)
    assert find_left_out(ResultIndex(ResultStore(results).records())) == []


def test_prompts_and_lengths_are_part_of_the_identity(tiny_model, task, results):
    entries = [
        entry(tiny_model, "plain"),
        entry(tiny_model, "prompted", prompts={"query": "pipe "}),
        entry(tiny_model, "short", max_seq_length=4),
    ]
    plan, failures, listener = run(entries, [task], results)
    assert failures == []
    assert len({job.model.fingerprint for job in plan.jobs}) == 3
    # The prompted model shares the documents of the plain one: 38 texts, 8 queries again, 38 cut short.
    assert listener.encoded == 38 + 8 + 38


def test_too_many_dimensions_name_the_model_and_its_width(tiny_model, task, results):
    entries = [entry(tiny_model, "wide", truncate_dims=[64]), entry(tiny_model, "fits", truncate_dims=[16])]
    plan, failures, _ = run(entries, [task], results)
    (failure,) = failures
    assert isinstance(failure.error, UsageError)
    assert "64 dimensions, but the model has 32" in str(failure.error)
    assert "`wide`" in str(failure.error)
    assert {key[0] for key in values(results)} == {"fits"}
    assert not plan.only_wrong_usage


def test_a_broken_model_or_task_does_not_stop_the_others(tiny_model, task, results, tmp_path):
    broken_model = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    # Only loading shows that weights do not fit.
    config = json.loads((broken_model / "config.json").read_text())
    (broken_model / "config.json").write_text(json.dumps({**config, "intermediate_size": 8}))
    no_weights = Path(shutil.copytree(tiny_model, tmp_path / "empty"))
    (no_weights / "model.safetensors").unlink()
    broken_task = random_beir(tmp_path / "cracked")
    with (broken_task / "corpus.jsonl").open("a") as handle:
        handle.write("{broken\n")
    entries = [entry(broken_model, "broken"), entry(no_weights, "empty"), entry(tiny_model, "good")]
    plan, failures, _ = run(entries, [broken_task, task], results)
    assert {(failure.model, failure.task) for failure in failures} == {
        ("all models", "cracked"), ("empty", "all tasks"), ("broken", "shop"),
    }  # fmt: skip
    assert all(failure.error.message for failure in failures)
    assert {key[0] for key in values(results)} == {"good"}


def test_baselines_skip_pairs_with_a_note(task, results, tmp_path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    bm25 = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
    plan, failures, _ = run([bm25], [task, pairs], results)
    assert failures == []
    assert [job.unit.task for job in plan.jobs] == ["shop"]
    assert any("bm25" in note and "pairs" in note for note in plan.notes)


def test_force_does_it_again_without_encoding(tiny_model, task, results):
    run([entry(tiny_model)], [task], results)
    plan, _, listener = run([entry(tiny_model)], [task], results, force=True)
    assert reasons(plan) == {"--force"}
    assert listener.encoded == 0
    assert len(list((results / "quality").rglob("*.json"))) == 2


def test_records_name_files_inside_their_folder_whatever_the_names(tiny_model, results, tmp_path):
    task = random_beir(tmp_path / "data")
    (task / "task.yaml").write_text("name: ../../evil\ntype: retrieval\n")
    _, failures, listener = run([entry(tiny_model, "../../../m/../x")], [task], results)
    assert failures == []
    assert all(path.resolve().is_relative_to(results.resolve()) for path in listener.files)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "results", "tiny"}


def test_every_query_is_kept_and_its_mean_is_the_score(tiny_model, task, results):
    import pyarrow.parquet as pq

    _, _, listener = run([entry(tiny_model, truncate_dims=[32, 4])], [task], results)
    record = json.loads(listener.files[0].read_text())
    table = pq.read_table(listener.files[0].with_name(record["items"])).to_pandas()
    assert len(table) == 2 * 8
    for view in record["views"]:
        rows = table[table["truncate_dim"] == view["truncate_dim"]]
        assert sorted(rows["query_id"]) == [f"q{i}" for i in range(8)]
        for name, value in view["metrics"].items():
            assert rows[name].mean() == pytest.approx(value["value"])
            assert value["ci_low"] <= value["value"] <= value["ci_high"]


@pytest.mark.parametrize(("value", "words"), [(0.0, "same vector for every text"), (float("nan"), "NaN")])
def test_useless_vectors_are_refused(tiny_model, task, results, value, words):
    from safetensors.torch import load_file, save_file

    file = tiny_model / "model.safetensors"
    # Without weights but for one bias, every token and so every text gets the same vector.
    weights = {name: tensor * 0 + (value if "bias" in name else 0) for name, tensor in load_file(file).items()}
    weights["encoder.layer.1.output.LayerNorm.bias"][:] = value or 1.0
    save_file(weights, file, metadata={"format": "pt"})
    _, failures, listener = run([entry(tiny_model)], [task], results)
    assert [words in failure.error.message for failure in failures] == [True]
    assert listener.files == []


def test_damaged_vectors_are_encoded_again_with_the_same_scores(tiny_model, task, results):
    from bench.cache import cache_root

    run([entry(tiny_model)], [task], results)
    before = values(results)
    victim = next((cache_root() / "vectors").rglob("*.arrow"))
    victim.write_bytes(victim.read_bytes()[:-10] + b"0123456789")
    _, failures, listener = run([entry(tiny_model)], [task], results, force=True)
    assert failures == []
    assert listener.encoded == 38
    assert values(results) == before


def test_weights_that_change_while_bench_runs_are_never_kept_under_the_old_name(tiny_model, task, results, tmp_path):
    from bench.cache import cache_root

    other = make_model(tmp_path / "other", seed=1)
    plan, models, listener = plan_of([entry(tiny_model)], [task], results)
    (tiny_model / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    (failure,) = execute(plan, results, models, listener, CostOptions(effort.KEEP))
    assert "changed while bench was running" in failure.error.message
    assert list((cache_root() / "vectors").rglob("*.arrow")) == []


def test_a_clock_that_ran_ahead_does_not_keep_cells_stale(tiny_model, task, results):
    run([entry(tiny_model)], [task], results)
    (record,) = (results / "quality").rglob("*.json")
    rewrite_record(record, created="3" + json.loads(record.read_text())["created"][1:])
    corpus = task / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace('"text": "', '"text": "brand new ', 1))
    run([entry(tiny_model)], [task], results)
    assert plan_of([entry(tiny_model)], [task], results)[0].up_to_date


def test_a_view_that_cannot_be_scored_costs_the_others_nothing(tiny_model, task, results, monkeypatch):
    from bench.quality import score as scoring

    good = scoring.score_retrieval

    def score(*given, **named):
        for view, scores in good(*given, **named):
            yield view, BenchError("beyond the range of float16") if view.precision == "float16" else scores

    monkeypatch.setattr(scoring, "score_retrieval", score)
    _, failures, _ = run([entry(tiny_model, precisions=["float32", "float16", "int8"])], [task], results)
    assert [failure.task for failure in failures] == ["shop at 32 float16"]
    assert {key[3].precision for key in values(results)} == {"float32", "int8"}
