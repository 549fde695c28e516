import json

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from support import random_beir, write_pairs

from bench.cli import run_cli
from bench.tasks.pairs import read_pairs

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
