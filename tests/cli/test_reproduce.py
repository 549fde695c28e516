import json

import numpy as np
import pytest
from mteb_scores import mteb_scores
from scipy.stats import pearsonr, spearmanr
from support import make_older, random_beir, write_pairs

from bench.cli import run_cli
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.quality.ranker import score_all
from bench.tasks.beir import read_beir
from bench.tasks.pairs import read_pairs
from bench.vectors.quantise import Quantiser
from bench.views import View

COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a model, a task, and what is published of them, worked out by scipy."""
    pairs = write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl", count=30)
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(
        "defaults:\n  truncate_dims: [8]\n  precisions: [int8]\n"
        "tasks: [talk]\n"
        "models:\n"
        "  - {name: tiny, source: [./tiny, 'hub:owner/tiny']}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    publish(tmp_path / "published", truth(pairs, tiny_model))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def truth(pairs, model):
    from sentence_transformers import SentenceTransformer

    data = read_pairs(pairs)
    encoder = SentenceTransformer(str(model), device="cpu")
    first, second = encoder.encode(data.sentences1), encoder.encode(data.sentences2)
    cosine = (first * second).sum(axis=1)
    manhattan = -np.abs(first - second).sum(axis=1)
    found = {
        "cosine_spearman": spearmanr(cosine, data.gold).statistic,
        "cosine_pearson": pearsonr(cosine, data.gold).statistic,
        "manhattan_spearman": spearmanr(manhattan, data.gold).statistic,
    }
    return {name: float(value) for name, value in found.items()}


def publish(folder, metrics, *, model="owner/tiny", task="Talk", subset="default"):
    folder.mkdir(parents=True, exist_ok=True)
    scores = {**metrics, "main_score": metrics["cosine_spearman"], "hf_subset": subset, "languages": ["eng-Latn"]}
    legacy = {"pearson": [metrics["cosine_pearson"], 0.01], "nauc_talk_max": 0.5}
    content = {"task_name": task, "dataset_revision": "abc", "mteb_version": "1.12.75"}
    (folder / f"{task}.json").write_text(json.dumps(content | {"scores": {"test": [scores | legacy]}}))
    if model:
        (folder / "model_meta.json").write_text(json.dumps({"name": model, "revision": COMMIT}))


def change(folder, name, by, task="Talk"):
    content = json.loads((folder / f"{task}.json").read_text())
    content["scores"]["test"][0][name] += by
    (folder / f"{task}.json").write_text(json.dumps(content))


def test_all_the_same(project, capsys):
    assert run_cli(["reproduce", "--published", "published"]) == 0
    printed = capsys.readouterr().out
    assert "tiny beside the published owner/tiny" in printed
    assert "all 5 values are within 0.0002" in printed
    assert "not compared: Talk (test): bench does not compute it: 1 value, nauc_*" in printed
    assert "published for data revision abc" in printed
    # What was scored is in the results, and not scored again: the whole vectors, not the registry's views.
    (record,) = (project / "results" / "quality" / "talk").glob("*.json")
    assert [view["truncate_dim"] for view in json.loads(record.read_text())["views"]] == [32]
    assert run_cli(["reproduce", "--published", "published/Talk.json"]) == 0
    assert "up to date" in capsys.readouterr().err
    assert len(list((project / "results" / "quality" / "talk").glob("*.json"))) == 1


def test_a_difference_is_shown_and_fails(project, capsys):
    change(project / "published", "manhattan_spearman", 0.001)
    assert run_cli(["reproduce", "--published", "published"]) == 1
    printed = capsys.readouterr().out
    assert "1 of 5 values differ by more than 0.0002" in printed
    (line,) = [line for line in printed.splitlines() if line.endswith(" !")]
    assert "manhattan_spearman" in line
    assert "-0.001000" in line
    assert run_cli(["reproduce", "--published", "published", "--tolerance", "0.002", "--all"]) == 0
    printed = capsys.readouterr().out
    assert " !\n" not in printed
    assert printed.index("manhattan_spearman  ") < printed.index("cosine_pearson  ")


def test_as_json(project, capsys):
    change(project / "published", "cosine_pearson", -0.5)
    assert run_cli(["reproduce", "--published", "published", "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["published_model"] == "owner/tiny"
    worst = found["rows"][0]
    assert (worst["metric"], worst["beyond"]) == ("cosine_pearson", True)
    assert worst["difference"] == pytest.approx(0.5, abs=1e-5)
    assert found["not_compared"][0]["metrics"] == ["nauc_talk_max"]


def test_a_results_repository_with_other_models(project, capsys):
    (project / "published").rename(project / "old")
    publish(project / "all" / "owner__tiny" / COMMIT, {"cosine_spearman": 9.0, "cosine_pearson": 9.0}, model=None)
    publish(project / "all" / "owner__huge" / COMMIT, {"cosine_spearman": 9.0, "cosine_pearson": 9.0}, model=None)
    assert run_cli(["reproduce", "--published", "all"]) == 1
    printed = capsys.readouterr().out
    assert "4 of 4 values differ" in printed
    assert "huge" not in printed


def test_what_is_not_here_is_named_and_is_no_success(project, capsys):
    publish(project / "other", {"cosine_spearman": 0.5, "cosine_pearson": 0.5}, task="Elsewhere")
    assert run_cli(["reproduce", "--published", "other"]) == 1
    printed = capsys.readouterr().out
    assert "not compared: Elsewhere (test): no task here is this one" in printed
    assert "nothing could be compared" in printed
    assert not (project / "results").exists()


def test_a_model_that_fails_is_no_success(project, capsys):
    (project / "models.yaml").write_text("models: [{name: tiny, source: ./nowhere}]\n")
    assert run_cli(["reproduce", "--published", "published"]) == 1
    caught = capsys.readouterr()
    assert "no folder" in caught.err
    assert "it could not be scored" in caught.out


def test_the_model_and_the_tasks_can_be_named(project, tmp_path, capsys):
    publish(project / "published", {"cosine_spearman": 0.5, "cosine_pearson": 0.5}, model="any/body", task="Other")
    arguments = ["reproduce", "--published", "published", "--model", "./tiny", "--tasks", "talk"]
    assert run_cli(arguments) == 0
    printed = capsys.readouterr().out
    assert "./tiny beside the published any/body" in printed
    assert "Other" not in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--published", "nowhere"], "no file or folder nowhere"),
        (["--published", "published", "--model", "tinny"], "did you mean `tiny`"),
        (["--published", "published", "--tasks", "shop"], "no result is published of the task `shop`"),
        (["--published", "published", "--tolerance", "nan"], "--tolerance"),
        (["--published", "published", "--tolerance", "-1"], "greater than or equal to 0"),
        (["--published", "stranger"], "no model of the registry is the published one: some/stranger"),
        (["--published", "unnamed"], "unnamed, in"),
        (["--published", "two", "--model", "./tiny"], "which of the published models is it: a/a, b/b"),
        (["--published", "twice"], "Talk is published twice"),
        ([], "--published"),
    ],
)
def test_wrong_usage(project, capsys, arguments, words):
    random_beir(project / "tasks" / "shop")
    (project / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    scores = {"cosine_spearman": 0.5, "cosine_pearson": 0.5}
    publish(project / "stranger", scores, model="some/stranger")
    publish(project / "unnamed", scores, model=None)
    publish(project / "two" / "a", scores, model="a/a")
    publish(project / "two" / "b", scores, model="b/b")
    publish(project / "twice" / "first", scores)
    publish(project / "twice" / "second", scores)
    assert run_cli(["reproduce", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (project / "results").exists()


def test_two_entries_that_can_be_the_model(project, capsys):
    with (project / "models.yaml").open("a") as file:
        file.write("  - {name: twin, source: 'hub:owner/tiny'}\n")
    assert run_cli(["reproduce", "--published", "published"]) == 2
    assert "tiny, twin" in capsys.readouterr().err


def test_a_file_of_an_old_format(project, capsys):
    (project / "published" / "Talk.json").write_text('{"mteb_version": "1.0.2", "test": {"cos_sim": {}}}')
    assert run_cli(["reproduce", "--published", "published"]) == 1
    assert "too old a format" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_does_not_stop_the_others(project, capsys):
    (project / "published" / "Broken.json").write_text("{")
    assert run_cli(["reproduce", "--published", "published"]) == 1
    printed = capsys.readouterr()
    assert "all 5 values are within 0.0002" in printed.out
    assert "Broken.json" in printed.err
    assert "not JSON" in printed.err


def test_the_tables_fit_a_terminal(project, capsys):
    change(project / "published", "manhattan_spearman", 0.001)
    assert run_cli(["reproduce", "--published", "published", "--all"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if line.startswith("Talk ")) <= 80


def publish_rankings(project, model, *, version="2.26.24"):
    """A task in which every text is under three ids, and what mteb itself gives for the model's vectors."""
    folder = random_beir(project / "tasks" / "twins", documents=20)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    copies = [row | {"_id": f"{prefix}{row['_id']}"} for row in rows for prefix in ("", "a", "z")]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in copies))
    (folder / "task.yaml").write_text("name: twins\ntype: retrieval\n")
    data = read_beir(folder, "test")
    encoder = load_encoder(ModelEntry(name="tiny", source=[str(model)]), Located(model, str(model), "folder"))
    queries, documents = (
        Quantiser(View(32), "cosine").comparable(np.stack([encoder.embed([text], TextContext())[0] for text in texts]))
        for texts in (data.queries, data.documents)
    )
    labels = {name: {} for name in data.query_ids}
    for query, document, gain in zip(data.pair_queries, data.pair_documents, data.pair_gains, strict=True):
        labels[data.query_ids[query]][data.document_ids[document]] = int(gain)
    found = mteb_scores(score_all(queries, documents), data.document_ids, data.query_ids, labels)
    found = {name: None if np.isnan(value) else float(value) for name, value in found.items()}
    scores = {**found, "main_score": found["ndcg_at_10"], "hf_subset": "default", "languages": ["eng-Latn"]}
    content = {"task_name": "twins", "dataset_revision": "abc", "mteb_version": version, "scores": {"test": [scores]}}
    (project / "twins").mkdir()
    (project / "twins" / "twins.json").write_text(json.dumps(content))


