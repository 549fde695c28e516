from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, write_latency, write_quality

from bench.cli import run_cli
from bench.results.store import ResultStore

LATER = "2026-03-01T00:00:00+00:00"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GITHUB")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    before = np.random.default_rng(0).uniform(0.4, 0.8, 120)
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE)
    write_quality(tmp_path / "results", {FULL: before * 0.8}, created=AFTER, fingerprint="e" * 32)
    return tmp_path


def update(*more):
    return run_cli(["baseline", "update", "--baseline", "old", *more])


def test_a_loss_is_accepted_with_a_message(folder, capsys):
    shutil.make_archive("before", "zip", "old")
    shutil.copytree("old", "kept")
    assert run_cli(["gate", "--baseline", "kept"]) == 1
    capsys.readouterr()
    assert update("--message", "smaller model") == 0
    shown = capsys.readouterr().out
    assert "accepted 1 checks" in shown
    assert "quality: mini on shop (test) at 8 float32: ndcg_at_10: regressed" in shown
    (record,) = ResultStore(folder / "results").acceptances()
    assert (record.message, [check.verdict for check in record.accepted]) == ("smaller model", ["regressed"])
    # What the plain folder got is what is compared with from now on.
    assert run_cli(["gate", "--baseline", "old"]) == 0
    assert "accepted" not in capsys.readouterr().out.splitlines()[-1]
    # An older baseline elsewhere is answered by the acceptance.
    assert run_cli(["gate", "--baseline", "kept"]) == 0
    assert "accepted: smaller model" in capsys.readouterr().out


def test_what_was_accepted_stands_on_lines_of_its_own(folder, capsys):
    (folder / "gates.yaml").write_text('gates: [{name: "::error::", max_drop: 0.01}]')
    assert update("--message", "meant\n::error::so") == 0
    shown = capsys.readouterr().out.splitlines()
    assert not [line for line in shown if line.lstrip().startswith("::")]
    assert shown[0].endswith("meant ::error::so")


def test_it_asks_for_a_message(folder, capsys):
    assert update() == 2
    assert update("--message", " ") == 2
    assert not (folder / "results" / "acceptances").exists()


def test_nothing_to_accept_is_said(folder, capsys):
    shutil.rmtree("old")
    shutil.copytree("results", "old")
    assert update("--message", "as before") == 0
    assert "nothing to accept" in capsys.readouterr().out
    assert not (folder / "results" / "acceptances").exists()


def test_the_results_are_no_baseline_of_themselves(folder, capsys):
    assert run_cli(["baseline", "update", "--baseline", "results", "--message", "x"]) == 2


def test_a_baseline_with_newer_results_is_not_overruled(folder, capsys):
    write_quality(folder / "old", {FULL: [0.9] * 120}, created=LATER, fingerprint="a" * 32)
    assert update("--message", "x") == 1
    assert "newer results of mini" in capsys.readouterr().err
    assert ResultStore(folder / "results").acceptances() == []


def test_only_current_results_are_copied(folder, capsys):
    write_latency(folder / "results", [[1.0] * 9] * 3, created=AFTER, fingerprint="e" * 32)
    superseded = write_quality(folder / "results", {FULL: [0.1] * 120}, created=BEFORE, fingerprint="a" * 32)
    assert update("--message", "x") == 0
    names = {path.name for path in (folder / "old").rglob("*.json")}
    assert superseded.name not in names
    assert len(list((folder / "old" / "cost").rglob("*.parquet"))) == 1
    assert len(ResultStore(folder / "old").acceptances()) == 1
