from __future__ import annotations

import csv
import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import write_jsonl

from bench.errors import BenchError
from bench.tasks.data import pair_ids
from bench.tasks.pairs import read_pairs

HEAD = "sentence1,sentence2,score\n"


def line(score: str = "1", **changes: object) -> str:
    """One line; `score` is written as it stands."""
    texts = {"sentence1": "a", "sentence2": "b", **changes}
    return json.dumps(texts, ensure_ascii=False)[:-1] + f', "score": {score}}}\n'


def written(tmp_path: Path, suffix: str, content: str | bytes) -> Path:
    path = tmp_path / f"test{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".jsonl", line("1") + line("2.5", sentence1="c")),
        (".jsonl", "\ufeff" + line("1") + "\n" + line('"2.5"', sentence1="c", extra=[1])),
        (".csv", HEAD + "a,b,1\nc,b,2.5\n"),
        (".csv", "\ufeff" + HEAD + "a,b,1\nc,b,2.5"),
        (".csv", (HEAD + 'a,b,1\n"c",b,2.5\n').replace("\n", "\r\n")),
        (".csv", HEAD.replace(",", ";") + "a;b;1\nc;b;2,5\n"),
        (".csv", "sep=;\r\n" + HEAD.replace(",", ";") + "a;b;1\nc;b;2,5\n"),
        (".csv", (HEAD + "a,b,1\nc,b,2.5\n").encode("utf-16")),
        (".tsv", (HEAD + "a,b,1\nc,b,2.5\n").replace(",", "\t")),
        (".json", "[" + line("1").strip() + ",\n" + line('"2.5"', sentence1="c") + "]"),
        (".jsonl.gz", gzip.compress((line("1") + line("2.5", sentence1="c")).encode(), mtime=0)),
        (".csv", "id,score,sentence2,sentence1\n7,1,b,a\n8,2.5,b,c\n"),
    ],
)
def test_ways_to_write_the_same_pairs(tmp_path, suffix, content):
    data = read_pairs(written(tmp_path, suffix, content))
    assert (data.sentences1, data.sentences2, data.gold.tolist()) == (["a", "c"], ["b", "b"], [1.0, 2.5])
    assert data.ids == pair_ids(["a", "c"], ["b", "b"], [1, 2.5])


@pytest.mark.parametrize(
    ("suffix", "content", "words", "line_number"),
    [
        (".jsonl", line() + '{"sentence1": "a", "score": 1}\n', ["`sentence2` is null or not there"], 2),
        (".jsonl", line(sentence1=3), ["`sentence1` holds '3', of type int"], 1),
        (".jsonl", line() + line(sentence2=" "), ["`sentence2` is empty", "allow_empty: true"], 2),
        (".jsonl", line() + line()[:-3], ["broken JSON"], 2),
        (".jsonl", '["a", "b", 1]\n', ["expected a JSON object, found list"], 1),
        (".jsonl", line().encode() + b'{"sentence1": "caf\xe9"}\n', ["0xe9 is not UTF-8"], 2),
        (".jsonl", line() + line("NaN"), ["the score 'nan' is not a number"], 2),
        (".jsonl", line() + line("Infinity"), ["the score 'inf' is not a number"], 2),
        (".jsonl", line() + line("1e400"), ["the score 'inf' is not a number"], 2),
        (".jsonl", line('"nan"'), ["the score 'nan' is not a number"], 1),
        (".jsonl", line("true"), ["the score 'True' is not a number"], 1),
        (".jsonl", line("null"), ["the score is empty", "--score-column"], 1),
        (".jsonl", line("[1]"), ["the score '[1]' is not a number"], 1),
        (".jsonl", line('"high"'), ["the score 'high' is not a number"], 1),
        (".jsonl", line(), ["1 pairs; a correlation needs at least 2"], None),
        (".jsonl", "", ["0 pairs"], None),
        (".jsonl", line("3") + line("3.0"), ["every score is 3: no correlation", "check the column `score`"], None),
        (".csv", "", ["0 pairs"], None),
        (".csv", "sentence1,score\na,1\n", ["no column `sentence2`", "columns found: sentence1, score"], None),
        (".csv", "a,b,score\nx,y,1\n", ["no column `sentence1`", "tasks add", "--sentence1-column"], None),
        (".csv", HEAD + "a,b,1\nc\n", ["1 cells, but the heading has 3 columns"], 3),
        (".csv", HEAD + "a,b,\n", ["the score is empty"], 2),
        (".csv", HEAD + "Hello, world,b,1\n", ["4 cells, but the heading has 3 columns", "into quotes"], 2),
        (".csv", HEAD + "a,b,1\nHello,world,2,b,3\n", ["5 cells, but the heading has 3 columns"], 3),
        (".jsonl", line("1" + "0" * 400), [f"the score '1{'0' * 39}...' is not a number"], 1),
        (".jsonl", line() + line(sentence1="").replace('""', '"\\ud83d"'), ["half of a surrogate pair"], 2),
        (".csv", HEAD + ",b,1\n", ["`sentence1` is empty"], 2),
        (".csv", HEAD + '"a\nb",c,1\n"d\ne",f,x\n', ["the score 'x' is not a number"], 4),
        (".csv", HEAD.encode() + b"a,b,1\ncaf\xe9,b,2\n", ["0xe9 is not UTF-8"], 3),
        (".csv", HEAD + "a,b,1\n", ["1 pairs"], None),
    ],
)
def test_a_bad_file(tmp_path, suffix, content, words, line_number):
    path = written(tmp_path, suffix, content)
    with pytest.raises(BenchError) as caught:
        read_pairs(path)
    assert caught.value.where == (str(path) if line_number is None else f"{path}, line {line_number}")
    for word in words:
        assert word in str(caught.value)


