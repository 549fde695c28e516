from __future__ import annotations

import json

import numpy as np
import pytest
from huggingface_hub import ModelCard
from sentence_transformers import SentenceTransformer
from support import random_beir, write_pairs

import bench
from bench.cache import cache_root
from bench.cli import run_cli
from bench.models.profile import TextContext
from bench.vectors.store import VectorSpace, store_root, text_keys

pytestmark = pytest.mark.usefixtures("one_thread")

REGISTRY = """
defaults: {truncate_dims: [32, 8], precisions: [float32, int8]}
tasks: [shop, talk]
models:
  - name: tiny
    source: ./tiny
    max_seq_length: 7
    prompts: {query: "red : ", document: "blue : ", text: "nail : "}
  - name: tuned
    kind: fine-tuned
    recipe: {base: tiny, data: {task: shop, split: train}, batch_size: 8, allow_leakage: false}
    prompts: {query: "saw : "}
  - {name: bm25, kind: baseline, source: bm25s}
  - {name: gone, source: ./gone}
"""


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    shop = random_beir(tmp_path / "tasks" / "shop", queries=12)
    lines = (shop / "qrels" / "test.tsv").read_text().splitlines()
    for split, rows in (("train", lines[1:25]), ("test", lines[25:])):
        (shop / "qrels" / f"{split}.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
    (shop / "task.yaml").write_text("name: shop\ntype: retrieval\nshown: [mrr_at_10]\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(REGISTRY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(texts, prompt):
    """The vectors that bench computed and scored."""
    [folder] = [path for path in store_root(cache_root()).iterdir() if path.is_dir()]
    space = VectorSpace(folder.parent, folder.name)
    space.refresh()
    return space.vectors(text_keys(texts, TextContext(prompt=prompt))).all()


def jsonl(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def texts_of(project):
    corpus = [row["text"] for row in jsonl(project / "tasks" / "shop" / "corpus.jsonl")]
    judged = {line.split("\t")[0] for line in (project / "tasks/shop/qrels/test.tsv").read_text().splitlines()[1:]}
    queries = [row["text"] for row in jsonl(project / "tasks/shop/queries.jsonl") if row["_id"] in judged]
    pairs = [row["sentence1"] for row in jsonl(project / "tasks" / "talk" / "test.jsonl")]
    return {"query": queries, "document": corpus, "text": pairs}


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("tiny", {"query": "red : ", "document": "blue : ", "text": "nail : "}),
        ("tuned", {"query": "saw : ", "document": "", "text": ""}),
    ],
)
def test_an_exported_model_encodes_as_it_was_measured(project, capsys, name, prompts):
    assert run_cli(["run", "--model", name, "--no-cost"]) == 0
    capsys.readouterr()
    assert run_cli(["export", "model", name, "out"]) == 0
    printed = capsys.readouterr().out
    frame = bench.load_results("results")
    assert f"wrote {name} to out, fingerprint {frame['model_fingerprint'].iloc[0]}" in printed
    assert "its card shows 8 results" in printed
    model = SentenceTransformer("out", device="cpu")
    cut = SentenceTransformer("out", device="cpu", truncate_dim=8)
    encoders = {"query": "encode_query", "document": "encode_document", "text": "encode"}
    for role, texts in texts_of(project).items():
        expected = stored(texts, prompts[role])
        np.testing.assert_allclose(getattr(model, encoders[role])(texts), expected, atol=1e-6, err_msg=role)
        fewer = expected[:, :8] / np.linalg.norm(expected[:, :8], axis=1, keepdims=True)
        found = getattr(cut, encoders[role])(texts, normalize_embeddings=True)
        np.testing.assert_allclose(found, fewer, atol=1e-6, err_msg=role)
    # The card's numbers are those of the results.
    main = frame[frame["metric"].isin(["ndcg_at_10", "mrr_at_10"]) & (frame["task"] == "shop")]
    main = [*main.itertuples(), *frame[(frame["metric"] == "cosine_spearman")].itertuples()]
    card = ModelCard.load("out/README.md")
    assert sorted((r.dataset_name, r.metric_name, r.metric_value) for r in card.data.eval_results) == sorted(
        (row.task, f"{row.metric}, {row.truncate_dim} dims, {row.precision}", round(row.value, 6)) for row in main
    )


def test_a_made_model_tells_how_it_was_made_and_that_leakage_was_allowed(project, capsys):
    (project / "models.yaml").write_text(REGISTRY.replace("leakage: false", "leakage: true"))
    assert run_cli(["train", "tuned"]) == 0
    assert run_cli(["export", "model", "tuned", "out"]) == 0
    assert "results has no current results of it; make some: bench run --model tuned" in capsys.readouterr().out
    card = ModelCard.load("out/README.md")
    assert "- data: shop (train), 24 rows (pairs), loss MultipleNegativesRanking" in card.text
    assert "its recipe allows leakage" in card.text
    assert "There are none yet." in card.text
    assert card.data.eval_results is None
    [record] = [json.loads(path.read_text()) for path in cache_root().glob("models/*/recipe.json")]
    assert record["identity"] in card.text


def test_results_of_what_the_model_was_before_are_left_out(project, capsys):
    assert run_cli(["run", "--model", "tiny", "--no-cost"]) == 0
    (project / "models.yaml").write_text(REGISTRY.replace("red : ", "hose : "))
    capsys.readouterr()
    assert run_cli(["export", "model", "tiny", "out"]) == 0
    assert "no current results of it" in capsys.readouterr().out
    assert ModelCard.load("out/README.md").data.eval_results is None


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["bm25", "out"], 2, ["`bm25` is a baseline"]),
        (["tinny", "out"], 2, ["did you mean `tiny`?"]),
        (["tuned", "out"], 1, ["has not been trained yet", "bench train tuned"]),
        (["gone", "out"], 1, ["no folder"]),
        (["tiny", "tasks"], 2, ["the folder is not empty", "not there yet"]),
        (["tiny", "models.yaml"], 2, ["there is a file of this name"]),
        (["tiny", "models.yaml/out"], 1, ["cannot write"]),
        (["tiny", "out", "--models", "none.yaml"], 2, ["no such file"]),
        (["tiny"], 2, ["DIR"]),
    ],
)
def test_what_cannot_be_exported(project, capsys, arguments, status, words):
    before = sorted(path.name for path in project.iterdir())
    assert run_cli(["export", "model", *arguments]) == status
    printed = capsys.readouterr().err
    for word in words:
        assert word in printed
    assert sorted(path.name for path in project.iterdir()) == before


def test_a_broken_record_says_how_to_make_the_model_anew(project, capsys):
    assert run_cli(["train", "tuned"]) == 0
    [record] = cache_root().glob("models/*/recipe.json")
    record.write_text("{")
    assert run_cli(["cache"]) == 0
    assert run_cli(["export", "model", "tuned", "out"]) == 1
    assert f"bench cache clear --model {record.parent.name[:12]}" in capsys.readouterr().err
    assert not (project / "out").exists()
    assert run_cli(["cache", "clear", "--model", record.parent.name[:12]]) == 0
    assert run_cli(["export", "model", "tuned", "out"]) == 1
    assert "bench train tuned" in capsys.readouterr().err
