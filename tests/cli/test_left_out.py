"""What `bench results` and `bench export mteb` say of results that are left out."""

from __future__ import annotations

import csv
import io
import json

import pytest
from support import cost_record, quality_record, write_records

from bench.cli import run_cli

BEFORE, AFTER = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
WHAT = "1 view left out: the task's data changed on 2026-02-01 (newer scores are of the new data)"
LINE = f"mini on shop: {WHAT}; bench run --tasks shop --model mini"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = [quality_record(name, created=BEFORE) for name in ("mini", "new")]
    cost = cost_record("mini", [("encode_p50_ms", 1.0, None, None)], fingerprint="e" * 32, created=AFTER)
    write_records(tmp_path / "results", [*old, quality_record("new", data="e" * 32, created=AFTER), cost])
    return tmp_path


def test_results_name_what_they_do_not_show(folder, capsys):
    assert run_cli(["results", "--format", "csv"]) == 0
    said = capsys.readouterr()
    assert f"note: {LINE}" in said.err.splitlines()
    # The cost of the rebuilt model is shown, and its scores are hidden by the data alone.
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [(row["model"], row["metric"]) for row in rows] == [("mini", "encode_p50_ms"), ("new", "ndcg_at_10")]
    assert run_cli(["results", "--model", "new"]) == 0
    assert "left out" not in capsys.readouterr().err
    assert run_cli(["results", "--all"]) == 0
    assert "left out" not in capsys.readouterr().err


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_all_of_it_can_be_listed(folder, capsys, output):
    assert run_cli(["results", "--left-out", "--format", output]) == 0
    out = capsys.readouterr().out
    if output == "table":
        assert out.splitlines() == [f"- {LINE}"]
        return
    [row] = json.loads(out) if output == "json" else csv.DictReader(io.StringIO(out))
    assert row == {
        "model": "mini", "task": "shop", "what": WHAT, "command": "bench run --tasks shop --model mini"
    }  # fmt: skip


def test_nothing_left_out_is_said(folder, capsys):
    assert run_cli(["results", "--left-out", "--model", "new"]) == 0
    assert capsys.readouterr().out == "0 models and tasks with results that are left out\n"


def test_an_export_names_what_it_leaves_out(folder, capsys):
    assert run_cli(["export", "mteb", "--output", "out"]) == 0
    assert f"note: {LINE}" in capsys.readouterr().out.splitlines()
