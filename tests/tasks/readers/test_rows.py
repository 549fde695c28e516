from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import write_jsonl, write_parquet

from bench.errors import BenchError
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile, local_files
from bench.tasks.readers.rows import read_rows

ROWS = [{"a": "one, two", "b": "x\ny"}, {"a": "é", "b": '"'}]
PLAIN = Format()


def data_file(path: Path) -> DataFile:
    return local_files(path)([path.name])[0]


def rows(path: Path, columns: list[str] | None = None, text: Format = PLAIN) -> list[tuple[str, dict]]:
    read = read_rows(data_file(path), lambda found: columns or found, text)
    return [(row.place, row.cells) for row in read]


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_csv(objects: list[dict], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(objects[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(objects)
    return out.getvalue()


def test_every_format_gives_the_same_cells_and_says_where_they_stand(tmp_path):
    # The second row of the CSV starts in line 4: the first one's second cell holds a line end.
    assert rows(written(tmp_path, "t.csv", as_csv(ROWS))) == [("line 2", ROWS[0]), ("line 4", ROWS[1])]
    assert rows(written(tmp_path, "t.tsv", as_csv(ROWS, "\t"))) == [("line 2", ROWS[0]), ("line 4", ROWS[1])]
    assert rows(write_jsonl(tmp_path / "t.jsonl", ROWS)) == [("line 1", ROWS[0]), ("line 2", ROWS[1])]
    assert rows(write_jsonl(tmp_path / "t.json", ROWS)) == [("line 1", ROWS[0]), ("line 2", ROWS[1])]
    numbered = [("row 1", ROWS[0]), ("row 2", ROWS[1])]
    assert rows(written(tmp_path, "array.json", "\ufeff \n" + json.dumps(ROWS, indent=1))) == numbered
    assert rows(write_parquet(tmp_path / "t.parquet", ROWS)) == numbered


def test_only_the_wanted_columns_are_read(tmp_path):
    for path in (
        written(tmp_path, "t.csv", as_csv(ROWS)),
        write_jsonl(tmp_path / "t.jsonl", ROWS),
        write_parquet(tmp_path / "t.parquet", ROWS),
    ):
        assert [cells for _, cells in rows(path, ["b"])] == [{"b": "x\ny"}, {"b": '"'}]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_what_is_written_as_csv_is_read_again(pairs):
    objects = [{"a": first, "b": second} for first, second in pairs]
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "t.csv", as_csv(objects))
        found = rows(path)
        lines = path.read_bytes().decode().split("\n")
    assert [cells for _, cells in found] == objects
    for place, cells in found:
        start = lines[int(place.removeprefix("line ")) - 1]
        assert cells["a"].split("\n")[0].replace('"', '""') in start


def test_csv_may_have_another_encoding_and_delimiter(tmp_path):
    path = written(tmp_path, "t.csv", "a;b\ncafé;1,5\n".encode("latin-1"))
    assert rows(path, text=Format(["latin-1"], ";")) == [("line 2", {"a": "café", "b": "1,5"})]
    with pytest.raises(BenchError, match="byte 0xe9 is not UTF-8") as caught:
        rows(path, text=Format(["utf-8"], ";"))
    assert caught.value.where == f"{path}, line 2"


def test_the_first_encoding_that_fits_the_whole_file_counts(tmp_path):
    either = Format(["utf-8", "latin-1"])
    for encoding in either.encodings:
        # The byte that tells stands after more than one block.
        text = "a\n" + "plain\n" * 200_000 + "è\n"
        found = rows(written(tmp_path, "t.csv", text.encode(encoding)), text=either)
        assert found[-1] == ("line 200002", {"a": "è"})


def test_a_byte_order_mark_belongs_to_no_column(tmp_path):
    assert rows(written(tmp_path, "t.csv", "\ufeffa,b\n1,2\n")) == [("line 2", {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("name", "content", "place", "message"),
    [
        ("t.csv", "a,b\n1,2\n1,2,3\n", "line 3", "3 cells, but the heading has 2"),
        ("t.csv", "a,b\n1,2\n1\n", "line 3", "1 cells, but the heading has 2"),
        ("t.csv", '"a",b\n1,2\n"1"x,2\n', "line 3", "broken CSV"),
        ("t.csv", 'a,b\n"1",2\n"1"x,2\n', "line 3", "broken CSV"),
        ("t.csv", 'a,b\n1,2\n3,"4\n\n5', "line 3", "broken CSV"),
        ("t.csv", "a,a\n1,2\n", "line 1", "the heading has `a` in columns 1 and 2"),
        ("t.jsonl", '{"a": 1}\n{"a": }\n', "line 2", "broken JSON"),
        ("t.jsonl", '{"a": 1}\n[1]\n', "line 2", "expected a JSON object, found list"),
        ("t.json", '[{"a": 1},\n {"a": }]', "line 2", "broken JSON"),
        ("t.json", '[{"a": 1}, 2]', "row 2", "expected a JSON object, found int"),
        ("t.json", r'[{"a": "\ud800"}]', "t.json", "half of a surrogate pair"),
        ("t.parquet", "PAR1 nonsense", "t.parquet", "broken Parquet"),
        ("t.xlsx", "PK", "t.xlsx", "this is a spreadsheet, which is not read"),
        ("t", "a", "t", "a table cannot be read from a file of this name"),
    ],
)
def test_broken_files_say_where(tmp_path, name, content, place, message):
    with pytest.raises(BenchError, match=message) as caught:
        rows(written(tmp_path, name, content))
    assert caught.value.where.endswith(place)


def objects(path: Path) -> list[tuple[str, dict]]:
    return [(row.place, row.cells) for row in read_rows(data_file(path), lambda found: found)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3), max_size=4))
def test_json_lines_come_back_with_the_keys_of_all_rows(rows):
    keys = list(dict.fromkeys(key for row in rows for key in row))
    with tempfile.TemporaryDirectory() as folder:
        path = write_jsonl(Path(folder) / "rows.jsonl", rows)
        assert objects(path) == [(f"line {n}", {key: row.get(key) for key in keys}) for n, row in enumerate(rows, 1)]


def test_blank_lines_are_counted_and_passed_over(tmp_path):
    path = written(tmp_path, "x.jsonl", '{}\r\n\n  \n{"a": 1}')
    assert objects(path) == [("line 1", {"a": None}), ("line 4", {"a": 1})]


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        (b"{}\n{broken\n", "broken JSON", 2),
        (b"{}\n{} {}\n", "broken JSON: Extra data", 2),
        (b"{}\n\n[]\n", "expected a JSON object, found list", 3),
        (b"1\n", "expected a JSON object, found int", 1),
        (b"{}\n{}\n\xff\n", "byte 0xff is not UTF-8", 3),
        (b'{"a": ' + b"9" * 5000 + b"}\n", "broken JSON", 1),
        (b"{}\n" + b'{"a": ' * 100_000, "broken JSON: nested too deeply", 2),
        (b'{}\n{"a": "x\\ud83d"}\n', "half of a surrogate pair", 2),
        (b'{"\\ude00": 1}\n', "half of a surrogate pair", 1),
        (b'{"a": 1, "a": 2}\n', "the key `a` is there twice", 1),
    ],
)
def test_a_bad_line(tmp_path, content, words, line):
    path = written(tmp_path, "x.jsonl", content)
    with pytest.raises(BenchError, match=words) as caught:
        objects(path)
    assert caught.value.where == f"{path}, line {line}"


