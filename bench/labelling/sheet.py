"""The table that a reviewer fills in: pairs with their texts, without a sign of which model found them, or where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.labelling.proposing import Proposal
from bench.neutral import neutral
from bench.tasks.data import RetrievalData
from bench.tasks.labels import id_cell, pair_digest, write_csv

COLUMNS = ("query_id", "document_id", "query", "document", "label", "note", "pair", "pool")
# As in page/form.js.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
# Spreadsheets hold no longer cells, and put the rest of one into other rows.
_LONGEST = 32_000


@dataclass(frozen=True)
class SheetRow:
    """A pair to label, as cells.

    Attributes:
        query_id: The query's id (bench.tasks.labels.id_cell).
        document_id: The document's id.
        query: The query, as a reviewer reads it.
        document: The document.
        pair: Identity of both texts.
    """

    query_id: str
    document_id: str
    query: str
    document: str
    pair: str


def sheet_rows(data: RetrievalData, pairs: Sequence[Proposal]) -> list[SheetRow]:
    """The rows of some pairs, in their order."""
    return [
        SheetRow(
            id_cell(data.query_ids[pair.query]),
            id_cell(data.document_ids[pair.document]),
            _shown(data.queries[pair.query]),
            _shown(data.documents[pair.document]),
            pair_digest(data.queries[pair.query], data.documents[pair.document]),
        )
        for pair in pairs
    ]


def sheet_csv(rows: Sequence[SheetRow], pool: str) -> bytes:
    """The sheet as CSV, with empty labels and notes.

    Args:
        rows: The rows.
        pool: What the pairs were chosen from.
    """
    lines = [
        (
            row.query_id,
            row.document_id,
            spreadsheet_text(row.query),
            spreadsheet_text(row.document),
            "",
            "",
            row.pair,
            pool,
        )
        for row in rows
    ]
    return write_csv([COLUMNS, *lines])


def spreadsheet_text(text: str) -> str:
    """A text as a cell that no spreadsheet runs as a formula: with an apostrophe before it where it would."""
    return f"'{text}" if _FORMULA.match(text) else text


def _shown(text: str) -> str:
    """A text without what would act on its reader; line ends stay, as newlines."""
    text = neutral(text.replace("\r\n", "\n"), lines=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
