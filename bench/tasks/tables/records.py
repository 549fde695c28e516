"""From the rows of a table to texts, ids and numbers: which column holds what, and what a cell may hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from bench.errors import BenchError
from bench.tasks.data import NotHereError
from bench.tasks.pairs import Pair, read_pair
from bench.tasks.readers.cells import identifier, items, match_columns, needed_text, plain_text, several_texts, text_id
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile, FindFiles
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import Row, read_rows
from bench.tasks.tables.joined import LACKING, Joined, key_column, read_joined
from bench.tasks.tables.section import REQUIRED, Table

# Where a row keeps what it was joined by; no column has this name.
_KEY = "\0key"
# Roles that several columns may hold, named by a pattern.
_SEVERAL = ("positive", "negative")
QUERY_ROLE = {"qa": "question", "triplets": "query", "relevance": "query"}
DOCUMENT_ROLE = {"qa": "answer", "triplets": "positive", "relevance": "document"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a row: its id, where a column holds one, and its text; None where the second file lacks it."""

    id: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a retrieval table.

    Attributes:
        row: Where it stands.
        query: Text of the query; None where the second file lacks it.
        query_id: Its id, where a column holds one.
        documents: Its document, or its documents, to all of which its label belongs.
        negatives: Documents that are not relevant.
        relevance: The cell that says how relevant the document is; 1 where no column does.
    """

    row: Row
    query: str | None
    query_id: str | None
    documents: list[Document]
    negatives: list[Document]
    relevance: Any

    @property
    def query_key(self) -> str:
        """The query's id, or a name from its text where no column holds one."""
        return self.query_id or text_id(self.query or "")


class RecordSource(Protocol):
    """What the records of a retrieval table are read from."""

    def read(self, file: DataFile, order: np.random.Generator | None = None) -> Iterator[Record]:
        """The records of one file, as they stand or, in Parquet, by row groups in a drawn order."""
        ...


@dataclass(frozen=True)
class Texts:
    """How the texts of a table are read.

    Attributes:
        allow_empty: Whether texts may be empty.
        lists: Whether lists that are written as text are lists; None refuses them.
        plain: What a text says, from how it is written: without its HTML, where the card has `strip_html`.
    """

    allow_empty: bool
    lists: bool | None
    plain: Callable[[str], str] | None = None

    def needed(self, value: Any, column: str, row: Row) -> str:
        """A cell that must be a text.

        Raises:
            BenchError: It is none, or empty where it must not be.
        """
        text = needed_text(value, column, row, allow_empty=self.allow_empty)
        if self.plain is None:
            return text
        plain = self.plain(text)
        if text and not plain.strip() and not self.allow_empty:
            raise BenchError(
                f"`{column}` holds markup alone",
                where=row.where,
                hint="give it a text, remove the row, or set `allow_empty: true` in the task card",
            )
        return plain

    def several(self, value: Any, column: str, row: Row) -> list[str]:
        """The texts of a cell that may hold several (see several_texts)."""
        texts = several_texts(value, column, row, self.lists)
        return texts if self.plain is None else [plain for text in texts if (plain := self.plain(text)).strip()]

    def documents(self, row: Row, columns: Mapping[str, Sequence[str]], role: str) -> list[Document]:
        """The document of a row, or its relevant documents.

        Args:
            row: The row.
            columns: The columns of each role.
            role: The role of the document's text.

        Raises:
            BenchError: A cell does not hold what it must, with its place.
        """
        ids, title = columns.get("document_id"), columns.get("title")
        texts = []
        for column in columns[role]:
            found = items(row.cells[column], column, row, self.lists)
            # An empty list is an empty answer.
            texts += [self.needed(item, column, row) for item in found or [""]]
        before = plain_text(row.cells[title[0]], title[0], row) if title else ""
        before = before if self.plain is None else self.plain(before)
        texts = [f"{before} {text}".strip() for text in texts]
        if ids and len(texts) > 1:
            raise BenchError(
                f"{len(texts)} texts under one id", where=row.where, hint="a list of texts goes without `document_id`"
            )
        name = identifier(row.cells[ids[0]], ids[0], row) if ids else None
        return [Document(name, text) for text in texts]


