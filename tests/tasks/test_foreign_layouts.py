"""Retrieval folders as MS MARCO, TREC, ir_datasets and the Hub have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import write_beir, write_jsonl, write_parquet
from written_tasks import drawn_content, ms_marco, read, trec, write_lines

from bench.errors import BenchError
from bench.tasks.beir import is_beir, read_beir, splits_of
from bench.tasks.catalog import select_tasks
from bench.tasks.data import NotHereError

CONTENT = drawn_content(7)


def test_ms_marcos_folder(tmp_path):
    ms_marco(tmp_path, CONTENT)
    write_lines(tmp_path / "queries.train.tsv", ["77\ta training question"])
    write_lines(tmp_path / "qrels.train.tsv", ["77\t0\t10\t1"])
    write_lines(tmp_path / "queries.dev.small.tsv", ["1\tone question"])
    write_lines(tmp_path / "qrels.dev.small.tsv", ["1\t0\t10\t1"])
    assert is_beir(tmp_path)
    assert splits_of(tmp_path) == ["dev", "dev.small", "train"]
    [task] = select_tasks([str(tmp_path)], [])
    [unit] = task.units()
    assert unit.fingerprint == CONTENT.data().fingerprint()
    assert task.training().data.queries == ["a training question"]
    assert read_beir(tmp_path, "dev.small").queries == ["one question"]


def test_quotes_of_files_without_a_heading_belong_to_the_text(tmp_path):
    write_lines(tmp_path / "collection.tsv", ['1\t"a, b', '2\t"c"', '3\td "e" f"'])
    write_lines(tmp_path / "queries.test.tsv", ['7\t"what', '8\tis it"'])
    write_lines(tmp_path / "qrels.test.tsv", ["7 0 1 1", "8 0 2 1"])
    data = read_beir(tmp_path, "test")
    assert data.documents == ['"a, b', '"c"', 'd "e" f"']
    assert data.queries == ['"what', 'is it"']


def test_trecs_iteration_may_be_any_number_or_q0(tmp_path):
    trec(tmp_path, CONTENT)
    path = tmp_path / "qrels.test.txt"
    before = path.read_text()
    card = select_tasks([str(tmp_path)], [])[0].card
    for iteration in ("Q0", "1"):
        path.write_text(before.replace(" 0 ", f" {iteration} "))
        assert read(tmp_path, card).fingerprint() == CONTENT.data().fingerprint()
    path.rename(tmp_path / "qrels")
    assert read(tmp_path, card).fingerprint() == CONTENT.data().fingerprint()


def test_ir_datasets_files(tmp_path):
    """Its queries are JSON Lines called .json, its judgements have a heading."""
    documents = [{"doc_id": key, "text": text, "title": ""} for key, text in CONTENT.documents.items()]
    write_jsonl(tmp_path / "corpus.jsonl", documents)
    queries = [{"query_id": key, "text": text, "metadata": {}} for key, text in CONTENT.queries.items()]
    write_jsonl(tmp_path / "queries.json", queries)
    lines = ["\t".join(map(str, row)) for row in CONTENT.labels]
    (tmp_path / "test.qrels").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    assert splits_of(tmp_path) == ["test"]
    assert read_beir(tmp_path, "test").fingerprint() == CONTENT.data().fingerprint()
    (tmp_path / "corpus.jsonl").unlink()
    (tmp_path / "docs.pklz4").mkdir()
    assert is_beir(tmp_path)
    with pytest.raises(NotHereError, match="corpus") as caught:
        read_beir(tmp_path, "test")
    assert "docs.pklz4 is ir_datasets' pickled documents" in caught.value.hint


@pytest.mark.parametrize("layout", ["corpus/corpus", "corpus/test", "corpus/train", "data/corpus", "corpus"])
def test_the_hubs_parquet(tmp_path, layout):
    rows = [{"_id": key, "title": "", "text": text} for key, text in CONTENT.documents.items()]
    half = len(rows) // 2
    for part, some in enumerate((rows[:half], rows[half:])):
        write_parquet(tmp_path / f"{layout}-0000{part}-of-00002.parquet", some)
    queries = [{"_id": key, "text": text} for key, text in CONTENT.queries.items()]
    write_parquet(tmp_path / "queries" / "queries-00000-of-00001.parquet", queries)
    labels = [{"query-id": q, "corpus-id": d, "score": float(label)} for q, d, label in CONTENT.labels]
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", labels)
    assert is_beir(tmp_path)
    assert read_beir(tmp_path, "test").fingerprint() == CONTENT.data().fingerprint()


def test_parts_of_any_table_must_all_be_there(tmp_path):
    folder = write_beir(tmp_path, CONTENT.documents, CONTENT.queries, CONTENT.labels)
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "test-00001-of-00002.tsv")
    with pytest.raises(NotHereError, match="1 of 2 parts") as caught:
        read_beir(folder, "test")
    assert "missing: qrels/test-00000-of-00002.tsv" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "lines", "message", "line"),
    [
        ("qrels.test.txt", ["1 0 10 1", "1 0 11"], "expected 4 columns, found 3", 2),
        ("qrels.test.txt", ["1 x 10 1"], "where TREC has 0 or Q0", 1),
        ("qrels.test.txt", ["1 Q0 10 1 0.5 run"], "six columns are a run", 1),
        ("qrels.test.txt", ["1 0 10 one"], "neither a judgement nor a heading", 1),
        ("topics.tsv", ["1\ta\tb"], "expected an id, a tab and a text, found 3 columns", 1),
        ("topics.tsv", ["1\ta", "1\tb"], "duplicate query id `1`", 2),
        ("topics.tsv", ["Nr\tFrage", "1\ta", "2\tb", "3\tc", "4\td"], "is this line a heading", 1),
        ("topics.tsv", ["1\ta", "id\ttext"], "a heading below other rows", 2),
    ],
)
def test_lines_that_do_not_fit(tmp_path, name, lines, message, line):
    trec(tmp_path, CONTENT)
    path: Path = write_lines(tmp_path / name, lines)
    with pytest.raises(BenchError, match=message) as caught:
        read_beir(tmp_path, "test")
    assert caught.value.where == f"{path}, line {line}"
