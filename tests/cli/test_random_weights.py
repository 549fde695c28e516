"""A model with random weights from the registry to the leaderboard: a cost, and no quality whatever is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError
from support import cost_record, random_beir, write_pairs

import bench
from bench.cli import run_cli
from bench.models.profile import ModelProfile, TextContext
from bench.report.pages import make_pages
from bench.report.rows import make_tables
from bench.results.index import ResultIndex
from bench.results.parsing import read_record
from bench.results.schema import CostRecord, QualityRecord
from bench.results.store import ResultStore
from bench.vectors.drawn import DrawnVectors

CONFIG = {
    "model_type": "bert", "vocab_size": 500, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 40,
}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A registry with one model that is only a configuration, and a task of each type."""
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "models.yaml").write_text(
        "tasks: [shop, talk]\nmodels:\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
        "  - {name: bare, source: ./bare, weights: random, truncate_dims: [16, 4], device: cpu}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_cost_there_is_nothing_to_do(project, capsys):
    assert run_cli(["run", "--no-cost", "--model", "bare"]) == 0
    assert "bare: random weights: cost only" in capsys.readouterr().out
    assert not list(project.glob("results/quality/*/bare*"))


@pytest.mark.usefixtures("warm_probes")
def test_its_costs_stand_in_the_tables_without_a_score(project, capsys):
    assert run_cli(["run"]) == 0
    printed = capsys.readouterr().out
    assert "encoded bare" not in printed
    rows = bench.load_results("results")
    bare = rows[rows["model"] == "bare"]
    assert {"encode_p50_ms", "encode_texts_per_s", "memory_load_mib", "search_p50_ms"} <= set(bare["metric"])
    assert {"rerank_p50_ms", "vectors_bytes"} <= set(bare["metric"])
    assert not bare["metric"].str.contains("ndcg|spearman").any()
    assert not list(project.glob("results/quality/*/bare*"))
    record = json.loads(next(project.glob("results/cost/shop/bare*.json")).read_text())
    wanted = {"weights": "random", "backend": "torch", "tokenizer": "stand-in", "width": 16}
    assert record["model"].items() >= wanted.items()
    tables = {table.unit[0]: table for table in make_tables(ResultIndex(ResultStore(project / "results").records()))}
    shop = tables["shop"]
    assert [row.model for row in shop.rows] == ["bm25", "bare", "bare"]
    assert [row.view.truncate_dim for row in shop.rows[1:]] == [16, 4]
    assert all((row.score, row.share, row.shown) == (None, None, {}) for row in shop.rows[1:])
    assert all(row.search_ms > 0 for row in shop.rows[1:])
    assert shop.best_score == shop.rows[0].score.value
    # The baseline ranks no pairs: nobody has a score on the second task.
    assert (tables["talk"].best_score, [row.model for row in tables["talk"].rows]) == (None, ["bare"])
    pages = make_pages(project / "results")
    assert "bare: random weights: cost only" in pages["tasks/shop.md"]
    assert "bare" not in pages["leaderboard.md"]
    assert run_cli(["run"]) == 0
    assert "measuring" not in capsys.readouterr().out


def test_a_quality_record_of_it_is_refused(project):
    assert run_cli(["run", "--no-cost", "--tasks", "shop", "--model", "bm25"]) == 0
    record, _ = read_record(next(project.glob("results/quality/shop/*.json")))
    data = record.model_dump(mode="json")
    QualityRecord.model_validate(data)
    with pytest.raises(ValidationError, match="random weights has no quality"):
        QualityRecord.model_validate({**data, "model": {**data["model"], "weights": "random"}})


def test_a_score_among_its_costs_is_refused():
    found = cost_record(figures=[("rerank_ndcg_at_10", 0.5, 4, "float32")]).model_dump()
    CostRecord.model_validate(found)
    with pytest.raises(ValidationError, match="random weights has no rerank_ndcg_at_10"):
        CostRecord.model_validate({**found, "model": {**found["model"], "weights": "random"}})


def test_there_is_no_model_to_export(project, capsys):
    assert run_cli(["export", "model", "bare", "out"]) == 2
    assert "its weights are random" in " ".join(capsys.readouterr().err.split())


def test_what_was_built_is_listed_and_deleted(project, capsys):
    from bench.models.built import built_bytes
    from bench.models.ready import ready_folder
    from bench.models.registry_file import load_registry
    from bench.models.source import locate

    entry = load_registry(project / "models.yaml").models[1]
    ready_folder(entry, locate(entry, download=False))
    assert built_bytes() > 4 * 500 * 16
    assert run_cli(["cache"]) == 0
    assert "MB of exports and random weights" in capsys.readouterr().out
    assert run_cli(["cache", "clear", "--built"]) == 0
    assert built_bytes() == 0


def test_drawn_vectors_follow_from_the_text():
    profile = ModelProfile(
        width=64, similarity="cosine", prompts={}, default_prompt=None, role_matters=False,
        pooling="mean", padding_side="right", parameters=1, weight_bytes=4,
        max_seq_length=None,
    )  # fmt: skip
    encoder = DrawnVectors(profile, "bare")
    texts = ["red", "blue", "red", "\ud800"]
    vectors = encoder.embed(texts, TextContext())
    assert (vectors.shape, vectors.dtype) == ((4, 64), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    # Directions drawn alone are nearly orthogonal: five standard deviations of a cosine in 64 dimensions.
    assert abs(vectors[0] @ vectors[1]) < 5 / np.sqrt(64)
    assert not np.array_equal(vectors[0], encoder.embed(["red"], TextContext(prompt="q: "))[0])