@dataclass(frozen=True)
class Records:
    """Reads the records of a table's files.

    Attributes:
        table: The card's section.
        files: Finds the files of the data set.
        texts: How its texts are read.
    """

    table: Table
    files: FindFiles
    texts: Texts

    def read(self, file: DataFile, order: np.random.Generator | None = None) -> Iterator[Record]:
        """The records of one file of a retrieval task, as they stand or, in Parquet, by row groups in a drawn order.

        Raises:
            NotHereError: A column is missing, with the columns found.
            BenchError: The file is broken, or a cell does not hold what it must, with its place.
        """
        query_role = QUERY_ROLE[self.table.shape]
        for row, columns in self._rows(file, order):
            query = columns[query_role][0]
            lacking = row.cells[query] is LACKING
            ids, relevance = columns.get("query_id"), columns.get("relevance")
            yield Record(
                row=Row({}, row.file, row.place),
                query=None if lacking else self.texts.needed(row.cells[query], query, row),
                query_id=identifier(row.cells[ids[0]], ids[0], row) if ids else self._key(row) if lacking else None,
                documents=self._documents(row, columns),
                negatives=[
                    Document(None, text.strip())
                    for column in columns.get("negative", [])
                    for text in self.texts.several(row.cells[column], column, row)
                ],
                relevance=row.cells[relevance[0]] if relevance else 1,
            )

    def _documents(self, row: Row, columns: dict[str, list[str]]) -> list[Document]:
        """The document of a row, or its relevant documents."""
        ids = columns.get("document_id")
        role = DOCUMENT_ROLE[self.table.shape]
        if any(row.cells[column] is LACKING for column in [*columns[role], *columns.get("title", [])]):
            return [Document(identifier(row.cells[ids[0]], ids[0], row) if ids else self._key(row), None)]
        return self.texts.documents(row, columns, role)

    def read_pairs(self, file: DataFile) -> Iterator[Pair]:
        """The rows of one file of scored pairs.

        Raises:
            NotHereError: A column is missing, with the columns found.
            BenchError: The file is broken, or a cell does not hold what it must, with its place.
        """
        for row, columns in self._rows(file, None):
            roles = {role: columns[role][0] for role in REQUIRED["pairs"]}
            yield read_pair(row, roles, self.texts.needed)

    def _rows(self, file: DataFile, order: np.random.Generator | None) -> Iterator[tuple[Row, dict[str, list[str]]]]:
        """The rows with the cells of every role, and which columns hold a role."""
        roles: dict[str, list[str]] = {}
        key: list[str] = []

        def choose(found: list[str]) -> list[str]:
            roles.update(self._roles(file, found))
            columns = [column for columns in roles.values() for column in columns]
            if self.table.join is not None and not set(columns) <= set(found):
                key.append(key_column(list(self.table.join.on), found, file.where))
            return list(dict.fromkeys([*(column for column in columns if column in found), *key]))

        text = Format(self.table.encoding, self.table.delimiter, self.table.quoting)
        for row in read_rows(file, choose, text, order):
            yield (self._with_joined(row, key[0], roles) if key else row), roles

    def _roles(self, file: DataFile, found: list[str]) -> dict[str, list[str]]:
        """The columns of each role: of the file itself, else of the second file."""
        roles = {}
        for role in self.table.roles:
            names, several = self.table.names(role), role in _SEVERAL
            columns = match_columns(names, found, several=several)
            if not columns and self._joined is not None:
                columns = match_columns(names, self._joined.columns, several=several)
            if not columns:
                raise self._missing(role, names, found, file)
            roles[role] = columns
        self._check_apart(roles, file)
        return roles

    def _check_apart(self, roles: dict[str, list[str]], file: DataFile) -> None:
        """A text compared with itself scores 1 for every model."""
        for first, second in itertools.combinations(REQUIRED[self.table.shape], 2):
            if shared := set(roles[first]) & set(roles[second]):
                raise BenchError(
                    f"the column `{min(shared)}` stands for {first} and for {second}",
                    where=file.where,
                    hint="name another column for one of them",
                )

    def _missing(self, role: str, names: list[str], found: list[str], file: DataFile) -> NotHereError:
        message = lacks_column(role, names)
        if self.table.join is not None and self._joined is None:
            message += f", and no file {' or '.join(self.table.join.files)} to take it from"
        return NotHereError(message, where=file.where, hint=listed_columns(found, *names))

    @cached_property
    def _joined(self) -> Joined | None:
        return read_joined(self.table, self.table.join, self.files) if self.table.join is not None else None

    def _with_joined(self, row: Row, key: str, roles: dict[str, list[str]]) -> Row:
        joined = self._joined
        if joined is None:
            return row
        name = identifier(row.cells[key], key, row)
        elsewhere = [role for role, columns in roles.items() if not set(columns) <= {*row.cells, joined.key}]
        if name not in joined.rows and not set(elsewhere) <= self._may_lack:
            raise BenchError(f"{key} `{name}` is not in {joined.file}", where=row.where)
        return Row({**joined.cells(name), **row.cells, _KEY: name}, row.file, row.place)

    @property
    def _may_lack(self) -> set[str]:
        """The roles whose text may be lacking: that of a judged query or document, which counts as in MTEB."""
        shape = self.table.shape
        return set() if shape == "pairs" else {QUERY_ROLE[shape], DOCUMENT_ROLE[shape], "title"}

    def _key(self, row: Row) -> str:
        """What a row is joined by."""
        return str(row.cells[_KEY])


def lacks_column(role: str, names: Sequence[str]) -> str:
    """The message where no column holds a role."""
    wanted = " or ".join(f"`{name}`" for name in names)
    return f"no column {wanted} for {role}"