def test_rankings_with_ties_come_out_as_mteb_ranks_them(project, tiny_model, capsys):
    publish_rankings(project, tiny_model)
    arguments = ["reproduce", "--published", "twins", "--model", "tiny", "--tolerance", "0.00005"]
    assert run_cli(arguments) == 0
    printed = capsys.readouterr().out
    # 42 metrics and nAUC of 35 of them by 3 confidences, accuracy and main_score, but for what is not defined.
    assert "values are within 5e-05" in printed
    assert int(printed.split("\nall ")[1].split()[0]) > 100
    (path,) = (project / "results" / "quality" / "twins").glob("*.json")
    record = json.loads(path.read_text())
    (view,) = record["views"]
    assert abs(view["mteb"]["ndcg_at_10"] - view["metrics"]["ndcg_at_10"]["value"]) > 0.001

    # A record that does not know MTEB's order is made again.
    del view["mteb"]
    make_older(path, 2, views=record["views"], inputs=None)
    assert run_cli(arguments) == 0
    assert len(list((project / "results" / "quality" / "twins").glob("*.json"))) == 2


def test_an_old_mteb_ranked_tied_documents_for_mrr_otherwise(project, tiny_model, capsys):
    publish_rankings(project, tiny_model, version="2.18.18")
    content = json.loads((project / "twins" / "twins.json").read_text())
    content["scores"]["test"][0]["mrr_at_10"] += 0.01
    (project / "twins" / "twins.json").write_text(json.dumps(content))
    assert run_cli(["reproduce", "--published", "twins", "--model", "tiny"]) == 1
    assert "note: twins: published by mteb 2.18.18, which ranked tied documents for MRR" in capsys.readouterr().out
