"""Ranks and letters are the same in Markdown, on the web page, in `bench compare` and at the terminal."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from types import SimpleNamespace

import pytest
from support import ROOT

from bench.cli import run_cli
from bench.cli.tables import print_tables

TASK = "hardware_store"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Reports on the results of one task, made for a margin of 5%."""
    root = tmp_path_factory.mktemp("ranks")
    shutil.copytree(ROOT / "results" / "quality" / TASK, root / "results" / "quality" / TASK)
    arguments = ["report", "--results", str(root / "results"), "--reports", str(root / "reports")]
    assert run_cli([*arguments, "--max-loss", "5%"]) == 0
    assert run_cli([*arguments, "--max-loss", "5%", "--check"]) == 0
    assert run_cli([*arguments, "--check"]) == 1
    return root


def of_markdown(text):
    """Rank and letters of each model in a table of a task's page."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    at = next(line for line in lines if "rank" in line).index("rank")
    return {line[0].rstrip("†"): line[at] for line in lines if len(line) > at and re.match(r"\d+ [a-z]", line[at])}


def of_web_page(text):
    """The same in the data of the web page."""
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
    [table] = data["tables"]
    models = [data["models"][model] for model, *_, count in table["runs"] for _ in range(count)]
    places = zip(models, table["rank"], table["group"], strict=True)
    return {name: f"{rank} {group}" for name, rank, group in places if rank}


def test_four_places_say_the_same(reports, capsys):
    page = of_markdown((reports / "reports" / "tasks" / f"{TASK}.md").read_text())
    assert len(page) == 5
    web = of_web_page((reports / "reports" / "index.html").read_text())
    leaderboard = (reports / "reports" / "leaderboard.md").read_text()
    summary = dict(re.findall(r"^\| \[([^]]+)\].*?\((\d+ [a-z]+)\) +\|$", leaderboard, re.MULTILINE))
    unit = SimpleNamespace(task=TASK, fold_of=None, split="test", subset="default")
    capsys.readouterr()
    print_tables(reports / "results", [SimpleNamespace(unit=unit)])
    models = "|".join(map(re.escape, sorted(page, reverse=True)))
    printed = capsys.readouterr().out
    terminal = dict(re.findall(rf"^({models})†? +(?:\d+ +float32 +)?(\d+ [a-z]+) ", printed, re.MULTILINE))
    compared = {}
    for a, b in pairwise(sorted(page)):
        options = ["--results", str(reports / "results"), "--queries", "0", "--format", "json"]
        assert run_cli(["compare", a, b, *options]) == 0
        [row] = json.loads(capsys.readouterr().out)["rows"]
        compared |= {side["model"]: f"{side['rank']} {side['group']}" for side in (row["a"], row["b"])}
    assert page == web == summary == terminal == compared


def test_the_margin_is_in_the_heading_and_decides(reports):
    text = (reports / "reports" / "tasks" / f"{TASK}.md").read_text()
    assert "within 5%" in text
    # 0.0328 [0.0195, 0.0463] is above 5% of 0.7618 at its upper end alone.
    [row] = [line for line in text.splitlines() if re.match(r"\| minilm-store-mrl +\| mrl +\| +384 \| +float32", line)]
    assert "[0.0195, 0.0463]" in row
    assert "not shown" in row


def test_compare_takes_a_margin(reports, capsys):
    asked = ["compare", "minilm-store", "minilm-store-mrl", "--results", str(reports / "results"), "--queries", "0"]
    claims = {}
    for margin in ("0.01", "5%", "10%"):
        assert run_cli([*asked, "--max-loss", margin, "--format", "json"]) == 0
        [row] = json.loads(capsys.readouterr().out)["rows"]
        claims[margin] = row["loss"]["claim"]
    assert claims == {"0.01": "more than the margin", "5%": "not shown", "10%": "at most the margin"}
    assert run_cli([*asked, "--max-loss", "10%"]) == 0
    printed = capsys.readouterr().out
    assert "within 10%" in printed
    assert "Holm's correction for 10 pairs of models" in printed


@pytest.mark.parametrize("command", [["report"], ["compare", "a", "b"]])
def test_what_is_no_margin_is_refused(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli([*command, "--max-loss", "none"]) == 2
    assert "--max-loss: a margin is a loss such as 0.01, or a share" in " ".join(capsys.readouterr().err.split())
