from __future__ import annotations

import json

import pytest
from support import random_beir, write_pairs

import bench
from bench.cli import run_cli


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a registry and two tasks, of which one asks for controls."""
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\nstudies: [controls]\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(
        "defaults: {truncate_dims: [32, 8], precisions: [float32, binary]}\n"
        "models:\n"
        "  - {name: tiny, source: ./tiny}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def controls():
    frame = bench.load_results("results")
    return frame[frame["control"] != ""]


def test_a_run_makes_the_studies_that_cards_name(project, capsys):
    assert run_cli(["run", "--no-cost", "--dry-run"]) == 0
    heading, tiny_shop, tiny_talk, bm25 = capsys.readouterr().out.splitlines()[1:5]
    assert "controls" in heading
    assert "controls: new" not in tiny_talk
    assert [line.split()[7] for line in (tiny_shop, tiny_talk, bm25)] == ["to", "-", "-"]
    assert run_cli(["run", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "scored tiny on shop: 7 controls" in printed
    assert "results/controls/shop/tiny" in printed
    assert set(controls()["task"]) == {"shop"}
    assert run_cli(["run", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_options_overrule_cards(project):
    assert run_cli(["run", "--no-cost", "--no-controls"]) == 0
    assert len(controls()) == 0
    assert run_cli(["run", "--no-cost", "--controls", "--model", "tiny", "--truncate-dims", "32,16,4"]) == 0
    found = controls()
    assert set(found["task"]) == {"shop", "talk"}
    assert set(found["truncate_dim"]) == {16, 4}
    assert set(found["control"]) == {"pca", "last", *(f"random-{draw}" for draw in range(1, 6))}


def test_results_show_them(project, capsys):
    assert run_cli(["run", "--no-cost", "--model", "tiny", "--tasks", "shop"]) == 0
    capsys.readouterr()
    assert run_cli(["results", "--metric", "ndcg_at_10", "--truncate-dim", "8", "--precision", "float32"]) == 0
    table = capsys.readouterr().out
    assert "control" in table.splitlines()[0]
    assert "random-5" in table
    assert run_cli(["results", "--metric", "ndcg_at_10", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len([row for row in rows if row["control"] == ""]) == 4
    assert len([row for row in rows if row["control"]]) == 7


def test_a_task_that_mteb_scores_cannot_ask_for_them(project, capsys):
    card = "name: banking\ntype: mteb\nmteb: Banking77Classification\nmain_metric: accuracy\nstudies: [controls]\n"
    (project / "tasks" / "banking.yaml").write_text(card)
    assert run_cli(["run", "--no-cost", "--tasks", "banking"]) == 2
    assert "has no `studies`" in " ".join(capsys.readouterr().err.split())
