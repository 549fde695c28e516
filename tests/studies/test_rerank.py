"""Shortlists as a part of runs: what is planned, done once, superseded, and recorded."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from running import entry, plan_of, run
from support import make_model, random_beir, write_pairs

from bench.models.registry import ModelEntry
from bench.plan import PlannedModel
from bench.results.frame import load_results
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore
from bench.studies import STUDIES
from bench.views import Shortlist, View

ON = {"studies": {"rerank": True}}
# Of 30 documents: the longest shortlists hold all of them.
LENGTHS = (10, 20, 30)
VIEWS = [View(32, "binary"), View(8), View(8, "binary")]


def cut_entry(folder, name="m"):
    return entry(folder, name, truncate_dims=[32, 8], precisions=["float32", "binary"])


def verdicts(plan):
    return {(job.model.entry.name, job.unit.task): job.study("rerank") for job in plan.jobs}


def index_of(results):
    return ResultIndex(ResultStore(results).records())


def values(results):
    """Score and recall by model, its fingerprint and shortlist, of the newest records."""
    return {
        (*key[:2], shortlist): (cell.scores.metrics[cell.record.task.main_metric].value, cell.scores.recall.value)
        for key, cells in index_of(results).reranked.items()
        for shortlist, cell in cells.items()
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
        ("", {"rerank": True}, True),
        ("studies: [rerank]\n", {}, True),
        ("studies: [controls, rerank]\n", {"rerank": False}, False),
    ],
)
def test_the_card_decides_unless_the_options_do(tiny_model, task, results, card, options, made):
    (task / "task.yaml").write_text(f"name: shop\ntype: retrieval\n{card}")
    plan, _, _ = plan_of([cut_entry(tiny_model)], [task], results, studies=options)
    assert verdicts(plan) == {("m", "shop"): ("to do", "new") if made else None}


def test_shortlists_are_scored_once_from_the_stored_vectors(tiny_model, task, results):
    plan, failures, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert (failures, listener.encoded, listener.loaded) == ([], 38, ["m"])
    wanted = [Shortlist(view, length) for view in VIEWS for length in LENGTHS]
    assert sorted(plan.jobs[0].studies["rerank"]) == sorted(wanted)
    assert {key[2] for key in values(results)} == set(wanted)
    again, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    assert again.up_to_date
    assert verdicts(again) == {("m", "shop"): ("done", "up to date")}
    assert (listener.encoded, listener.files, listener.loaded) == (0, [], [])


def test_the_whole_corpus_ranked_again_is_the_full_width(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    index = index_of(results)
    [full] = [cell for key, cell in index.cells.items() if key[4] == View(32)]
    [cells] = index.reranked.values()
    expected = full.scores.metrics["ndcg_at_10"]
    for view in VIEWS:
        scores = cells[Shortlist(view, 30)].scores
        found = scores.metrics["ndcg_at_10"]
        assert (found.value, found.ci_low, found.ci_high) == pytest.approx(
            (expected.value, expected.ci_low, expected.ci_high), abs=1e-12
        )
        assert scores.recall.value == 1.0


def test_every_querys_score_is_kept(tiny_model, task, results):
    _, _, listener = run([cut_entry(tiny_model)], [task], results, **ON)
    record = json.loads(listener.files[-1].read_text())
    table = pq.read_table(listener.files[-1].with_name(record["items"])).to_pandas()
    assert list(table.columns) == [
        "truncate_dim", "precision", "shortlist", "query_id", "ndcg_at_10", "shortlist_recall", "cluster",
    ]  # fmt: skip
    assert {str(table[name].dtype) for name in ("ndcg_at_10", "shortlist_recall")} == {"float32"}
    assert len(table) == len(VIEWS) * len(LENGTHS) * 8
    for scores in record["shortlists"]:
        place = [scores[name] for name in ("truncate_dim", "precision", "shortlist")]
        rows = table[(table[["truncate_dim", "precision", "shortlist"]] == place).all(axis=1)]
        assert sorted(rows["query_id"]) == [f"q{i}" for i in range(8)]
        assert rows["ndcg_at_10"].mean() == pytest.approx(scores["metrics"]["ndcg_at_10"]["value"], abs=1e-6)
        assert rows["shortlist_recall"].mean() == pytest.approx(scores["recall"]["value"], abs=1e-6)
        assert scores["recall"]["ci_low"] <= scores["recall"]["value"] <= scores["recall"]["ci_high"]


def test_items_are_read_by_shortlist(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    [cells] = index_of(results).reranked.values()
    reader = ItemReader()
    for shortlist, cell in cells.items():
        items = reader.read(cell)
        assert items.ids == [f"q{i}" for i in range(8)]
        assert items.values.mean() == pytest.approx(cell.scores.metrics["ndcg_at_10"].value, abs=1e-6), shortlist


def test_the_frame_has_them_with_their_length(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    frame = load_results(results)
    rows = frame[frame["metric"] == "rerank_ndcg_at_10"]
    assert set(rows["detail"]) == {f"shortlist={length}" for length in LENGTHS}
    assert len(rows) == len(frame[frame["metric"] == "shortlist_recall"]) == len(VIEWS) * len(LENGTHS)


def test_other_lengths_are_scored_alone(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, shortlists=(5, 10), **ON)
    plan, _, listener = run([cut_entry(tiny_model)], [task], results, shortlists=(5, 7, 10, 900), **ON)
    assert {part.length for part in plan.jobs[0].studies_todo["rerank"]} == {7, 30}
    assert listener.encoded == 0
    assert {key[2].length for key in values(results)} == {5, 7, 10, 30}


def test_force_scores_them_again_with_the_same_values(tiny_model, task, results):
    run([cut_entry(tiny_model)], [task], results, **ON)
    before = values(results)
    plan, _, listener = run([cut_entry(tiny_model)], [task], results, force=True, **ON)
    assert verdicts(plan) == {("m", "shop"): ("to do", "--force")}
    assert listener.encoded == 0
    assert values(results) == before


def test_an_edited_document_and_other_weights_make_them_stale(tiny_model, task, results, tmp_path):
    run([cut_entry(tiny_model)], [task], results, **ON)
    corpus = task / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace('"text": "', '"text": "brand new ', 1))
    plan, _, _ = run([cut_entry(tiny_model)], [task], results, **ON)
    assert verdicts(plan) == {("m", "shop"): ("stale", "the task's data changed")}
    other = make_model(tmp_path / "elsewhere" / "tiny", seed=1)
    plan, _, _ = plan_of([cut_entry(other)], [task], results, **ON)
    assert verdicts(plan) == {("m", "shop"): ("stale", "the model changed")}


def test_what_searches_no_documents_or_has_no_vectors_has_none(tiny_model, task, results, tmp_path):
    bm25 = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    plan, failures, _ = run([bm25, cut_entry(tiny_model)], [task, pairs], results, **ON)
    assert failures == []
    assert verdicts(plan) == {("bm25", "shop"): None, ("m", "shop"): ("to do", "new"), ("m", "pairs"): None}
    unit = next(job.unit for job in plan.jobs if job.unit.task == "shop")
    parts = STUDIES["rerank"].parts
    settings = {"width": 32, "views": (View(32), View(8)), "shortlists": (10, 50)}
    model = PlannedModel(entry(tiny_model), "f" * 32, **settings)
    assert parts(model, unit) == [Shortlist(View(8), 10), Shortlist(View(8), 30)]
    assert parts(model, SimpleNamespace(info=SimpleNamespace(type="mteb", documents=None))) == []
    drawn = PlannedModel(entry(tiny_model, weights="random"), "f" * 32, **settings)
    assert parts(drawn, unit) == []
