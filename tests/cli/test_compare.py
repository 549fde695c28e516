from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support import ROOT, make_model, random_beir, write_pairs, write_scored

from bench.cli import run_cli
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore, read_items


def printed(capsys, *arguments, status=0):
    capsys.readouterr()
    assert run_cli(["compare", *arguments]) == status
    return capsys.readouterr().out


def as_json(capsys, *arguments, status=0):
    return json.loads(printed(capsys, *arguments, "--format", "json", status=status))


@pytest.fixture(scope="module")
def scored(tmp_path_factory, _tiny_model):
    """Two real models of random weights and BM25, scored on a retrieval and an sts task, and their cache."""
    folder, cache = tmp_path_factory.mktemp("scored"), tmp_path_factory.mktemp("cache-of-scored")
    shutil.copytree(_tiny_model, folder / "tiny")
    make_model(folder / "other", seed=1)
    random_beir(folder / "tasks" / "shop")
    (folder / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(folder / "tasks" / "talk" / "test.jsonl")
    (folder / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (folder / "models.yaml").write_text(
        "defaults:\n  truncate_dims: [32, 8]\n  precisions: [float32, int8]\n  prompts: {query: 'find: '}\n"
        "tasks: [shop, talk]\n"
        "models:\n"
        "  - {name: tiny, source: ./tiny}\n"
        "  - {name: org/other@8, source: ./other}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BENCH_CACHE", str(cache))
        assert run_cli(["run", "--no-cost"]) == 0
    return folder, cache


@pytest.fixture
def project(scored, tmp_path, monkeypatch):
    """A copy of `scored` that the test may change; its cache is only added to."""
    folder = Path(shutil.copytree(scored[0], tmp_path / "project"))
    monkeypatch.setenv("BENCH_CACHE", str(scored[1]))
    monkeypatch.chdir(folder)
    return folder


def test_two_models_with_texts_and_top_results(project, capsys):
    found = as_json(capsys, "tiny", "org/other@8", "--queries", "2")
    shop, talk = found["rows"]
    assert (shop["task"], shop["a"]["model"], shop["b"]["model"]) == ("shop", "tiny", "org/other@8")
    assert (shop["a"]["truncate_dim"], shop["n"]) == (32, 8)
    index = ResultIndex(ResultStore(Path("results")).records())
    values = {key[0]: ItemReader().read(cell).values for key, cell in index.cells.items()
              if key[2][0] == "shop" and (key[4] is None or str(key[4]) == "32 float32")}  # fmt: skip
    assert shop["p"] == pytest.approx(stats.ttest_rel(values["tiny"], values["org/other@8"]).pvalue)
    change = shop["changed"][0]
    lines = Path("tasks/shop/queries.jsonl").read_text().splitlines()
    queries = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    assert change["texts"] == [queries[change["id"]]]
    assert change["relevant_count"] == 3
    for side in ("top_a", "top_b"):
        scores = [document["score"] for document in change[side]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
    assert shop["not_shown"] == []
    # A query whose best document is relevant on one side scores there.
    assert any(document["label"] for item in shop["changed"] for side in ("top_a", "top_b") for document in item[side])
    pair = talk["changed"][0]
    assert len(pair["texts"]) == 2
    assert talk["won"] is None
    ((path, record),) = [
        (path, record)
        for path, record in ResultStore(Path("results")).records()
        if record.record == "quality" and (record.model.name, record.task.name) == ("tiny", "talk")
    ]
    rows = read_items(path, record).to_pylist()
    (seen,) = [row for row in rows if (row["pair_id"], row["truncate_dim"], row["precision"]) ==
               (pair["id"], 32, "float32")]  # fmt: skip
    assert (pair["similarity_a"], pair["gold"]) == (seen["cosine"], seen["gold"])


def test_top_results_are_those_that_the_scores_come_from(project, capsys):
    found = as_json(capsys, "bm25", "tiny@8/int8", "--queries", "8", "--metric", "hit_rate_at_3")
    (shop,) = found["rows"]
    assert shop["changed"]
    for item in shop["changed"]:
        for side, top in (("a", "top_a"), ("b", "top_b")):
            scores = [document["score"] for document in item[top]]
            hit = any(document["label"] for document in item[top])
            if len(scores) == len(set(scores)):
                assert hit == (item[side] > 0)


def test_no_text_is_encoded_and_what_is_missing_is_said_with_a_command(project, capsys, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("empty")))
    shop = as_json(capsys, "tiny", "org/other@8", "--task", "shop")["rows"][0]
    assert [item["top_a"] for item in shop["changed"]] == [None] * len(shop["changed"])
    assert shop["changed"][0]["texts"]
    assert "`bench run --no-cost --force --model org/other@8 --tasks shop`" in shop["not_shown"][1]
    text = printed(capsys, "tiny", "org/other@8", "--task", "shop")
    assert "the cache has no vectors of this model's content" in text
    command = re.search(r"`bench (run [^`]*--model tiny [^`]*)`", text)[1]
    assert run_cli(command.split()) == 0
    shop = as_json(capsys, "tiny", "org/other@8", "--task", "shop")["rows"][0]
    assert len(shop["changed"][0]["top_a"]) == 3
    assert len(shop["not_shown"]) == 1


def test_changed_or_missing_data_gives_no_texts_and_no_error(project, capsys):
    queries = Path("tasks/shop/queries.jsonl")
    queries.write_text(queries.read_text().replace(" ?", " !"))
    shop = as_json(capsys, "tiny", "bm25", "--task", "shop")["rows"][0]
    assert shop["difference"] is not None
    assert shop["changed"][0]["texts"] == []
    assert "its data here is not the data that was scored" in shop["not_shown"][0]
    shutil.rmtree("tasks/shop")
    shop = as_json(capsys, "tiny", "bm25", "--task", "shop")["rows"][0]
    assert "no task and no path `shop`" in shop["not_shown"][0]
    Path("models.yaml").write_text("broken: [")
    found = as_json(capsys, "tiny", "bm25", "--task", "shop")
    assert "the registry cannot be read" in found["notes"][-1]
    assert run_cli(["compare", "tiny", "bm25", "--models", "models.yaml"]) == 2


def test_a_revision_beside_the_work_tree(project, capsys):
    run = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "--quiet"], ["add", "results"], ["commit", "--quiet", "--message", "scored"]):
        subprocess.run([*run, *command], check=True, capture_output=True)
    text = printed(capsys, "git:HEAD", "results")
    assert "17 rows are the same result on both sides: nothing differs." in text
    make_model(project / "new", seed=2)
    shutil.rmtree("tiny")
    Path("new").rename("tiny")
    assert run_cli(["run", "--no-cost", "--model", "tiny"]) == 0
    found = as_json(capsys, "git:HEAD", "#tiny@8/int8", "--task", "shop", "--queries", "1")
    (row,) = found["rows"]
    assert (row["a"]["model"], row["a"]["truncate_dim"], row["a"]["precision"]) == ("tiny", 8, "int8")
    assert row["a"]["model_fingerprint"] != row["b"]["model_fingerprint"]
    # The vectors of the model as it was are still in the store.
    assert len(row["changed"][0]["top_a"]) == 3
    text = printed(capsys, "HEAD:results", "results", "--task", "shop")
    assert "A: HEAD:results" in text
    assert "the same result on both sides" in text


