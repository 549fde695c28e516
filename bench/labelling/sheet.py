"""The table that a reviewer fills in: pairs with their texts, without a sign of which model found them, or where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.labelling.proposing import Proposal
from bench.neutral import spreadsheet_cell
from bench.tasks.data import RetrievalData
from bench.tasks.labels import id_cell, pair_digest, write_csv

COLUMNS = ("query_id", "document_id", "query", "document", "label", "note", "pair", "pool")
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
            spreadsheet_cell(row.query, lines=True),
            spreadsheet_cell(row.document, lines=True),
            "",
            "",
            row.pair,
            pool,
        )
        for row in rows
    ]
    return write_csv([COLUMNS, *lines])


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
