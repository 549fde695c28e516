from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest
from support import random_beir, write_pairs

import bench
from bench.cli import run_cli
from bench.cost import effort, schedule
from bench.results.index import ResultIndex
from bench.results.store import ResultStore

ASK = ["cost", "--model", "tiny", "--tasks", "shop"]
SEARCH = [*ASK, "--probes", "search,rerank,storage"]


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a model and a task, as a user would have it."""
    random_beir(tmp_path / "tasks" / "shop", documents=150)
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\nmain_metric: mrr_at_10\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(
        "defaults:\n  truncate_dims: [8]\n  precisions: [int8]\n"
        "models:\n  - {name: tiny, source: ./tiny}\n  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures():
    return bench.load_results("results").set_index(["metric", "truncate_dim", "precision", "detail"])["value"]


def test_searching_has_all_its_figures(project, monkeypatch, capsys):
    monkeypatch.setattr(effort, "KEEP", dataclasses.replace(effort.KEEP, thorough=True))
    assert run_cli(SEARCH) == 0
    found = figures()
    assert (found[[name for name in found.index if "outliers" not in name[0]]] > 0).all()
    assert set(found.index.get_level_values("truncate_dim")) == {8}
    names = {(metric, detail) for metric, _, _, detail in found.index}
    for index in ("", "index=hnsw"):
        assert {
            (name, index) for name in ("search_p50_ms", "search_queries_per_s", "index_bytes", "memory_search_mib")
        } <= names
    assert {("hnsw_build_s", ""), ("hnsw_recall_at_10", ""), ("vectors_bytes", ""), ("bytes_per_vector", "")} <= names
    assert {("rerank_p50_ms", "shortlist=100"), ("rerank_mrr_at_10", "shortlist=100")} <= names
    assert ("index_bytes", "index=hnsw vectors=100000000") in names
    assert "was not measured" not in capsys.readouterr().out
    assert run_cli([*SEARCH, "--dry-run"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_a_quick_look_says_what_it_leaves_out(project, capsys):
    assert run_cli([*SEARCH, "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "HNSW, search in bulk, memory of search was not measured: left out of a quick look" in printed
    # An audit is about scores, of which it has none.
    assert "audited" not in printed
    assert "rerank_mrr_at_10" in printed


def test_a_run_on_the_tasks_corpus_is_none_on_a_synthetic_one(project, capsys):
    assert run_cli([*ASK, "--corpus-size", "1_000"]) == 0
    assert {detail for *_, detail in figures().index} == {"corpus=1000"}
    known = {
        ("--corpus-size", "1000"): "up to date",
        ("--corpus-size", "2000"): "cost: new",
        ("--corpus-size", "1000", "--truncate-dims", "4"): "cost: new",
        ("--probes", "search"): "cost: new",
    }
    capsys.readouterr()
    for asked, status in known.items():
        assert run_cli([*ASK, *asked, "--dry-run"]) == 0
        assert status in capsys.readouterr().out
    assert run_cli([*ASK, "--probes", "search"]) == 0
    capsys.readouterr()
    for asked in (("--corpus-size", "1000"), ("--probes", "search")):
        assert run_cli([*ASK, *asked, "--dry-run"]) == 0
        assert "up to date" in capsys.readouterr().out
    (cost,) = ResultIndex(ResultStore(Path("results")).records()).costs.values()
    assert cost.figures.keys() >= {
        ("index_bytes", 8, "int8", ()),
        ("index_bytes", 8, "int8", (("corpus", 1000),)),
    }


def test_a_synthetic_corpus_is_for_models_that_search(project, capsys):
    arguments = ["cost", "--model", "tiny,bm25", "--tasks", "shop,talk", "--corpus-size", "1000", "--dry-run"]
    assert run_cli(arguments) == 0
    printed = capsys.readouterr().out
    assert "bm25 on shop: no vectors to draw a synthetic corpus around" in printed
    assert "tiny on talk: no vectors to draw a synthetic corpus around" in printed


@pytest.mark.parametrize("size", ["many", "0", "999", "-5", "1e6", "10_000_000_000", "٣٠٠٠", ""])
def test_a_wrong_number_of_documents_is_wrong_usage(project, capsys, size):
    assert run_cli([*ASK, f"--corpus-size={size}"]) == 2
    assert "--corpus-size" in capsys.readouterr().err


def test_a_synthetic_corpus_is_for_search_alone(project, capsys):
    assert run_cli([*ASK, "--corpus-size", "1000", "--probes", "search,encode"]) == 2
    assert "only search has to do with it" in capsys.readouterr().err


def test_what_was_interrupted_leaves_no_files(project, tmp_path, monkeypatch):
    assert run_cli(["run", "--no-cost", "--model", "tiny", "--tasks", "shop"]) == 0
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    seen = []

    def interrupted(module, job, threads=None):
        folder = Path(job["workspace"])
        seen.extend(path.name for path in folder.iterdir())
        (folder / "8 int8.flat.index").write_bytes(bytes(10))
        raise KeyboardInterrupt

    monkeypatch.setattr(schedule, "run_probe", interrupted)
    assert run_cli(SEARCH) == 130
    assert "documents.keys" in seen
    assert list((tmp_path / "temporary").iterdir()) == []
