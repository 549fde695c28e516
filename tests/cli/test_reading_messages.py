"""What a new user reads when data cannot be read: what was found, where, and what to do."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hub_folders import hub_pairs
from support import random_beir, write_beir, write_hub, write_jsonl, write_parquet

from bench.cli import run_cli


@pytest.fixture(autouse=True)
def _here(tmp_path, tiny_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)


def said(capsys, *arguments: str, status: int = 1) -> str:
    """What a command says, on one line."""
    assert run_cli(list(arguments)) == status
    seen = capsys.readouterr()
    return " ".join((seen.out + seen.err).split())


def run(capsys, task: str, *, status: int = 1) -> str:
    return said(capsys, "run", "--model", "./tiny", "--tasks", task, "--no-cost", status=status)


def shop() -> Path:
    return write_beir(Path("shop"), {"d1": "red pipe", "d2": "saw"}, {"q1": "pipe"}, [("q1", "d1", 1)])


PAIRS = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": float(n)} for n in range(4)]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_score_that_is_not_there(suffix, capsys):
    rows = [*PAIRS, {"sentence1": "c", "sentence2": "d", "score": None}]
    if suffix == "csv":
        Path("p.csv").write_text("sentence1,sentence2,score\na,b,1\nc,d,\n")
    else:
        (write_jsonl if suffix == "jsonl" else write_parquet)(Path(f"p.{suffix}"), rows)
    text = run(capsys, f"p.{suffix}")
    assert "None" not in text
    assert "the score is empty" in text
    assert "--score-column" in text
    assert {"jsonl": "p.jsonl, line 5", "csv": "p.csv, line 3", "parquet": "p.parquet, row 5"}[suffix] in text


def test_columns_of_other_names_lead_to_the_command_that_reads_them(capsys):
    Path("p.csv").write_text("text_a,text_b,gold\na,b,1\nc,d,2\n")
    text = run(capsys, "p.csv")
    assert "no column `sentence1`" in text
    assert "columns found: text_a, text_b, gold" in text
    assert "bench tasks add" in text
    assert "--sentence1-column" in text
    assert said(capsys, "tasks", "add", "p.csv", "--name", "mine", status=0)


def test_a_format_that_is_not_read_in_the_folder_where_the_data_belongs(monkeypatch, capsys):
    Path("data/stsb").mkdir(parents=True)
    Path("data/stsb/test.xlsx").write_bytes(b"PK")
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    text = run(capsys, "stsb")
    assert "test.xlsx is a spreadsheet, which is not read" in text
    assert 'save it as "CSV UTF-8"' in text
    assert "put it into" not in text


def test_data_that_lies_a_folder_too_deep(monkeypatch, capsys):
    write_jsonl(Path("data/stsb/stsbenchmark/test.jsonl"), PAIRS)
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    text = run(capsys, "stsb")
    assert "no file test.jsonl" in text
    assert "in the folder: stsbenchmark" in text
    assert "put it into" not in text


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test.xlsx", "a spreadsheet"),
        ("test.tsv.xz", "compressed with xz, which is not read: decompress it: unxz test.tsv.xz"),
        ("test.sqlite", "a database"),
        ("test.arrow", "an Arrow file"),
        ("test.pkl", "a pickle, which is not read: loading it could run code"),
    ],
)
def test_judgements_in_a_format_that_is_not_read(name, found, capsys):
    folder = shop()
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / name)
    text = run(capsys, "shop")
    assert "no judgements for the split `test`" in text
    assert f"qrels/{name} is {found}" in text


@pytest.mark.parametrize("name", ["test.csv", "test.jsonl", "test.parquet", "test.tsv.gz", "test.txt", "test.qrels"])
def test_judgements_in_any_format_are_found(name, capsys):
    folder = shop()
    (folder / "qrels" / "test.tsv").unlink()
    path = folder / "qrels" / name
    rows = [{"query-id": "q1", "corpus-id": "d1", "score": 1}]
    if name.endswith("jsonl"):
        write_jsonl(path, rows)
    elif name.endswith("parquet"):
        write_parquet(path, rows)
    else:
        content = {"test.csv": "query-id,corpus-id,score\nq1,d1,1\n", "test.txt": "q1 0 d1 1\n"}.get(
            name, "q1\td1\t1\n"
        )
        path.write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    assert "1 queries, 2 documents" in said(capsys, "tasks", "--tasks", "shop", status=0)


def test_a_corpus_that_is_compressed(capsys):
    folder = shop()
    raw = (folder / "corpus.jsonl").read_bytes()
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.bz2").write_bytes(raw)
    assert "corpus.jsonl.bz2 is compressed with bzip2, which is not read: decompress it: bunzip2" in run(capsys, "shop")
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(raw))
    run(capsys, "shop", status=0)


def test_a_file_whose_name_hides_what_it_is(capsys):
    folder = shop()
    path = folder / "corpus.jsonl"
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "this is compressed with gzip hint: end its name in .gz" in run(capsys, "shop")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    text = run(capsys, "shop")
    assert "this is a pointer of Git LFS" in text
    assert "git lfs pull" in text


@pytest.mark.parametrize("heading", ["question,answer,,", ",question,answer,"])
def test_columns_without_a_name(heading, capsys):
    row = "how?,so,," if heading.endswith(",,") else "0,how?,so,"
    Path("faq.csv").write_text(f"{heading}\n{row}\n")
    text = said(capsys, "tasks", "add", "faq.csv", "--name", "faq", status=0)
    assert "not used: column column 4 (empty)" in text


def test_a_text_that_is_null(capsys):
    folder = shop()
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "red"}\n{"_id": "d2", "text": null}\n')
    text = run(capsys, "shop")
    assert "corpus.jsonl, line 2: `text` is null" in text
    assert "allow_empty" in text


def test_a_subset_under_another_name(monkeypatch, capsys):
    hub_pairs(Path("data/sts17"), {"eng-eng": [1.0, 2.0, 3.0]})
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    text = said(capsys, "run", "--model", "./tiny", "--tasks", "sts17", "--subsets", "en-en", "--no-cost")
    assert "no subset `en-en`" in text
    assert "eng-eng" in text
    Path("data/sts17/README.md").unlink()
    write_jsonl(Path("data/sts17/eng-eng.jsonl"), PAIRS)
    text = said(capsys, "run", "--model", "./tiny", "--tasks", "sts17", "--subsets", "en-en", "--no-cost")
    assert "no file en-en.jsonl" in text
    assert "files of pairs found: eng-eng" in text


@pytest.mark.parametrize("score", [0.5, "high", None])
def test_labels_of_the_hubs_layout_in_the_words_of_every_other(score, monkeypatch, capsys):
    write_hub(
        Path("data/scifact"),
        {
            "default": {"test": [{"query-id": "q", "corpus-id": "d", "score": score}]},
            "corpus": {"corpus": [{"title": "", "_id": "d", "text": "a"}]},
            "queries": {"queries": [{"_id": "q", "text": "b"}]},
        },
    )
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    text = run(capsys, "scifact")
    assert "data/scifact/default/test.jsonl, line 1" in text
    assert not any(word in text for word in ("Arrow", "polars", "int32", "Error"))


def test_two_files_that_can_be_the_split(capsys):
    write_jsonl(Path("pairs/test.jsonl"), PAIRS)
    Path("pairs/test.csv").write_text("sentence1,sentence2,score\na,b,1\nc,d,2\n")
    text = run(capsys, "pairs")
    assert "the same table is there more than once: test.csv, test.jsonl" in text
    folder = shop()
    (folder / "qrels" / "test.csv").write_text("query-id,corpus-id,score\nq1,d2,1\n")
    assert "the same table is there more than once: qrels/test.csv, qrels/test.tsv" in run(capsys, "shop")


@pytest.mark.parametrize("name", ["notes.docx", "data.zip", "table.xlsx"])
def test_a_path_to_something_that_is_no_table(name, capsys):
    Path(name).write_bytes(b"PK")
    assert "which is not read" in said(capsys, "tasks", "add", name, "--name", "x", status=1)
    assert f"{name}: this is" in said(capsys, "run", "--model", "./tiny", "--tasks", name, "--no-cost", status=2)


def test_a_folder_of_files_that_are_not_read(capsys):
    Path("folder").mkdir()
    Path("folder/test.xlsx").write_bytes(b"PK")
    assert "test.xlsx is a spreadsheet" in said(capsys, "tasks", "add", "folder", "--name", "x", status=2)
    assert "test.xlsx is a spreadsheet" in said(capsys, "run", "--model", "./tiny", "--tasks", "folder", status=2)


def test_irdatasets_pickled_documents(capsys):
    folder = random_beir(Path("shop"))
    (folder / "corpus.jsonl").rename(folder / "docs.pklz4")
    text = run(capsys, "shop")
    assert "docs.pklz4 is ir_datasets' pickled documents" in text
    assert "ir_datasets export" in text


def test_trecs_marked_up_topics(capsys):
    folder = shop()
    (folder / "queries.jsonl").unlink()
    (folder / "topics.txt").write_text("<top>\n<num> Number: 1\n<title> pipe\n</top>\n")
    text = run(capsys, "shop")
    assert "topics.txt, line 1" in text
    assert "TREC's marked-up text is not read" in text
