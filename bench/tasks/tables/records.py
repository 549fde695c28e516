"""From the rows of a table to texts, ids and numbers: which column holds what, and what a cell may hold."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.errors import BenchError, did_you_mean
from bench.files import digest_bytes
from bench.tasks.data import NotHereError
from bench.tasks.pairs import read_number
from bench.tasks.tables.files import DataFile, FindFiles, first_found
from bench.tasks.tables.rows import Format, Row, read_rows
from bench.tasks.tables.section import OPTIONAL, REQUIRED, Join, Table

_SHOWN = 300
# Roles that several columns may hold, named by a pattern.
_SEVERAL = ("positive", "negative")
_QUERY_ROLE = {"qa": "question", "triplets": "query", "relevance": "query"}
_DOCUMENT_ROLE = {"qa": "answer", "triplets": "positive", "relevance": "document"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a row: its id, where a column holds one, and its text."""

    id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a retrieval table.

    Attributes:
        row: Where it stands.
        query: Text of the query.
        query_id: Its id, where a column holds one.
        documents: Its document, or its relevant documents.
        negatives: Documents that are not relevant.
        relevance: How relevant the document is, where a column says it.
    """

    row: Row
    query: str
    query_id: str | None
    documents: list[Document]
    negatives: list[Document]
    relevance: float | None

    @property
    def query_key(self) -> str:
        """The query's id, or a name from its text where no column holds one."""
        return self.query_id or text_id(self.query)


def text_id(text: str) -> str:
    """An id for a text that has none: 64 bits of its digest."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))[:16]


@dataclass(frozen=True)
class Records:
    """Reads the records of a table's files.

    Attributes:
        table: The card's section.
        files: Finds the files of the data set.
        allow_empty: Whether texts may be empty.
    """

    table: Table
    files: FindFiles
    allow_empty: bool

    def read(self, file: DataFile, order: np.random.Generator | None = None) -> Iterator[Record]:
        """The records of one file of a retrieval task, as they stand or, in Parquet, by row groups in a drawn order.

        Raises:
            NotHereError: A column is missing, with the columns found.
            BenchError: The file is broken, or a cell does not hold what it must, with its place.
        """
        shape = self.table.shape
        several = shape != "relevance"
        for row, columns in self._rows(file, order):
            cells = row.cells
            texts = [
                text
                for column in columns[_DOCUMENT_ROLE[shape]]
                for text in self._texts(cells[column], column, row, several=several)
            ]
            if not texts:
                self._text(None, columns[_DOCUMENT_ROLE[shape]][0], row)
            if title := columns.get("title"):
                texts = [f"{_plain(cells[title[0]], title[0], row)} {text}".strip() for text in texts]
            ids = columns.get("document_id")
            if ids and len(texts) > 1:
                raise BenchError(
                    f"{len(texts)} texts under one id",
                    where=row.where,
                    hint="a list of texts goes without `document_id`",
                )
            document_id = identifier(cells[ids[0]], ids[0], row) if ids else None
            query, query_ids, relevance = columns[_QUERY_ROLE[shape]][0], columns.get("query_id"), None
            if shape == "relevance":
                column = columns["relevance"][0]
                relevance = read_number(cells[column], column, row.where)
            yield Record(
                row=Row({}, row.file, row.place),
                query=self._text(cells[query], query, row),
                query_id=identifier(cells[query_ids[0]], query_ids[0], row) if query_ids else None,
                documents=[Document(document_id, text) for text in texts],
                negatives=[
                    Document(None, text)
                    for column in columns.get("negative", [])
                    for text in _negatives(cells[column], column, row)
                ],
                relevance=relevance,
            )

    def read_pairs(self, file: DataFile) -> Iterator[tuple[str, str, float]]:
        """The rows of one file of scored pairs.

        Raises:
            NotHereError: A column is missing, with the columns found.
            BenchError: The file is broken, or a cell does not hold what it must, with its place.
        """
        for row, columns in self._rows(file, None):
            first, second, score = (columns[role][0] for role in REQUIRED["pairs"])
            yield (
                self._text(row.cells[first], first, row),
                self._text(row.cells[second], second, row),
                read_number(row.cells[score], score, row.where),
            )

    def _rows(self, file: DataFile, order: np.random.Generator | None) -> Iterator[tuple[Row, dict[str, list[str]]]]:
        """The rows with the cells of every role, and which columns hold a role."""
        roles: dict[str, list[str]] = {}
        key: list[str] = []

        def choose(found: list[str]) -> list[str]:
            roles.update(self._roles(file, found))
            own = [column for columns in roles.values() for column in columns if column in found]
            if self._needs_join(found):
                key.append(_key_column(self._join, found, file.where))
            return list(dict.fromkeys([*own, *key]))

        for row in read_rows(file, choose, Format(self.table.encoding, self.table.delimiter), order):
            yield (self._with_joined(row, key[0]) if key else row), roles

    def _roles(self, file: DataFile, found: list[str]) -> dict[str, list[str]]:
        known = [*found, *(self._joined.columns if self._needs_join(found) and self._joined else ())]
        roles = {}
        for role in (*REQUIRED[self.table.shape], *OPTIONAL[self.table.shape]):
            names = self.table.names(role)
            if names is None:
                continue
            columns = match_columns(names, known, several=role in _SEVERAL)
            if not columns:
                raise self._missing(role, names, known, file)
            roles[role] = columns
        return roles

    def _missing(self, role: str, names: list[str], known: list[str], file: DataFile) -> NotHereError:
        wanted = " or ".join(f"`{name}`" for name in names)
        message = f"no column {wanted} for {role}"
        if self.table.join is not None and self._joined is None:
            message += f", and no file {' or '.join(self.table.join.files)} to take it from"
        close = did_you_mean(names[0], known)
        found = ", ".join(known)[:_SHOWN] or "none"
        return NotHereError(
            message, where=file.where, hint=f"{close} columns found: {found}" if close else f"columns found: {found}"
        )

    def _needs_join(self, found: list[str]) -> bool:
        """Whether a role's column is not in the file itself."""
        return self.table.join is not None and any(
            names and not match_columns(names, found, several=role in _SEVERAL)
            for role in (*REQUIRED[self.table.shape], *OPTIONAL[self.table.shape])
            if (names := self.table.names(role)) is not None
        )

    @property
    def _join(self) -> Join:
        if self.table.join is None:
            raise ValueError("the table has no `join`")
        return self.table.join

    @cached_property
    def _joined(self) -> _Joined | None:
        return _read_joined(self.table, self._join, self.files)

    def _with_joined(self, row: Row, key: str) -> Row:
        joined = self._joined
        if joined is None:
            return row
        name = identifier(row.cells[key], key, row)
        further = joined.rows.get(name)
        if further is None:
            raise BenchError(f"{key} `{name}` is not in {joined.file}", where=row.where)
        return Row({**further, **row.cells}, row.file, row.place)

    def _text(self, value: Any, column: str, row: Row) -> str:
        text = _plain(value, column, row)
        if not text and not self.allow_empty:
            raise BenchError(
                f"`{column}` is empty",
                where=row.where,
                hint="give it a text, remove the row, or set `allow_empty: true` in the task card",
            )
        return text

    def _texts(self, value: Any, column: str, row: Row, *, several: bool) -> list[str]:
        if several and isinstance(value, list):
            return [self._text(item, column, row) for item in value]
        return [self._text(value, column, row)]


