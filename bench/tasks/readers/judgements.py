"""Judgements from files of any format: query, document and label, by the names of columns or as TREC writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.errors import BenchError
from bench.tasks.readers.cells import identifier
from bench.tasks.readers.delimited import UNKNOWN, Format, read_delimited
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.labels import Judgement
from bench.tasks.readers.named import SHOWN, ColumnUse, column_use, named_columns, plain_name
from bench.tasks.readers.numbers import is_number
from bench.tasks.readers.rows import Row, columns_of, read_rows
from bench.tasks.readers.streams import read_lines

# The usual names of columns, as named.plain_name gives them.
COLUMNS = {
    "query": "query_id qid query topic_id topic q_id".split(),
    "document": "corpus_id document_id doc_id docid docno did passage_id pid doc document".split(),
    "label": "score label relevance rel relevancy relevant grade judgment judgement rating".split(),
}
# TREC's second column, which says nothing.
_ITERATION = re.compile(r"[Qq]?\d+", re.ASCII)
_HINT = "write query-id<TAB>corpus-id<TAB>score, with these names in the first line or without a heading"


def read_judgements(files: Sequence[DataFile]) -> Iterator[Judgement[str]]:
    """The judgements of files: tables with named columns, or three or four columns (TREC's) without names.

    Raises:
        BenchError: A file is broken, or its columns are not recognised, with the line.
    """
    for file in files:
        yield from _named(file) if file.parts.format in {"json", "jsonl", "parquet"} else _delimited(file)


def judgement_use(file: DataFile) -> ColumnUse:
    """What the columns of a file with judgements are taken for.

    Raises:
        BenchError: See read_judgements.
    """
    if file.parts.format in {"json", "jsonl", "parquet"}:
        cells = columns_of(file)
        return column_use(file.name, named_columns(COLUMNS, cells, file.where), cells)
    line, cells = next(_cells(file), (1, []))
    row = Row({}, file.where, f"line {line}")
    if columns := _heading(cells, row):
        return column_use(file.name, dict(zip(COLUMNS, [cells[index] for index in columns], strict=True)), cells)
    roles = dict(zip(COLUMNS, [f"column {index + 1}" for index in _unnamed(cells, row)], strict=True))
    return column_use(file.name, roles, [f"column {number}" for number in range(1, len(cells) + 1)])


def _named(file: DataFile) -> Iterator[Judgement[str]]:
    roles: dict[str, str] = {}

    def choose(found: list[str]) -> list[str]:
        roles.update(named_columns(COLUMNS, found, file.where))
        return list(roles.values())

    for row in read_rows(file, choose):
        yield _judgement([row.cells[column] for column in roles.values()], row)


def _delimited(file: DataFile) -> Iterator[Judgement[str]]:
    columns: list[int] = []
    width = 0
    for line, cells in _cells(file):
        row = Row({}, file.where, f"line {line}")
        if not columns:
            width = len(cells)
            columns = _heading(cells, row)
            if columns:
                continue
            columns = _unnamed(cells, row)
        if len(cells) != width:
            raise BenchError(f"expected {width} columns, found {len(cells)}", where=row.where, hint=_HINT)
        if width == 4 and columns == [0, 2, 3] and not _ITERATION.fullmatch(cells[1]):
            raise BenchError(
                f"`{cells[1][:SHOWN]}` is the second of four columns without names, where TREC has 0 or Q0",
                where=row.where,
                hint=_HINT,
            )
        yield _judgement([cells[index] for index in columns], row)


def _cells(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text file with their lines; TREC's columns have spaces or tabs between them."""
    first = next((line for line in read_lines(file) if line.strip()), "")
    if file.parts.format == "csv":
        yield from read_delimited(file, UNKNOWN)
    elif "\t" in first:
        yield from read_delimited(file, Format(delimiter="\t"))
    else:
        for number, line in enumerate(read_lines(file), 1):
            if cells := line.split():
                yield number, cells


def _heading(cells: list[str], row: Row) -> list[int]:
    """The places of query, document and label when the cells are names of columns, else nothing.

    Raises:
        BenchError: Some are, but one is missing.
    """
    plain = {plain_name(cell) for cell in cells}
    if sum(not plain.isdisjoint(names) for names in COLUMNS.values()) < 2:
        return []
    return [cells.index(column) for column in named_columns(COLUMNS, cells, row.where).values()]


def _unnamed(cells: list[str], row: Row) -> list[int]:
    """The places of query, document and label in rows without a heading, of which these are the first.

    Raises:
        BenchError: They are none.
    """
    if len(cells) not in {3, 4}:
        found = "six columns are a run, which ranks documents" if len(cells) == 6 else f"found {len(cells)} columns"
        raise BenchError(f"expected 3 columns, or TREC's 4: {found}", where=row.where, hint=_HINT)
    if cells[-1].strip() and not is_number(cells[-1]):
        raise BenchError(
            f"neither a judgement nor a heading that is known: the label is `{cells[-1][:SHOWN]}`",
            where=row.where,
            hint=f"{_HINT}; labels are whole numbers",
        )
    return [0, 1, 2] if len(cells) == 3 else [0, 2, 3]


def _judgement(cells: Sequence[object], row: Row) -> Judgement[str]:
    query, document, label = cells
    place = Row({}, row.file, row.place)
    return Judgement(identifier(query, "query-id", row), identifier(document, "corpus-id", row), label, place)
