"""A small seeded part of the campaign, and that the campaign sees faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import ROOT

from torture.beds import results_bed
from torture.bytewise import damages
from torture.campaign import Case, Part, chance, printed, try_part
from torture.damage import damaged
from torture.forked import Outcome, Running
from torture.parts import PARTS
from torture.verdicts import fault_of, text_fault


def campaign(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the campaign as `make torture` does."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "torture", *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.early
def test_a_small_part_of_the_campaign_finds_no_fault():
    ended = campaign("--small", "--seed", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_try_can_be_repeated_by_its_number(tmp_path):
    ran = []
    part = Part("p", lambda folder, seed: (Case("k", str(n), lambda n=n: ran.append(n)) for n in range(9)))
    try_part(part, tmp_path, 1, {}, only=4)
    assert ran == [4]
    assert campaign("--only", "damage:nothing").returncode != 0
    assert "no part nonsense" in campaign("--only", "nonsense").stderr


def test_faults_are_in_the_table_and_said(tmp_path):
    def broken() -> str:
        raise RuntimeError("oh")

    said, table = [], {}
    cases = [Case("k", "good", lambda: None), Case("k", "bad", lambda: "wrong number"), Case("k", "broken", broken)]
    try_part(Part("p", lambda folder, seed: iter(cases)), tmp_path, 7, table, report=said.append)
    assert said[0] == "FAULT p:1 of seed 7, bad: wrong number"
    assert "RuntimeError: oh" in said[1]
    assert printed(table).splitlines()[2].split() == ["p", "k", "3", "2"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(None, "", ""), "hangs"),
        (Outcome(-11, "", ""), "ends with -11"),
        (Outcome(1, "", "Traceback (most recent call last):\nKeyError"), "traceback"),
        (Outcome(1, "", "error: this is a fault of bench"), "without an answer"),
        (Outcome(1, "", ""), "without a word"),
        (Outcome(0, "a\x1b[31m", ""), "is printed"),
        (Outcome(0, "::error::x", ""), "a workflow command"),
        (Outcome(0, "a \u202e", ""), "is printed"),
    ],
)
def test_what_is_a_fault(outcome, words):
    assert words in fault_of(outcome)


def test_what_is_none():
    assert fault_of(Outcome(1, "", "error: x: y\n  hint: z\n")) is None
    assert text_fault("naïve → 文字 🙂\t|\n") is None


def test_every_damage_changes_a_file_and_follows_from_the_seed():
    content = next((ROOT / "results" / "audits").rglob("*.json")).read_bytes()
    for name, damage in damages(".json").items():
        drawn = [damage(content, chance(1, number)) for number in range(20)]
        assert any(each != content for each in drawn), name
        assert drawn == [damage(content, chance(1, number)) for number in range(20)], name


def test_processes_end_as_they_end():
    assert Running(lambda: print("hello") or 3).wait() == Outcome(3, "hello\n", "")
    assert Running(lambda: os.kill(os.getpid(), signal.SIGKILL)).wait().status == -signal.SIGKILL
    assert Running(lambda: time.sleep(600), seconds=0.01).wait().status is None
    assert "ZeroDivisionError" in Running(lambda: 1 // 0).wait().err


def test_damage_is_seen_where_digests_are_not_checked(tmp_path, monkeypatch):
    bed = results_bed(tmp_path / "bed")
    (path,) = bed.results.glob("quality/shop/bm25*.json")

    def change(place: Path) -> None:
        text = place.read_text()
        assert '"value": 0.75' in text
        place.write_text(text.replace('"value": 0.75', '"value": 0.76'))

    assert damaged(bed, path, change, "results") is None
    for check in ("matches_digest", "is_as_written"):
        monkeypatch.setattr(f"bench.results.digests.{check}", lambda value: True)
    assert "shows something else in silence" in damaged(bed, path, change, "results")


def test_every_part_has_a_module_of_its_name():
    assert {part.name for part in PARTS} <= {path.stem for path in Path(__file__).parent.glob("*.py")}
