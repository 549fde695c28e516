from __future__ import annotations

import pytest
from support import random_beir, write_pairs

import bench
from bench.cli import run_cli


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a registry and two tasks, of which one asks for shortlists."""
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\nstudies: [rerank]\n")
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


def lengths():
    frame = bench.load_results("results")
    return set(frame[frame["metric"] == "shortlist_recall"]["detail"])


def test_a_run_makes_them_where_cards_say_so(project, capsys):
    assert run_cli(["run", "--no-cost", "--dry-run"]) == 0
    heading, tiny_shop, tiny_talk, bm25 = capsys.readouterr().out.splitlines()[1:5]
    assert "rerank" in heading
    assert [line.split()[7] for line in (tiny_shop, tiny_talk, bm25)] == ["to", "-", "-"]
    assert run_cli(["run", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "scored tiny on shop: 9 shortlists" in printed
    assert "results/rerank/shop/tiny" in printed
    assert lengths() == {"shortlist=10", "shortlist=20", "shortlist=30"}
    assert run_cli(["run", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert run_cli(["choose", "--task", "shop", "--allow-rerank"]) == 0
    assert "5 views and 9 shortlists" in capsys.readouterr().out


def test_options_overrule_cards(project):
    assert run_cli(["run", "--no-cost", "--no-rerank"]) == 0
    assert lengths() == set()
    assert run_cli(["run", "--no-cost", "--shortlists", "7,3", "--model", "tiny"]) == 0
    assert lengths() == {"shortlist=7", "shortlist=3"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--shortlists", "0"], "not a positive whole number"),
        (["--shortlists", "ten"], "not a positive whole number"),
        (["--shortlists", "10", "--no-rerank"], "--no-rerank scores none"),
    ],
)
def test_wrong_usage(project, capsys, options, told):
    assert run_cli(["run", "--no-cost", *options]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_card_without_documents_cannot_ask_for_them(project, capsys):
    (project / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\nstudies: [rerank]\n")
    assert run_cli(["run", "--no-cost", "--tasks", "talk"]) == 2
    assert "no documents to rank again" in " ".join(capsys.readouterr().err.split())