@dataclass(frozen=True)
class _Joined:
    """The second file: its further columns by key."""

    file: str
    columns: list[str]
    rows: Mapping[str, dict[str, Any]]


def _read_joined(table: Table, join: Join, files: FindFiles) -> _Joined | None:
    found = first_found(files, join.files)
    if not found:
        return None
    names = [name for role in (*REQUIRED[table.shape], *OPTIONAL[table.shape]) for name in table.names(role) or []]
    key = ""
    columns: list[str] = []
    rows: dict[str, dict[str, Any]] = {}

    def choose(available: list[str]) -> list[str]:
        nonlocal key, columns
        key = _key_column(join, available, found[0].where)
        columns = [name for name in dict.fromkeys(names) if name in available and name != key]
        return [key, *columns]

    for file in found:
        for row in read_rows(file, choose, Format(join.encoding, table.delimiter)):
            name = identifier(row.cells.pop(key), key, row)
            if rows.setdefault(name, row.cells) != row.cells:
                raise BenchError(f"{key} `{name}` stands twice with different cells", where=row.where)
    return _Joined(found[0].where, columns, rows)


def _key_column(join: Join, found: list[str], where: str) -> str:
    column = match_columns(join.on, found, several=False)
    if not column:
        wanted = " or ".join(f"`{name}`" for name in join.on)
        raise NotHereError(
            f"no column {wanted} to join by", where=where, hint=f"columns found: {', '.join(found)[:_SHOWN] or 'none'}"
        )
    return column[0]


def match_columns(names: Sequence[str], found: Sequence[str], *, several: bool) -> list[str]:
    """The columns that the first fitting name stands for; a pattern such as `negative_*` may stand for several."""
    for name in names:
        if name in found:
            return [name]
        if several and (matches := [column for column in found if fnmatch.fnmatchcase(column, name)]):
            return matches
    return []


def identifier(value: Any, column: str, row: Row) -> str:
    """A cell as an id: a text or a whole number; 7 and "7" are the same, and so is the 7.0 of a column with gaps.

    Raises:
        BenchError: It is none.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        found = "is empty" if value is None or value == "" else f"holds {str(value)[:40]!r}, which is no id"
        raise BenchError(f"`{column}` {found}", where=row.where, hint="ids are texts or whole numbers")
    return text


def _plain(value: Any, column: str, row: Row) -> str:
    """A cell as a text without spaces around it; a missing one is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise BenchError(f"`{column}` must be a text, found {type(value).__name__}", where=row.where)
    return value.strip()


def _negatives(value: Any, column: str, row: Row) -> list[str]:
    """The negatives of a cell; a row may have fewer than others."""
    values = value if isinstance(value, list) else [value]
    return [text for item in values if (text := _plain(item, column, row))]