def test_a_damaged_results_folder_keeps_other_sources_from_nothing(project, capsys):
    shutil.copytree("results", "old")
    shutil.make_archive("packed", "gztar", ".", "old")
    Path("results/quality/shop/x.json").write_text("{")
    assert "17 rows are the same result" in printed(capsys, "old", "packed.tar.gz")
    for arguments in (["tiny", "old"], ["old", "#tiny"]):
        assert run_cli(["compare", *arguments]) == 1
        assert "x.json" in capsys.readouterr().err


def test_every_format_tells_the_same(project, capsys):
    row = as_json(capsys, "tiny", "bm25")["rows"][0]
    difference = f"{row['difference']:+.4f} [{row['ci_low']:+.4f}, {row['ci_high']:+.4f}]"
    counts = f"{row['won']}/{row['tied']}/{row['lost']}"
    for kind in ("table", "markdown"):
        text = printed(capsys, "tiny", "bm25", "--format", kind)
        assert difference in text
        assert counts in text
        assert "\x1b" not in text
    assert "only A has talk (test)" in text


def test_texts_cannot_move_the_terminal_or_break_markdown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for model, value in (("a\x1b[31m|b", 0.0), ("b", 1.0)):
        write_scored(tmp_path / "results", {(8, "float32"): {"q\x1b[2J|`": value, "r": 0.5}}, model=model,
                     fingerprint=model[0] * 32, task="<b>t|")  # fmt: skip
    for kind in ("table", "markdown"):
        text = printed(capsys, "a\x1b[31m|b", "b", "--format", kind)
        assert "\x1b" not in text
    assert "|`" not in text.replace("\\|\\`", "")
    assert "<b>" not in text.replace("\\<b\\>", "")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["tinny", "bm25"], 2, "did you mean `tiny`"),
        (["tiny", "bm25", "--task", "shopp"], 2, "did you mean `shop`"),
        (["tiny", "bm25", "--metric", "ndcg_at_11"], 2, "did you mean `ndcg_at_1"),
        (["tiny@8/int9", "bm25"], 2, "did you mean `int8`"),
        (["tiny", "nowhere:results"], 1, "git"),
        (["tiny", "models.yaml"], 1, "neither a folder nor"),
        (["tiny", "tasks"], 1, "no results in it"),
        (["tiny", "nowhere"], 2, "no model, results folder or archive"),
        (["tiny"], 2, "Missing argument"),
        (["tiny", "bm25", "--queries", "-1"], 2, "--queries"),
        (["tiny", "bm25", "--models", "nowhere.yaml"], 2, "no such file"),
    ],
)
def test_wrong_usage_has_a_hint(project, capsys, arguments, status, words, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    assert run_cli(["compare", *arguments]) == status
    assert words in " ".join(capsys.readouterr().err.split())


def test_nothing_comparable_is_status_1_with_its_reason(project, capsys):
    text = printed(capsys, "bm25", "tiny@16", status=1)
    assert "not comparable: B has no score at 16 float32" in text
    assert "No score is comparable." in text


def test_the_committed_results(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    asked = ["--task", "hardware_store", "--all-views", "--queries", "1"]
    found = as_json(capsys, "minilm-store", "minilm-store-mrl", *asked)
    rows = found["rows"]
    assert len(rows) == 16
    assert [row["verdict"] for row in rows if (row["a"]["truncate_dim"], row["a"]["precision"]) == (48, "float32")] == [
        "better"
    ]
    assert np.isfinite([row["p_holm"] for row in rows]).all()
    # Texts come from the shipped task, for the widest view.
    assert [len(row["changed"][0]["texts"]) for row in found["rows"] if row["not_shown"]] == [1]
