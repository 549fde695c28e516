from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from support import random_beir

from bench.audit.findings import audit
from bench.cli import run_cli
from bench.tasks.catalog import read_card


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_csv(path: str, rows: list[dict]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def clicks(count: int = 20) -> list[dict]:
    """Every query stands in two rows, in another writing."""
    return [
        {
            "query": f"question {n // 2}".upper() if n % 2 else f"Question  {n // 2}",
            "answer": f"answer {n % 7}",
            "year": 2020 + n % 4,
        }
        for n in range(count)
    ]


def add(*options: str, data: str = "clicks.csv", status: int = 0) -> dict | None:
    assert run_cli(["tasks", "add", data, "--name", "mine", *options]) == status
    path = Path("tasks/mine.yaml")
    return yaml.safe_load(path.read_text()) if path.exists() else None


def test_by_query(capsys):
    write_csv("clicks.csv", clicks())
    table = add("--split-by", "query", "--ignore-column", "year")["table"]
    assert table["files"] == {"all": "clicks.csv"}
    assert table["split"] == {"by": "query", "test": 0.3, "seed": 0}
    assert table["corpus"] == ["train", "test"]
    said = capsys.readouterr().out
    assert "split test: 6 queries, 7 documents" in said
    assert "split by query: 3 of 10 different queries, 6 of 20 rows, are the split test" in said
    assert "0 of the 3 different queries (after normalisation) are in train too" in said
    assert "split train: 14 queries" in said
    task = read_card(Path("tasks/mine.yaml"))
    test, train = task.units()[0].data, task.training().data
    assert len(test.documents) == 7
    shared = {finding.kind: finding.count for finding in audit(test, train)}
    assert shared["queries_in_training_normalised"] == 0


def test_by_time_takes_the_column_whatever_it_looks_like(capsys):
    write_csv("clicks.csv", clicks())
    # Without the option the few years look like labels.
    table = add("--split-by", "time", "--time-column", "Year", "--test-share", "0.4")["table"]
    assert table["split"] == {"by": "time", "test": 0.4, "time": "year"}
    assert table["columns"] == {"question": "query", "answer": "answer"}
    said = capsys.readouterr().out
    assert "  time: column year\n" in said
    assert "split by time: 10 of 20 rows, all from 2022 on, are the split test" in said
    assert "are in train too" in said


def test_by_row_says_how_many_queries_are_on_both_sides(capsys):
    write_csv("clicks.csv", clicks())
    add("--split-by", "row", "--test-share", "0.5", "--seed", "2", "--ignore-column", "year")
    task = read_card(Path("tasks/mine.yaml"))
    trained = {query.lower().split()[1] for query in task.training().data.queries}
    tested = [query.lower().split()[1] for query in task.units()[0].data.queries]
    expected = sum(number in trained for number in tested)
    assert f"{expected:,} of {len(tested)} test queries are in train too: --split-by query" in capsys.readouterr().out


def test_folds(capsys):
    write_csv("clicks.csv", clicks())
    table = add("--folds", "3", "--seed", "7", "--ignore-column", "year")["table"]
    assert table["split"] == {"by": "query", "folds": 3, "seed": 7}
    assert "corpus" not in table
    said = capsys.readouterr().out
    assert "split test: 20 queries" in said
    assert "3 folds of 3.333 different queries (after normalisation) on average, drawn by seed 7" in said
    assert "split fold-1: 8 queries; without-fold-1 to train with" in said


def test_a_folder_that_is_divided_already(capsys):
    write_csv("data/train.csv", clicks())
    write_csv("data/test.csv", clicks())
    assert add("--split-by", "query", data="data", status=2) is None
    said = capsys.readouterr().err
    assert "divided already: train (train.csv), test (test.csv)" in said
    assert "leave --split-by out" in said


def test_a_folder_of_one_table_can_be_divided():
    write_csv("data/train.csv", clicks())
    assert add("--split-by", "query", "--ignore-column", "year", data="data")["table"]["files"] == {"all": "train.csv"}


def test_a_beir_folder_is_no_table(capsys):
    random_beir(Path("beir"))
    assert add("--split-by", "query", data="beir", status=2) is None
    assert "no table: it has no shape" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "1"], "--seed goes with --split-by"),
        (["--test-share", "0.5"], "--test-share goes with --split-by"),
        (["--split-by", "time"], "--split-by time needs --time-column"),
        (["--split-by", "time", "--time-column", "when"], "no column `when`"),
        (["--split-by", "time", "--time-column", "year", "--seed", "1"], "a split by time has no `seed`"),
        (["--split-by", "query", "--time-column", "year"], "a split by query has no `time`"),
        (["--split-by", "row", "--folds", "3"], "a split by row has no `folds`"),
        (["--folds", "3", "--test-share", "0.5"], "exclude each other"),
        (["--folds", "1"], "--folds: Input should be greater than or equal to 2"),
        (["--split-by", "query", "--test-share", "1"], "--test-share: Input should be less than 1"),
        (["--split-by", "queries"], "--split-by"),
    ],
)
def test_options_that_do_not_go_together(options, message, capsys):
    write_csv("clicks.csv", clicks())
    assert add(*options, "--ignore-column", "year", status=2) is None
    assert message in capsys.readouterr().err


def test_pairs_have_no_queries(capsys):
    write_csv("pairs.csv", [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": n} for n in range(6)])
    assert add("--split-by", "query", data="pairs.csv", status=2) is None
    assert "pairs has no queries" in capsys.readouterr().err
    assert "corpus" not in add("--split-by", "row", data="pairs.csv")["table"]
