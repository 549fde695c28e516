"""Rows about documents of a second file, every one of which is searched: articles and what was clicked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.tasks.data import NotHereError
from bench.tasks.readers.cells import identifier, is_missing, match_columns
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile, FindFiles, first_found
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import Row, read_rows
from bench.tasks.tables.build import Corpus
from bench.tasks.tables.joined import key_column
from bench.tasks.tables.records import DOCUMENT_ROLE, QUERY_ROLE, Document, Record, Texts, lacks_column
from bench.tasks.tables.section import Join, Table
from bench.tasks.tolerance import Tolerance


@dataclass(frozen=True)
class SearchedRecords:
    """Reads the records of a table whose documents are all rows of its second file.

    Attributes:
        table: The card's section.
        join: Its second file.
        files: Finds the files of the data set.
        texts: How texts are read.
        corpus: Gets the documents before the first record is read.
        tolerance: Notes documents that are repeated.
    """

    table: Table
    join: Join
    files: FindFiles
    texts: Texts
    corpus: Corpus
    tolerance: Tolerance

    def read(self, file: DataFile, order: np.random.Generator | None = None) -> Iterator[Record]:
        """The records of one file; one whose cell of `join.on` is empty has no document.

        Raises:
            NotHereError: A column or the second file is missing, with what was found.
            BenchError: A file is broken, or a cell does not hold what it must, with its place.
        """
        _ = self.searched
        query_role = QUERY_ROLE[self.table.shape]
        columns: dict[str, str] = {}

        def choose(found: list[str]) -> list[str]:
            roles = [role for role in self.table.roles if role not in self._document_roles]
            columns.update({role: self._column(role, found, file) for role in roles})
            columns["key"] = key_column(list(self.join.on), found, file.where)
            return list(dict.fromkeys(columns.values()))

        text = Format(self.table.encoding, self.table.delimiter, self.table.quoting)
        for row in read_rows(file, choose, text, order):
            cells = {role: row.cells[column] for role, column in columns.items()}
            name = None if is_missing(cells["key"]) else identifier(cells["key"], columns["key"], row)
            yield Record(
                row=Row({}, row.file, row.place),
                query=self.texts.needed(cells[query_role], columns[query_role], row),
                query_id=identifier(cells["query_id"], columns["query_id"], row) if "query_id" in cells else None,
                documents=[] if name is None else [Document(name, self._text(name))],
                negatives=[],
                relevance=cells.get("relevance", 1),
            )

    @cached_property
    def searched(self) -> dict[int, None]:
        """The documents as indices into the corpus, in the order of their rows.

        Raises:
            NotHereError: The second file or a column of it is missing, with what was found.
            BenchError: It is broken, or an id stands with different texts, with both places.
        """
        found = first_found(self.files, self.join.files)
        if not found:
            wanted = " or ".join(self.join.files)
            raise NotHereError(f"no file {wanted} with the documents", where="`table.join` of the task card")
        columns: dict[str, list[str]] = {}
        role = DOCUMENT_ROLE[self.table.shape]

        def choose(there: list[str]) -> list[str]:
            roles = [role for role in self.table.roles if role in self._document_roles]
            columns.update({role: [self._column(role, there, found[0])] for role in roles})
            columns["document_id"] = [key_column(list(self.join.on.values()), there, found[0].where)]
            return list(dict.fromkeys(column for names in columns.values() for column in names))

        documents: dict[int, None] = {}
        repeated = {}
        for file in found:
            for row in read_rows(file, choose, Format(self.join.encoding, self.table.delimiter, self.table.quoting)):
                place = Row({}, row.file, row.place)
                for document in self.texts.documents(row, columns, role):
                    index = self.corpus.add(document, place)
                    if index in documents:
                        repeated[str(document.id)] = row.where
                    documents[index] = None
        self.tolerance.take(
            list(repeated),
            len(documents),
            "document ids are repeated",
            counts="each is one document",
            where=next(iter(repeated.values()), ""),
            hint="ids must be unique",
            limit=None,
        )
        return documents

    def _text(self, name: str) -> str | None:
        """The text of a document; None where the second file lacks it."""
        index = self.corpus.rows.get(name)
        return None if index is None else self.corpus.texts[index]

    @property
    def _document_roles(self) -> tuple[str, ...]:
        return (DOCUMENT_ROLE[self.table.shape], "title")

    def _column(self, role: str, found: list[str], file: DataFile) -> str:
        names = self.table.names(role)
        columns = match_columns(names, found, several=False)
        if not columns:
            raise NotHereError(lacks_column(role, names), where=file.where, hint=listed_columns(found, *names))
        return columns[0]
