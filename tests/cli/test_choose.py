from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from support import ROOT

from bench.choosing.answer import Choice
from bench.cli import run_cli
from bench.cli.choice_text import render

RESULTS = ["--results", str(ROOT / "results")]
TEN_MILLION = ["--task", "hardware_store", "--max-storage", "2GB", "--corpus-size", "10_000_000"]


def answer(capsys, *arguments):
    capsys.readouterr()
    status = run_cli(["choose", *arguments, *RESULTS, "--format", "json"])
    return status, Choice.model_validate_json(capsys.readouterr().out)


def test_the_committed_results_answer(capsys):
    status, found = answer(capsys, *TEN_MILLION, "--max-search-p95", "20ms", "--min-share", "0.9")
    assert status == 0
    assert found.best.quantities["storage_bytes"].computed
    assert found.best.quantities["storage_bytes"].value <= 2e9
    assert found.best.quantities["share"].value >= 0.9
    # Nothing of that size was measured.
    assert found.status == "not known to fit"
    assert found.best.measure[0].startswith("bench cost --corpus-size 10_000_000 --tasks hardware_store")
    assert run_cli(["choose", *TEN_MILLION, "--max-search-p95", "20ms", "--min-share", "0.9", *RESULTS]) == 0
    printed = capsys.readouterr().out
    assert "NOT KNOWN TO FIT" in printed
    assert found.best.measure[0] in printed
    assert found.code.strip() in printed


def test_where_nothing_fits_the_status_is_1_and_what_to_relax_is_told(capsys):
    status, found = answer(capsys, *TEN_MILLION, "--max-search-p95", "20ms", "--min-share", "0.97")
    assert (status, found.status, found.best) == (1, "nothing fits", None)
    assert {limit.name for limit in found.constraints if limit.binds} == {"max_storage", "min_share"}
    assert found.closest is not None


@pytest.mark.parametrize(
    "limits",
    [
        ["--max-storage", "300kB"],
        ["--max-storage", "100kB", "--min-share", "0.8"],
        ["--corpus-size", "10M", "--max-storage", "2GB", "--min-share", "0.97"],
        ["--max-search-p95", "0.01ms"],
        ["--max-search-p95", "0.005ms"],
        ["--max-memory", "200MB"],
        ["--min-ndcg", "0.99"],
    ],
)
def test_the_steps_that_are_printed_give_what_they_promise(capsys, limits):
    _, found = answer(capsys, "--task", "hardware_store", *limits)
    run_cli(["choose", "--task", "hardware_store", *limits, *RESULTS])
    printed = capsys.readouterr().out
    steps = re.findall(r"^  (--\S+) (\S+) would do: (.+), (\d\.\d{4})", printed, re.MULTILINE)
    assert len(steps) == sum(limit.step is not None for limit in found.constraints)
    assert steps
    for option, value, view, score in steps:
        place = limits.index(option)
        _, relaxed = answer(capsys, "--task", "hardware_store", *limits[:place], option, value, *limits[place + 2 :])
        # A rounded limit may admit more than the exact one.
        assert relaxed.best.score >= float(score) - 5e-5
        assert found.best is None or relaxed.best.score > found.best.score
        assert relaxed.best.model in view or relaxed.best.score > float(score)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "hardware_stor"], "did you mean `hardware_store`"),
        (["--task", "hardware_store", "--max-storage", "2G"], "2GiB"),
        (["--task", "hardware_store", "--max-search-p95", "20"], "20ms"),
        (["--task", "hardware_store", "--min-share", "3"], "--min-share 0.03"),
        (["--task", "hardware_store", "--corpus-size", "0"], "--corpus-size"),
        (["--task", "sts17"], "name one with --subset"),
        (["--task", "store_questions", "--min-ndcg", "0.5"], "--min-score"),
        (["--task", "hardware_store", "--environment", "nowhere"], "there are: "),
        ([], "--task"),
    ],
)
def test_wrong_usage_is_status_2_with_a_hint(capsys, arguments, message):
    assert run_cli(["choose", *arguments, *RESULTS]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_results(capsys, tmp_path):
    assert run_cli(["choose", "--task", "shop", "--results", str(tmp_path)]) == 1
    assert "bench run" in capsys.readouterr().err


def test_json_is_one_object_with_the_documented_keys(capsys):
    _, found = answer(capsys, "--task", "scifact")
    assert set(json.loads(found.model_dump_json())) == set(Choice.model_fields)


def test_bench_choose_is_the_function_whatever_was_imported_before():
    code = "import bench.choosing.answering, bench.cli.choose, bench; assert callable(bench.choose)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_hnsw_is_named_with_its_recall_and_whose_score_it_is(capsys):
    limits = ["--task", "hardware_store", "--max-search-p95", "1ms"]
    _, found = answer(capsys, *limits)
    hnsw = found.model_copy(update={"best": found.other_index, "other_index": None})
    printed = render(hnsw)
    assert f"{found.best.score:.4f} by exact search" in printed
    assert f"HNSW (recall {found.other_index.hnsw_recall_at_10.value:.3f})" in printed
