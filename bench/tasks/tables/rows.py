"""Reading the rows of CSV, JSON Lines, JSON and Parquet files one after the other, with their places."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from bench.errors import BenchError
from bench.files import json_lines, parse_json, text_lines
from bench.tasks.tables.files import DataFile

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

_LARGEST_CELL = 1 << 27
_BATCH = 1024
_BLOCK = 1 << 20
_ENCODING_HINT = "say what it is, `encoding: latin-1` in the card's `table` or --encoding latin-1, or save it as UTF-8"

# Told the columns found, says which are wanted, or raises.
Choose = Callable[[list[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """The wanted cells of a row.

    Attributes:
        cells: By column; None where the row has none.
        file: Its file, for messages.
        place: Where in the file: `line 3`, or `row 3` in formats without lines; 1-based.
    """

    cells: dict[str, Any]
    file: str
    place: str

    @property
    def where(self) -> str:
        """File and place."""
        return f"{self.file}, {self.place}"


@dataclass(frozen=True)
class Format:
    """How text files are written.

    Attributes:
        encodings: Encodings that CSV may have, in order.
        delimiter: Between the cells of CSV; by default a tab in .tsv and a comma elsewhere.
    """

    encodings: Sequence[str] = ("utf-8",)
    delimiter: str | None = None


def read_rows(file: DataFile, choose: Choose, text: Format, order: np.random.Generator | None = None) -> Iterator[Row]:
    """The rows of a file.

    Args:
        file: The file.
        choose: Told the columns of the file, says which to read.
        text: How text files are written.
        order: Draws the order in which a Parquet file's row groups are read; without it, as they stand.

    Raises:
        BenchError: The file cannot be read or is broken, with the line, or its format is unknown.
    """
    try:
        with file.open() as handle:
            yield from _read(handle, file, choose, text, order)
    except FileNotFoundError as error:
        raise BenchError("no such file", where=file.where, hint="check the path") from error
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=file.where) from error


def _read(
    handle: BinaryIO, file: DataFile, choose: Choose, text: Format, order: np.random.Generator | None
) -> Iterator[Row]:
    if file.suffix in {".csv", ".tsv"}:
        delimiter = text.delimiter or ("\t" if file.suffix == ".tsv" else ",")
        return _csv(handle, file.where, choose, fitting_encoding(handle, text.encodings), delimiter)
    if file.suffix in {".jsonl", ".ndjson"} or (file.suffix == ".json" and not _holds_array(handle)):
        return _json_lines(handle, file.where, choose)
    if file.suffix == ".json":
        return _json_array(handle, file.where, choose)
    if file.suffix == ".parquet":
        return _parquet(handle, file.where, choose, order)
    raise BenchError(
        f"a table cannot be read from {file.suffix or 'a file without a suffix'}",
        where=file.where,
        hint=f"known: {', '.join(SUFFIXES)}",
    )


def fitting_encoding(handle: BinaryIO, encodings: Sequence[str]) -> str:
    """The first encoding that a whole file can be read in, else the last; the file is left at its start."""
    for encoding in encodings[:-1]:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while block := handle.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        else:
            return encoding
        finally:
            handle.seek(0)
    return encodings[-1]


def _csv(handle: BinaryIO, name: str, choose: Choose, encoding: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(text_lines(handle, name, encoding, _ENCODING_HINT), delimiter=delimiter, strict=True)
    line = 1
    try:
        heading = [cell.strip() for cell in next(reader, [])]
        _check_unique(heading, f"{name}, line 1")
        wanted = [(column, heading.index(column)) for column in choose(heading)]
        # A quoted cell may hold line ends: a row is named by the line that it starts in.
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(heading):
                raise BenchError(
                    f"{len(cells)} cells, but the heading has {len(heading)} columns",
                    where=f"{name}, line {line}",
                    hint=f'put texts that hold the delimiter into quotes: "a{delimiter} b"',
                )
            if cells:
                yield Row({column: cells[index] for column, index in wanted}, name, f"line {line}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise BenchError(
            f"broken CSV: {error}",
            where=f"{name}, line {line}",
            hint='lines end in LF or CRLF; a text with line ends, the delimiter or quotes stands in quotes: "a ""b"""',
        ) from error


def _check_unique(columns: Sequence[str], where: str) -> None:
    repeated = [column for column in columns if columns.count(column) > 1]
    if repeated:
        raise BenchError(f"the column `{repeated[0]}` stands twice in the heading", where=where, hint="rename one")


def _json_lines(handle: BinaryIO, name: str, choose: Choose) -> Iterator[Row]:
    columns: Sequence[str] | None = None
    for line, value in json_lines(text_lines(handle, name), name):
        columns = choose(list(value)) if columns is None else columns
        yield Row({column: value.get(column) for column in columns}, name, f"line {line}")


def _holds_array(handle: BinaryIO) -> bool:
    """Whether the first character of a JSON file opens an array; the file is left at its start."""
    start = handle.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    handle.seek(0)
    return start.startswith(b"[")


def _json_array(handle: BinaryIO, name: str, choose: Choose) -> Iterator[Row]:
    try:
        values = parse_json("".join(text_lines(handle, name)))
    except (ValueError, RecursionError) as error:
        place = f"{name}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else name
        raise BenchError(f"broken JSON: {getattr(error, 'msg', error)}", where=place) from error
    columns: Sequence[str] | None = None
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise BenchError(f"expected a JSON object, found {type(value).__name__}", where=f"{name}, row {number}")
        columns = choose(list(value)) if columns is None else columns
        yield Row({column: value.get(column) for column in columns}, name, f"row {number}")


def _parquet(handle: BinaryIO, name: str, choose: Choose, order: np.random.Generator | None) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(handle)
        _check_unique(file.schema_arrow.names, name)
        columns = list(choose(list(file.schema_arrow.names)))
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        groups = range(len(sizes)) if order is None else order.permutation(len(sizes)).tolist()
        for group in groups:
            number = int(starts[group])
            for batch in file.iter_batches(_BATCH, row_groups=[group], columns=columns):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(cells, name, f"row {number}")
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise BenchError(f"broken Parquet: {reason}", where=name) from error
