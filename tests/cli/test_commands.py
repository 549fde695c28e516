from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support import ROOT, make_model, random_beir, write_pairs

from bench.cli import run_cli


@pytest.fixture
def scored(tmp_path, tiny_model, monkeypatch):
    random_beir(tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    assert run_cli(["run", "--model", "./tiny", "--tasks", "shop", "--truncate-dims", "32,8", "--no-cost"]) == 0
    return tmp_path


def test_results_print_the_same_numbers_in_every_format(scored, capsys):
    from bench import load_results

    expected = load_results("results")
    capsys.readouterr()
    assert run_cli(["results", "--format", "csv"]) == 0
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(capsys.readouterr().out))[["metric", "value"]], expected[["metric", "value"]]
    )
    assert run_cli(["results", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in rows] == pytest.approx(expected["value"].tolist(), abs=1e-12)
    assert run_cli(["results"]) == 0
    assert "ndcg_at_10" in capsys.readouterr().out


def test_results_are_filtered(scored, capsys):
    capsys.readouterr()
    arguments = ["--metric", "ndcg_at_10,map_at_5", "--truncate-dim", "8", "--task", "shop", "--model", "./tiny"]
    assert run_cli(["results", "--format", "json", "--precision", "float32", *arguments]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted((row["metric"], row["truncate_dim"]) for row in rows) == [("map_at_5", 8), ("ndcg_at_10", 8)]


def test_a_filter_that_matches_nothing_says_what_there_is(scored, capsys):
    assert run_cli(["results", "--metric", "ndcg_at_11"]) == 2
    assert "did you mean `ndcg_at_1" in capsys.readouterr().err


def test_report_without_results_says_what_to_do(tmp_path, capsys):
    assert run_cli(["report", "--results", str(tmp_path / "none")]) == 1
    assert "bench run" in capsys.readouterr().err
    assert run_cli(["results", "--results", str(tmp_path / "none")]) == 1
    assert "bench run" in capsys.readouterr().err


def test_cache_shows_its_size_and_is_emptied(scored, capsys):
    capsys.readouterr()
    assert run_cli(["cache"]) == 0
    assert "1 vector spaces" in capsys.readouterr().out.replace("1 vector space:", "1 vector spaces")
    assert run_cli(["cache", "clear"]) == 0
    assert run_cli(["cache"]) == 0
    assert "0.0 MB" in capsys.readouterr().out.splitlines()[-1]
    # Results stay, so nothing has to be encoded again.
    assert run_cli(["run", "--model", "./tiny", "--tasks", "shop", "--truncate-dims", "32,8", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_models_lists_what_is_not_here(tmp_path, tiny_model, monkeypatch, capsys):
    (tmp_path / "models.yaml").write_text(
        "models:\n  - {name: here, source: ./tiny}\n  - {name: away, source: nobody/nothing}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run_cli(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " 32 " in lines["here"]
    assert "not here" in lines["away"]
    assert "bm25s" in lines["bm25"]


def test_tasks_lists_sizes_and_what_is_broken(tmp_path, monkeypatch, capsys):
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    (tmp_path / "tasks" / "gone.yaml").write_text("name: gone\ntype: sts\npath: nowhere\n")
    monkeypatch.chdir(tmp_path)
    assert run_cli(["tasks"]) == 0
    printed = capsys.readouterr().out
    assert "8 queries, 30 documents" in printed
    assert "broken: " in printed
    assert "check `path` in the card" in printed
    # The reason stands below the table, which stays narrow.
    (line,) = [line for line in printed.splitlines() if line.startswith("gone ")]
    assert line.split() == ["gone", "broken"]
    assert "hardware_store" in printed


def test_doctor_names_the_machine(capsys):
    import torch

    assert run_cli(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert torch.__version__.split("+")[0] in printed
    assert "cores" in printed
    assert "HF_HUB_OFFLINE" in printed


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from bench.cli import run_cli; status = run_cli(['run', '--help']); "
        "heavy = {'torch', 'pandas', 'numpy', 'pyarrow', 'sentence_transformers', 'mteb'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_early_is_no_error(scored):
    command = f"{sys.executable} -m bench results --format csv | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("model,kind,")


def test_version(capsys):
    assert run_cli(["--version"]) == 0
    assert capsys.readouterr().out == f"bench {Path(ROOT / 'pyproject.toml').read_text().split('version = ')[1][1:6]}\n"


def test_debug_shows_the_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("BENCH_DEBUG", raising=False)
    assert run_cli(["--debug", "report", "--results", str(tmp_path / "none")]) == 1
    assert "Traceback" in capsys.readouterr().err
    os.environ.pop("BENCH_DEBUG", None)


def test_a_registrys_choice_of_models_and_subsets_is_what_a_run_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pairs = tmp_path / "data"
    for subset in ("ar", "en"):
        write_pairs(pairs / f"{subset}.jsonl")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "two.yaml").write_text("name: two\ntype: sts\npath: ../data\nsubsets: [ar, en]\n")
    for name in ("first", "second"):
        make_model(tmp_path / name)
    (tmp_path / "models.yaml").write_text(
        "include: more.yaml\nrun: [first]\ntasks: [two]\nsubsets: [ar]\nmodels: [{name: first, source: ./first}]"
    )
    (tmp_path / "more.yaml").write_text("models: [{name: second, source: ./second}]")

    def planned(*arguments):
        assert run_cli(["run", "--dry-run", "--no-cost", *arguments]) == 0
        words = capsys.readouterr().out.split()
        return {word for word in words if word in {"first", "second", "ar", "en"}}

    assert planned() == {"first", "ar"}
    assert planned("--model", "second", "--tasks", "two") == {"second", "ar", "en"}
    assert planned("--subsets", "en") == {"first", "en"}
    assert run_cli(["models"]) == 0
    listed = capsys.readouterr().out
    assert "first *" in listed
    assert "second *" not in listed
