from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.tasks.readers.delimited import UNKNOWN, Dialect, Format, read_delimited, recognise_dialect
from bench.tasks.readers.files import local_file

STS = 'a\tb\tscore\n"x.\ty\t1\nz."\tw\t2\nq\tr\t3\n'


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path, text: Format = UNKNOWN) -> list[list[str]]:
    return [cells for _, cells in read_delimited(local_file(path), text)]


@pytest.mark.parametrize(
    ("name", "content", "delimiter", "quoting", "count"),
    [
        # The usual delimiter of the name, as long as the heading has it.
        ("t.csv", "a,b\n1,2\n", ",", "standard", 2),
        ("t.tsv", "a\tb\n1\t2\n", "\t", "standard", 2),
        ("t.tsv", "a,b\n1,2\n", ",", "standard", 2),
        ("t.csv", "a;b\n1,5;2\n", ";", "standard", 2),
        ("t.csv", "a|b\n1|2\n", "|", "standard", 2),
        ("t.csv", "only\nx, y\n", ",", "standard", 2),
        # The heading holds two; only one divides every row alike.
        ("t.csv", "price, net;b\n1;2\n3,5;4\n", ";", "standard", 3),
        ("t.csv", "a,b;c\n1,2;3\n4,5\n", ",", "standard", 3),
        # Excel's line.
        ("t.csv", "sep=;\na;b\n1;2\n", ";", "standard", 2),
        ("t.csv", '"sep=|"\na|b\n1|2\n', "|", "standard", 2),
        # Quotes as characters: what begins with one does not go on to the next.
        ("t.tsv", STS, "\t", "none", 4),
        ("t.csv", STS.replace("\t", ","), ",", "none", 4),
        ("t.csv", STS.replace("\t", ";"), ";", "none", 4),
        ("t.tsv", 'a\tb\n"x\ty\nz"\tw\n', "\t", "none", 3),
        ("t.tsv", 'a\tb\n"open\ty\nz\tw\n', "\t", "none", 3),
        ("t.csv", 'a,b\n"Hello" he said,y\nz,w\n', ",", "none", 3),
        ("t.tsv", 'a\tb\n"whole"\ty\n"Hello" he said\tw\n', "\t", "none", 3),
        # Quotes around cells.
        ("t.csv", 'a,b\n"x,y\nz",w\n', ",", "standard", 2),
        ("t.csv", '"a","b"\n"x,y\nz","w"\n', ",", "standard", 2),
        ("t.tsv", '"a"\t"b"\n"x\ty\nz"\t"w"\n', "\t", "standard", 2),
        ("t.tsv", 'a\tb\n"x ""y""\tv\nz"\tw\n', "\t", "standard", 2),
        ("t.csv", 'a,b,n\n"x,y,v\nz",w,1\nq,r,2\n', ",", "standard", 3),
        ("t.tsv", 'a\tb\n"x"\ty\n', "\t", "standard", 2),
        ("t.csv", 'a,b\n"x\ny",z\n', ",", "standard", 2),
    ],
)
def test_how_a_file_is_written_is_seen_in_all_of_it(tmp_path, name, content, delimiter, quoting, count):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = written(tmp_path, name, content.encode(encoding))
        found = recognise_dialect(local_file(path), Format())
        assert (found.delimiter, found.quoting) == (delimiter, quoting)
        assert len(rows(path)) == count


def test_what_is_stated_is_not_recognised(tmp_path):
    path = written(tmp_path, "t.tsv", STS)
    assert len(rows(path, Format(quoting="standard"))) == 3
    assert rows(path, Format(delimiter=";", quoting="none"))[1] == ['"x.\ty\t1']


def test_quotes_stay_or_go(tmp_path):
    assert rows(written(tmp_path, "t.tsv", STS))[1:3] == [['"x.', "y", "1"], ['z."', "w", "2"]]
    assert rows(written(tmp_path, "t.csv", 'a,b\n"x ""y""",z\n'))[1] == ['x "y"', "z"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b;c\n1,2;3\n", "the delimiter can be comma and semicolon"),
        ('a,b\n"whole",x\n"Hello" he said,y\n', "broken CSV"),
        ('"a",b\n"x,y\n', "broken CSV: unexpected end of data"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path, content, message):
    path = written(tmp_path, "t.csv", content)
    with pytest.raises(BenchError, match=message) as caught:
        rows(path)
    assert "--" in caught.value.hint


def test_lines_count_from_the_top_of_the_file(tmp_path):
    path = written(tmp_path, "t.csv", 'sep=;\n\na;b\n"x\ny";z\n\nq;r\n')
    found = list(read_delimited(local_file(path), Format()))
    assert found == [(3, ["a", "b"]), (4, ["x\ny", "z"]), (7, ["q", "r"])]


def test_pythons_limit_for_cells_is_left_as_it_is(tmp_path):
    path = written(tmp_path, "t.csv", f'a,b\n"{"x" * 300_000}",y\nz,w\n')
    before = csv.field_size_limit()
    reading = read_delimited(local_file(path), Format())
    for _, cells in reading:
        assert csv.field_size_limit() == before == 131_072
        last = cells
    assert last == ["z", "w"]


@pytest.mark.parametrize(
    ("dialect", "shown"),
    [(Dialect(";", "standard"), "delimiter semicolon"), (Dialect("^", "none"), "delimiter '^', no quoting")],
)
def test_a_dialect_for_people(dialect, shown):
    assert str(dialect) == shown
