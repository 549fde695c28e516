"""The rows of a data file one after the other, with their places, whatever its format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from bench.errors import BenchError
from bench.reading import parse_json
from bench.regular import size_text
from bench.tasks.readers.delimited import UNKNOWN, Format, read_delimited
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.names import SUFFIXES, foreign
from bench.tasks.readers.streams import MOST_WHOLE, opened, read_lines, read_whole

_BATCH = 1024

# Gets the columns found, returns those that are wanted, or raises.
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


def read_rows(
    file: DataFile, choose: Choose, text: Format = UNKNOWN, order: np.random.Generator | None = None
) -> Iterator[Row]:
    """The rows of a file whose columns have names.

    The columns of JSON are the keys of all its rows.

    Args:
        file: The file.
        choose: Gets the columns of the file, returns those to read.
        text: What is known of how text files are written.
        order: Draws the order in which a Parquet file's row groups are read; without it, in the file's order.

    Raises:
        BenchError: The file cannot be read or is broken, with the line, or its format is not read.
    """
    match file.parts.format:
        case "csv" | "tsv":
            yield from _delimited(file, choose, text)
        case "parquet":
            with opened(file) as handle:
                # Parquet is read from its end.
                seekable = handle if file.parts.compression is None else BytesIO(read_whole(handle, file.where))
                yield from _parquet(seekable, file, choose, order)
        case "jsonl" | "json":
            yield from _objects(file, choose)
        case _:
            raise unread(file)


def columns_of(file: DataFile, text: Format = UNKNOWN) -> list[str]:
    """The columns of a file (see read_rows)."""
    columns: list[str] = []

    def choose(found: list[str]) -> list[str]:
        columns.extend(found)
        return []

    next(read_rows(file, choose, text), None)
    return columns


def unread(file: DataFile) -> BenchError:
    """The error for a file whose format is not read."""
    known = foreign(file.name)
    return BenchError(
        f"this is {known[0]}, which is not read" if known else "a table cannot be read from a file of this name",
        where=file.where,
        hint=known[1]
        if known
        else f"end the name in what it is: {', '.join(SUFFIXES)}, each also with .gz or .zst behind it",
    )


def _check_unique(columns: Sequence[str], where: str) -> None:
    """Refuse duplicate names of columns."""
    for name, count in Counter(columns).items():
        if count > 1:
            places = [str(number) for number, column in enumerate(columns, 1) if column == name]
            raise BenchError(
                f"the heading has `{name}` in columns {' and '.join(places)}", where=where, hint="rename one of them"
            )


def _delimited(file: DataFile, choose: Choose, text: Format) -> Iterator[Row]:
    rows = read_delimited(file, text)
    first, cells = next(rows, (1, []))
    if not cells:
        return
    heading = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
    _check_unique(heading, f"{file.where}, line {first}")
    wanted = [(column, heading.index(column)) for column in choose(heading)]
    for line, cells in rows:
        if len(cells) != len(heading):
            raise BenchError(
                f"{len(cells)} cells, but the heading has {len(heading)} columns",
                where=f"{file.where}, line {line}",
                hint='put texts that hold the delimiter into quotes: "a, b"; or say what it is: --delimiter, --quoting',
            )
        yield Row({column: cells[index] for column, index in wanted}, file.where, f"line {line}")


def _objects(file: DataFile, choose: Choose) -> Iterator[Row]:
    # Once for the keys of all rows: a key that the first row lacks is a column too.
    found = list(dict.fromkeys(key for _, value in _values(file) for key in value))
    columns = choose(found) if found else []
    for place, value in _values(file):
        yield Row({column: value.get(column) for column in columns}, file.where, place)


def _values(file: DataFile) -> Iterator[tuple[str, dict[str, Any]]]:
    first = next((line for line in read_lines(file) if line.strip()), "")
    array = file.parts.format == "json" and first.lstrip().startswith("[")
    return _array(file) if array else _json_lines(file)


def _json_lines(file: DataFile) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(read_lines(file), 1):
        if not line.strip():
            continue
        where = f"{file.where}, line {number}"
        try:
            value = parse_json(line)
        except (ValueError, RecursionError) as error:
            raise BenchError(
                f"broken JSON: {_reason(error)}",
                where=where,
                hint="every line must be one whole JSON object"
                + (", or the file one array of objects" if file.parts.format == "json" else ""),
            ) from error
        yield f"line {number}", _object(value, where)


def _array(file: DataFile) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        values: Iterable[Any] = parse_json(_whole_text(file))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BenchError(f"broken JSON: {_reason(error)}", where=f"{file.where}{line}") from error
    for number, value in enumerate(values, 1):
        yield f"row {number}", _object(value, f"{file.where}, row {number}")


def _whole_text(file: DataFile) -> str:
    lines, left = [], MOST_WHOLE
    for line in read_lines(file):
        lines.append(line)
        left -= len(line)
        if left < 0:
            raise BenchError(
                f"an array of more than {size_text(MOST_WHOLE)}, the most that is read of one",
                where=file.where,
                hint="write it as JSON Lines: an object in every line, in a file whose name ends in .jsonl",
            )
    return "".join(lines)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BenchError(f"expected a JSON object, found {type(value).__name__}", where=where)
    return value


def _parquet(handle: BinaryIO, file: DataFile, choose: Choose, order: np.random.Generator | None) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(handle, page_checksum_verification=True)
        names = list(table.schema_arrow.names)
        _check_unique(names, file.where)
        columns = list(choose(names))
        sizes = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        groups = range(len(sizes)) if order is None else order.permutation(len(sizes)).tolist()
        for group in groups:
            number = int(starts[group])
            for batch in table.iter_batches(_BATCH, row_groups=[group], columns=columns):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(cells, file.where, f"row {number}")
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        # Arrow's own words are of footers, pages and its C++ code.
        raise BenchError(
            "broken Parquet: it is damaged or not whole",
            where=file.where,
            hint="write or download it again; `bench --debug ...` shows the reason in full",
        ) from error
