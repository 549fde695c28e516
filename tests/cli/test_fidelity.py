from __future__ import annotations

import json

import pytest
from support import random_beir, write_pairs

import bench
from bench.cli import run_cli
from bench.metrics import FIDELITY_MEASURES


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a registry and two tasks, of which one asks for fidelity."""
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\nstudies: [fidelity]\n")
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


def told():
    frame = bench.load_results("results")
    return frame[frame["metric"].isin(FIDELITY_MEASURES)]


def test_a_run_makes_it_where_the_card_says_so(project, capsys):
    assert run_cli(["run", "--no-cost", "--dry-run"]) == 0
    heading, tiny_shop, tiny_talk, bm25 = capsys.readouterr().out.splitlines()[1:5]
    assert "fidelity" in heading
    assert "fidelity: new" not in tiny_talk
    assert [line.split()[7] for line in (tiny_shop, tiny_talk, bm25)] == ["to", "-", "-"]
    assert run_cli(["run", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "scored tiny on shop: 3 comparisons" in printed
    assert "results/fidelity/shop/tiny" in printed
    assert set(told()["task"]) == {"shop"}
    assert run_cli(["run", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_options_overrule_cards(project):
    assert run_cli(["run", "--no-cost", "--no-fidelity"]) == 0
    assert len(told()) == 0
    assert run_cli(["run", "--no-cost", "--fidelity", "--model", "tiny", "--truncate-dims", "16,4"]) == 0
    found = told()
    assert set(found["task"]) == {"shop", "talk"}
    assert set(found["truncate_dim"]) == {16, 4}
    assert set(found[found["task"] == "talk"]["metric"]) == {
        "similarity_correlation", "similarity_change", "similarity_absolute_change", "variance_kept", "norm_kept",
    }  # fmt: skip


def test_results_show_it(project, capsys):
    assert run_cli(["run", "--no-cost", "--model", "tiny", "--tasks", "shop"]) == 0
    capsys.readouterr()
    assert run_cli(["results", "--metric", "rbo", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["truncate_dim"], row["precision"]) for row in rows] == [(8, "binary"), (8, "float32"), (32, "binary")]
    assert all(0 < row["ci_low"] <= row["value"] <= row["ci_high"] <= 1 for row in rows)


def test_a_task_that_mteb_scores_cannot_ask_for_it(project, capsys):
    card = "name: banking\ntype: mteb\nmteb: Banking77Classification\nmain_metric: accuracy\nstudies: [fidelity]\n"
    (project / "tasks" / "banking.yaml").write_text(card)
    assert run_cli(["run", "--no-cost", "--tasks", "banking"]) == 2
    assert "has no `studies`" in " ".join(capsys.readouterr().err.split())
