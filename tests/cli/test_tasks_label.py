"""`bench tasks label` from a task to its labels and back, with real models."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from support import make_model, random_beir

from bench.cli import run_cli
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore
from bench.tasks.catalog import select_tasks


@pytest.fixture(scope="module")
def scored(tmp_path_factory, _tiny_model):
    """Two models of random weights and BM25, scored on a retrieval task, and their cache."""
    folder, cache = tmp_path_factory.mktemp("labelled"), tmp_path_factory.mktemp("cache-of-labelled")
    shutil.copytree(_tiny_model, folder / "tiny")
    make_model(folder / "other", seed=1)
    random_beir(folder / "tasks" / "shop", documents=40)
    with (folder / "tasks" / "shop" / "queries.jsonl").open("a") as handle:
        handle.write(json.dumps({"_id": "new", "text": "brass hose"}) + "\n")
    (folder / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    (folder / "models.yaml").write_text(
        "defaults:\n  truncate_dims: [32, 8]\n  precisions: [float32, int8]\n  prompts: {query: 'find: '}\n"
        "tasks: [shop]\n"
        "models:\n"
        "  - {name: tiny, source: ./tiny}\n"
        "  - {name: other, source: ./other}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BENCH_CACHE", str(cache))
        assert run_cli(["run", "--no-cost"]) == 0
    return folder, cache


@pytest.fixture
def project(scored, tmp_path, monkeypatch):
    """A copy of `scored` that the test may change."""
    folder = Path(shutil.copytree(scored[0], tmp_path / "project"))
    monkeypatch.setenv("BENCH_CACHE", str(shutil.copytree(scored[1], tmp_path / "cache")))
    monkeypatch.chdir(folder)
    return folder


def label(capsys, *arguments, status=0):
    capsys.readouterr()
    assert run_cli(["tasks", "label", *arguments]) == status
    said = capsys.readouterr()
    return " ".join((said.out if status == 0 else said.err).split())


def read_rows(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def fill(path, labels):
    rows = read_rows(path)
    with Path(path).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": value} for row, value in zip(rows, labels, strict=True))
    return rows


def scores(model, metric="ndcg_at_10"):
    index = ResultIndex(ResultStore(Path("results")).records())
    fingerprint = index.models[model].fingerprint
    cell = max(
        (cell for key, cell in index.cells.items() if key[:2] == (model, fingerprint) and str(key[4]) == "32 float32"),
        key=lambda cell: cell.record.created,
    )
    return ItemReader().read(cell, metric), cell.record.task


def test_the_whole_round(project, capsys):
    said = label(capsys, "shop", "--between", "tiny", "other", "--output", "labels.csv", "--pairs", "30")
    assert re.match(r"30 of \d+ pairs whose label would change the difference of nDCG@10, of 8 of 8 queries", said)
    assert "then: bench tasks label shop --read labels.csv" in said
    rows = read_rows("labels.csv")
    judged = {tuple(line.split("\t")[:2]) for line in Path("tasks/shop/qrels/test.tsv").read_text().splitlines()[1:]}
    assert not judged & {(row["query_id"], row["document_id"]) for row in rows}
    # Two of each query come before a third of any.
    firsts = [row["query_id"] for row in rows[:16]]
    assert sorted(firsts) == sorted(set(firsts)) * 2 or all(firsts.count(name) == 2 for name in set(firsts))

    before, task = scores("tiny")
    labels = ["1", "0", "", "yes", "no", "2"] * 5
    fill("labels.csv", labels)
    said = label(capsys, "shop", "--read", "labels.csv")
    assert "labels.csv: 25 labelled (15 relevant) of 8 queries, 5 skipped" in said
    assert "25 new labels in" in said
    assert said.endswith("score again: bench run --tasks shop")

    assert run_cli(["run", "--no-cost", "--tasks", "shop"]) == 0
    after, merged = scores("tiny")
    assert merged.fingerprint != task.fingerprint
    assert any(
        "25 labels were added" in note and "tiny@32/float32 and other@32/float32" in note for note in merged.notes
    )
    assert list(before.values) != list(after.values)
    # Labelled pairs are not proposed again.
    label(capsys, "shop", "--between", "tiny", "other", "--output", "more.csv", "--pairs", "1000")
    done = {(row["query_id"], row["document_id"]) for row, value in zip(rows, labels, strict=True) if value}
    assert not done & {(row["query_id"], row["document_id"]) for row in read_rows("more.csv")}


def test_views_baselines_and_the_form(project, capsys):
    said = label(capsys, "shop", "--between", "tiny@8/int8", "bm25", "--output", "form.html", "--depth", "3")
    assert "then: bench tasks label shop --read form.csv" in said
    assert "the first 3 of tiny@8/int8 and bm25" in Path("form.html").read_text()
    same = label(capsys, "shop", "--between", "tiny", "tiny@32", "--output", "x.csv", status=1)
    assert "no label would change nDCG@10 of one more than of the other" in same


def test_a_sheet_is_never_written_over(project, capsys):
    label(capsys, "shop", "--between", "tiny", "other", "--output", "a.csv")
    fill("a.csv", ["1"] * 100)
    before = Path("a.csv").read_bytes()
    said = label(capsys, "shop", "--between", "tiny", "other", "--output", "a.csv", status=2)
    assert "there is such a file already" in said
    assert Path("a.csv").read_bytes() == before


def test_results_of_other_folders_are_named_as_compare_does(project, capsys):
    shutil.move("results", "old")
    label(capsys, "shop", "--between", "old#tiny", "old#other@8", "--output", "labels.csv")
    assert "tiny@32/float32 and other@8/float32" in read_rows("labels.csv")[0]["pool"]


def test_with_encode_no_results_are_needed(project, capsys):
    shutil.rmtree("results")
    assert "no results" in label(capsys, "shop", "--between", "tiny", "other", "--output", "x.csv", status=1)
    said = label(capsys, "shop", "--between", "tiny", "other@8", "--encode", "--output", "x.csv")
    assert "tiny@32/float32 and other@8/float32" in read_rows("x.csv")[0]["pool"]
    # All texts are in the store.
    assert "encoded" not in said


def test_encoding_gives_what_the_store_has(project, capsys):
    for name, more in (("a.csv", []), ("b.csv", ["--encode"])):
        label(capsys, "shop", "--between", "tiny@8/int8", "bm25", "--output", name, *more)
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_missing_vectors_name_the_command_that_makes_them(project, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "empty"))
    said = label(capsys, "shop", "--between", "tiny", "other", "--output", "x.csv", status=1)
    assert "the cache has no vectors of this model's content" in said
    assert "`bench run --no-cost --model tiny --tasks shop --force` makes them" in said
    assert not Path("x.csv").exists()
    assert not (tmp_path / "empty" / "vectors").exists()


def test_a_folder_that_nobody_judged_becomes_a_task(project, capsys):
    shutil.rmtree("tasks/shop/qrels")
    said = label(capsys, "shop", "--between", "tiny", "other", "--encode", "--output", "x.csv", status=1)
    assert "no judgements for the split `test`" in said
    said = label(capsys, "shop", "--between", "tiny", "bm25", "--unjudged", "--encode", "--output", "x.csv")
    assert "encoded tiny on shop: 1 texts" in said
    rows = fill("x.csv", ["1"] * 5 + ["0"] * 95)
    assert {row["query_id"] for row in rows} >= {"q0", "new"}
    label(capsys, "shop", "--read", "x.csv")
    (task,) = select_tasks(["shop"], [Path("tasks")])
    (unit,) = task.units()
    assert set(unit.data.query_ids) == {row["query_id"] for row in rows}
    assert unit.data.irrelevant == 95
    assert run_cli(["run", "--no-cost", "--model", "tiny"]) == 0


def test_reviewers_are_compared_and_conflicts_refused(project, capsys):
    label(capsys, "shop", "--between", "tiny", "other", "--output", "a.csv", "--pairs", "4")
    shutil.copy("a.csv", "b.csv")
    fill("a.csv", ["1", "0", "1", "0"])
    fill("b.csv", ["1", "0", "0", ""])
    said = label(capsys, "shop", "--read", "a.csv", "--read", "b.csv", status=1)
    assert "1 pairs have several labels" in said
    assert not Path("tasks/shop/labels").exists()
    capsys.readouterr()
    run_cli(["tasks", "label", "shop", "--read", "a.csv", "--read", "b.csv"])
    # (1, 1), (0, 0), (1, 0): 2 of 3 agree, 4/9 by chance: (6 - 4) / (9 - 4) = 0.4.
    assert "the same label for 67% of 3 pairs, Cohen's kappa 0.40" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one of them"),
        (["--between", "tiny", "other", "--read", "x.csv"], "give one of them"),
        (["--between", "tiny", "other"], "the sheet is a .csv or a .html file"),
        (["--between", "tiny", "other", "--output", "x.xlsx"], "the sheet is a .csv or a .html file"),
        (["--between", "tiny", "othr", "--output", "x.csv"], "did you mean `other`"),
        (["--between", "tiny@64", "other", "--output", "x.csv"], "the model has 32 dimensions"),
        (["--between", "bm25@8", "other", "--output", "x.csv"], "the model has no vectors"),
        (["--between", "tiny@8/int9", "other", "--output", "x.csv"], "no precision `int9`"),
        (
            ["--between", "tiny", "other", "--split", "dev", "--output", "x.csv"],
            "no such split and subset: test default",
        ),
        (["--between", "./results", "other", "--output", "x.csv"], "names no model"),
        (["--read", "x.csv", "--conflicts", "ask"], "no `ask`"),
    ],
)
def test_wrong_usage(project, capsys, arguments, words):
    assert words in label(capsys, "shop", *arguments, status=2)
