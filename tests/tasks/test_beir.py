from __future__ import annotations

from pathlib import Path

import pytest
from support import write_beir

from bench.errors import BenchError
from bench.tasks.beir import is_beir, read_beir, splits_of
from bench.tasks.data import NotHereError

HEAD = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_beir(
        tmp_path / "shop", {"d1": "red pipe", "d2": "blue saw"}, {"q1": "pipe", "q2": "saw"}, [("q1", "d1", 1)]
    )


def replace(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def row(key: object, text: str, **more: str) -> str:
    import json

    return json.dumps({"_id": key, "text": text, **more}, ensure_ascii=False) + "\n"


def test_what_is_read(tmp_path):
    folder = write_beir(
        tmp_path, {"d1": "red", "d2": "blue", "d3": "green"}, {"q1": "one", "q2": "two", "q3": "unjudged"},
        [("q2", "d3", 2), ("q1", "d1", 1), ("q1", "d2", 0), ("q2", "d1", -1)],
    )  # fmt: skip
    data = read_beir(folder, "test")
    assert (data.document_ids, data.documents) == (["d1", "d2", "d3"], ["red", "blue", "green"])
    assert (data.query_ids, data.queries) == (["q2", "q1"], ["two", "one"])
    pairs = zip(data.pair_queries.tolist(), data.pair_documents.tolist(), data.pair_gains.tolist(), strict=True)
    assert list(pairs) == [(0, 2, 2), (1, 0, 1)]
    assert data.notes == []


def test_a_title_goes_before_the_text_as_in_mteb(folder):
    replace(
        folder, "corpus.jsonl", row("d1", "for water", title="Red pipe") + '{"_id":"d2","title":null,"text":" saw "}\n'
    )
    assert read_beir(folder, "test").documents == ["Red pipe for water", "saw"]


def test_queries_without_a_relevant_document_are_noted(folder):
    replace(folder, "qrels/test.tsv", HEAD + "q1\td1\t1\nq2\td1\t0\n")
    data = read_beir(folder, "test")
    assert data.query_ids == ["q1", "q2"]
    assert data.notes == ["1 of 2 queries have no relevant document and score 0"]


@pytest.mark.parametrize(
    "text", ["a\u2028b", "a\u2029b", "a\u0085b", "a\x0bb", "a\x0cb", 'a"b', "a\\nb", "a\nb", "\u200b", "日本"]
)
def test_only_a_newline_ends_a_line(folder, text):
    replace(folder, "corpus.jsonl", row("d1", text) + row("d2", "saw"))
    assert read_beir(folder, "test").documents == [text, "saw"]


@pytest.mark.parametrize(
    "qrels",
    [
        HEAD + "q1\td1\t1\n",
        "q1\td1\t1",
        "\ufeff" + HEAD + "q1\td1\t1\n",
        (HEAD + "q1\td1\t1\n").replace("\n", "\r\n"),
        HEAD + "\nq1\td1\t1\n\n",
        HEAD + "q1\td1\t1\nq1\td1\t1\n",
    ],
)
def test_ways_to_write_the_same_judgement(folder, qrels):
    replace(folder, "qrels/test.tsv", qrels)
    data = read_beir(folder, "test")
    assert (data.query_ids, data.pair_documents.tolist(), data.pair_gains.tolist()) == (["q1"], [0], [1])


@pytest.mark.parametrize(
    ("name", "content", "words", "line"),
    [
        (
            "corpus.jsonl",
            row("d1", "a") + row("d2", "b") + row("d1", "c"),
            ["duplicate document id `d1` with another text (first in line 1)", "unique"],
            3,
        ),
        ("corpus.jsonl", row(1, "a") + row("1", "b"), ["duplicate document id `1` with another text"], 2),
        (
            "queries.jsonl",
            row("q1", "a") + row("q1", "a"),
            ["1 of 1 query ids are repeated with the same text: `q1`", "unique"],
            2,
        ),
        (
            "corpus.jsonl",
            row("d1", "a") + row("d2", " \t"),
            ["1 of 2 documents have an empty text: `d2`", "allow_empty: true"],
            2,
        ),
        ("queries.jsonl", row("q1", ""), ["1 of 1 queries have an empty text: `q1`", "allow_empty: true"], 1),
        (
            "corpus.jsonl",
            row("d1", "a").encode() + b'{"_id": "d2", "text": "caf\xe9"}\n',
            ["0xe9 is not UTF-8", "iconv"],
            2,
        ),
        ("corpus.jsonl", row("d1", "a") + '\n{"_id": "d2"', ["broken JSON", "one whole JSON object"], 3),
        ("corpus.jsonl", row("d1", "a") + row("d2", "b").replace("\n", " ") + row("d3", "c"), ["broken JSON"], 2),
        ("corpus.jsonl", "[1]\n", ["expected a JSON object, found list"], 1),
        ("corpus.jsonl", row("d1", "a") + "null\n", ["expected a JSON object, found NoneType"], 2),
        (
            "corpus.jsonl",
            row("d1", "a") + '{"_id": "d2", "Text": "b"}\n',
            ["the text can be in `text` and `Text`"],
            None,
        ),
        ("corpus.jsonl", '{"text": "a"}\n', ["no column for id", "columns found: text"], None),
        ("corpus.jsonl", '{"_id": null, "text": "a"}\n', ["`_id` is null or not there"], 1),
        ("corpus.jsonl", '{"_id": 1.5, "text": "a"}\n', ["`_id` holds '1.5', of type float", "whole numbers"], 1),
        ("corpus.jsonl", '{"_id": true, "text": "a"}\n', ["`_id` holds 'True', a boolean"], 1),
        ("corpus.jsonl", '{"_id": 1e16, "text": "a"}\n', ["`_id` holds 1e+16, too large", "as texts"], 1),
        ("corpus.jsonl", '{"_id": "", "text": "a"}\n', ["`_id` is empty"], 1),
        ("corpus.jsonl", '{"_id": "d1"}\n', ["no column for text"], None),
        ("corpus.jsonl", row("d1", "a") + '{"_id": "d2", "text": null}\n', ["`text` is null or not there"], 2),
        ("corpus.jsonl", '{"_id": "d1", "text": "a", "text": "b"}\n', ["the key `text` is there twice"], 1),
        ("corpus.jsonl", '{"_id": "d1", "text": 3}\n', ["`text` holds '3', of type int, where a text belongs"], 1),
        ("corpus.jsonl", '{"_id": "d1", "text": "a", "title": 3}\n', ["`title` holds '3', of type int"], 1),
        ("corpus.jsonl", "\n\n", ["no document in the file"], None),
        ("queries.jsonl", "", ["no query in the file"], None),
        ("qrels/test.tsv", HEAD + "q1\td1\n", ["expected 3 columns", "found 2", "query-id<TAB>corpus-id<TAB>score"], 2),
        ("qrels/test.tsv", "q1\td1\t0\t1\n", ["`d1` is the second of four columns without names"], 1),
        ("qrels/test.tsv", "q1\tQ0\td1\t1\t0.5\tbm25\n", ["six columns are a run"], 1),
        ("qrels/test.tsv", HEAD + "q1 d1 1\n", ["expected 3 columns", "found 1"], 2),
        ("qrels/test.tsv", HEAD + "q1\td1\t0.5\n", ["the label 0.5 is not a whole number", "0 is not relevant"], 2),
        ("qrels/test.tsv", HEAD + "q1\td1\t1_0\n", ["the label '1_0' is not a number"], 2),
        ("qrels/test.tsv", HEAD + "q1\td1\t\n", ["no row has a label"], 2),
        ("qrels/test.tsv", HEAD + "q1\td1\t1\nq1\td1\t2\n", ["1 of 1 pairs of", "two different labels: `q1 d1`"], 3),
        ("qrels/test.tsv", HEAD.encode() + b"q1\td\xff\t1\n", ["0xff is not UTF-8"], 2),
        ("qrels/test.tsv", HEAD, ["no judgement in the file"], None),
        ("qrels/test.tsv", "", ["no judgement in the file"], None),
        (
            "qrels/test.tsv",
            HEAD + "q1\td1\t0\nq2\td1\t-1\n",
            ["no document is relevant to any query", "1 or more"],
            None,
        ),
        ("qrels/test.tsv", HEAD + "q1\td9\t1\n", ["1 of 1 judged documents", "corpus.jsonl: `d9`", "remove"], None),
        ("qrels/test.tsv", HEAD + "q9\td1\t1\n", ["1 of 1 judged queries", "queries.jsonl: `q9`", "remove"], None),
        (
            "qrels/test.tsv",
            HEAD + "".join(f"q1\tx{i}\t1\n" for i in range(5)),
            ["5 of 5 judged documents are not in corpus.jsonl: `x0`, `x1`, `x2`, ..."],
            None,
        ),
    ],
)
def test_a_bad_file(folder, name, content, words, line):
    path = replace(folder, name, content)
    with pytest.raises(BenchError) as caught:
        read_beir(folder, "test")
    assert caught.value.where == (str(path) if line is None else f"{path}, line {line}")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(NotHereError, match=f"no file {name}") as caught:
        read_beir(folder, "test")
    assert caught.value.where == str(folder)
    assert "qrels/<split>.tsv" in caught.value.hint


@pytest.mark.parametrize(("splits", "found"), [(["dev", "train"], "dev, train"), ([], "none")])
def test_an_unknown_split_with_the_splits_found(folder, splits, found):
    (folder / "qrels" / "test.tsv").unlink()
    for split in splits:
        (folder / "qrels" / f"{split}.tsv").write_text(HEAD)
    assert splits_of(folder) == splits
    with pytest.raises(BenchError, match="no judgements for the split `test`") as caught:
        read_beir(folder, "test")
    assert caught.value.hint == f"splits found: {found}"


def test_empty_texts_where_the_card_allows_them(folder):
    replace(folder, "corpus.jsonl", row("d1", "") + row("d2", "b"))
    assert read_beir(folder, "test", allow_empty=True).documents == ["", "b"]


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_is_beir(tmp_path, name):
    assert not is_beir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert is_beir(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("qrels/test.tsv", "q1\td1\t1000001\n", "the label 1000001 is too large"),
        ("qrels/test.tsv", f"q1\td1\t-{10**40}\n", f"the label -1{'0' * 18} is too large"),
        ("corpus.jsonl", "[" * 100_000, "broken JSON"),
        ("corpus.jsonl", '{"_id": "d1", "text": "\\ud83d"}\n', "half of a surrogate pair"),
        ("queries.jsonl", '{"_id": "\\ude00", "text": "x"}\n', "half of a surrogate pair"),
    ],
    ids=["label", "negative label", "deep JSON", "half a character", "half a character as id"],
)
def test_a_value_beyond_the_limits(folder, name, content, words):
    path = replace(folder, name, content)
    with pytest.raises(BenchError, match=words) as caught:
        read_beir(folder, "test")
    assert caught.value.where == f"{path}, line 1"


@pytest.mark.parametrize(("label", "message"), [("1.5", "not a whole number"), ("nan", "nor a heading")])
def test_a_bad_label_in_the_first_line_is_not_taken_for_the_head(folder, label, message):
    replace(folder, "qrels/test.tsv", f"q1\td1\t{label}\nq2\td2\t1\n")
    with pytest.raises(BenchError, match=message) as caught:
        read_beir(folder, "test")
    assert caught.value.where.endswith("test.tsv, line 1")


def test_what_stays_within_the_limits(folder):
    replace(folder, "qrels/test.tsv", "q1\td1\t1000000\n")
    replace(folder, "corpus.jsonl", '{"_id": "d1", "text": "\\ud83d\\ude00"}\n')
    data = read_beir(folder, "test")
    assert (data.documents, data.pair_gains.tolist()) == (["\U0001f600"], [1_000_000])


def test_an_endless_label_is_cut_in_the_message(folder):
    replace(folder, "qrels/test.tsv", f"q1\td1\t{'9' * 5000}\n")
    with pytest.raises(BenchError) as caught:
        read_beir(folder, "test")
    assert len(caught.value.message) < 200