def test_empty_sentences_where_the_card_allows_them(tmp_path):
    path = written(tmp_path, ".jsonl", line(sentence1="") + line("2"))
    assert read_pairs(path, allow_empty=True).sentences1 == ["", "a"]


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=5))
def test_any_text_comes_back_from_either_format(pairs):
    rows = [{"sentence1": first, "sentence2": second, "score": row} for row, (first, second) in enumerate(pairs)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [write_jsonl(Path(folder) / "test.jsonl", rows), Path(folder) / "test.csv"]
        with paths[1].open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, ["sentence1", "sentence2", "score"], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        for path in paths:
            data = read_pairs(path)
            assert list(zip(data.sentences1, data.sentences2, strict=True)) == pairs
            assert data.gold.tolist() == list(range(len(pairs)))


@pytest.mark.parametrize(
    ("content", "words", "place"),
    [
        (HEAD + 'a,b,1\n"c","d"x,2\n', "',' expected after '\"'", ", line 3"),
        ('"sentence1","sentence2","score"\na,b,1\nc,"d,2\n', "unexpected end of data", ", line 3"),
        ('"sentence1,sentence2,score\na,b,1\n', "unexpected end of data", ", line 1"),
    ],
)
def test_bad_quotes(tmp_path, content, words, place):
    path = written(tmp_path, ".csv", content)
    with pytest.raises(BenchError) as caught:
        read_pairs(path)
    assert words in caught.value.message
    assert caught.value.where == f"{path}{place}"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_may_have_any_length(tmp_path, quote):
    """Python's limit is the process's: it must not depend on what was read before."""
    before = csv.field_size_limit()
    path = written(tmp_path, ".csv", f"{HEAD}{quote}{'x' * 200_000}{quote},b,1\nc,d,2\n")
    assert len(read_pairs(path).sentences1[0]) == 200_000
    assert csv.field_size_limit() == before == 131_072


def test_pairs_are_named_by_content_whatever_their_place():
    forward = pair_ids(["a", "c", "a"], ["b", "d", "b"], [1, 2, 1])
    assert len(set(forward)) == 3
    # The same pair twice: the second is numbered, so that both are kept.
    assert forward[2] == f"{forward[0]}-1"
    assert sorted(pair_ids(["c", "a", "a"], ["d", "b", "b"], [2, 1, 1])) == sorted(forward)
    assert pair_ids(["a"], ["b"], [2]) != pair_ids(["a"], ["b"], [1])