def test_columns_of_one_name_in_parquet(tmp_path):
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(BenchError, match="`a` in columns 1 and 2"):
        rows(tmp_path / "t.parquet")


def test_a_file_that_is_gone_is_no_traceback(tmp_path):
    file = data_file(written(tmp_path, "t.csv", "a\n1\n"))
    (tmp_path / "t.csv").unlink()
    with pytest.raises(BenchError, match="no such file"):
        list(read_rows(file, lambda found: found, Format()))


def test_row_groups_come_in_a_drawn_order_and_keep_their_row_numbers(tmp_path):
    path = write_parquet(tmp_path / "t.parquet", [{"n": n} for n in range(10)], group=2)
    order = np.random.default_rng(3)
    read = list(read_rows(data_file(path), lambda found: found, Format(), order))
    expected = [2 * group + k for group in np.random.default_rng(3).permutation(5) for k in (0, 1)]
    assert [row.cells["n"] for row in read] == expected
    assert [row.place for row in read] == [f"row {n + 1}" for n in expected]


def test_files_are_found_by_name_and_by_pattern_in_order(tmp_path):
    for name in ("data/train-1.csv", "data/train-0.csv", "a[1].csv", "data/deep/train-2.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a\n")
    find = local_files(tmp_path)
    assert [file.name for file in find(["data/train-*.csv"])] == ["data/train-0.csv", "data/train-1.csv"]
    assert [file.name for file in find(["a[1].csv", "data"])] == ["a[1].csv"]
    assert local_files(tmp_path / "a[1].csv")(["data/*.csv"]) == []
    assert find(["data/train-0.csv"])[0].where == f"{tmp_path}/data/train-0.csv"
