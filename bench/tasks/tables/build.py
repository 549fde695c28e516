"""From the records of a table to a retrieval task: documents, queries and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.errors import BenchError
from bench.tasks.data import RetrievalData, make_retrieval
from bench.tasks.judged import take_missing_documents, take_missing_queries
from bench.tasks.tables.cells import text_id
from bench.tasks.tables.records import Document, Record
from bench.tasks.tables.rows import Row
from bench.tasks.tables.section import TRAIN, Table
from bench.tasks.tolerance import Tolerance

_LARGEST_LABEL = 1_000_000


@dataclass
class Corpus:
    """The documents of all rows, each once.

    Attributes:
        same_document: What happens when an id stands with two texts.
        rows: Index of a document by its id.
        texts: The texts; None of a document that the second file of the table lacks.
        places: Where each text stands.
    """

    same_document: Literal["error", "first", "last"]
    rows: dict[str, int] = field(default_factory=dict)
    texts: list[str | None] = field(default_factory=list)
    places: list[Row] = field(default_factory=list)

    def add(self, document: Document, row: Row) -> int:
        """The index of a document, which is new or known.

        Raises:
            BenchError: Its id stands with another text.
        """
        name = text_id(document.text or "") if document.id is None else document.id
        index = self.rows.setdefault(name, len(self.texts))
        if index == len(self.texts):
            self.texts.append(document.text)
            self.places.append(row)
        elif self.texts[index] != document.text:
            if self.same_document == "error":
                raise BenchError(
                    f"the document id `{name}` stands with another text than in {self.places[index].where}",
                    where=row.where,
                    hint="ids must be unique, or set `same_document: first` or `last` in the card's `table`",
                )
            if self.same_document == "last":
                self.texts[index], self.places[index] = document.text, row
        return index


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its documents as indices into the corpus."""

    row: Row
    query: str | None
    query_key: str
    documents: tuple[int, ...]
    negatives: tuple[int, ...]
    relevance: float | None


def enter(records: Iterable[Record], corpus: Corpus) -> list[Entry]:
    """Put the records' documents into the corpus.

    Raises:
        BenchError: See Corpus.add and Records.read.
    """
    return [
        Entry(
            record.row,
            record.query,
            record.query_key,
            tuple(corpus.add(document, record.row) for document in record.documents),
            tuple(corpus.add(document, record.row) for document in record.negatives),
            record.relevance,
        )
        for record in records
    ]


def documents_of(entries: Iterable[Entry]) -> dict[int, None]:
    """The documents of some records, in their order."""
    return dict.fromkeys(index for entry in entries for index in (*entry.documents, *entry.negatives))


def build(
    table: Table,
    split: str,
    entries: Sequence[Entry],
    corpus: Corpus,
    searched: Iterable[int] | None,
    where: str,
    tolerance: Tolerance,
) -> RetrievalData:
    """The task of some records.

    Args:
        table: The card's section.
        split: The split; in `train` a pair is relevant when it is one to train with.
        entries: Its records.
        corpus: The documents of all records.
        searched: The documents to search; None for those of the relevant pairs (with their negatives) alone.
        where: What the records were read from, for messages.
        tolerance: Decides how many queries and documents the second file of the table may lack.

    Raises:
        BenchError: A query id stands with two texts, a pair with two labels, a relevance is no whole number where it
            must be, too many texts are lacking, or no document is relevant to any query.
    """
    asked = dict.fromkeys(entry.query_key for entry in entries)
    without = dict.fromkeys(entry.query_key for entry in entries if entry.query is None)
    take_missing_queries(list(without), len(asked), _second_file(table), where, tolerance)
    entries = [entry for entry in entries if entry.query is not None]
    queries: dict[str, Entry] = {}
    labels: dict[tuple[str, int], int] = {}
    places: dict[tuple[str, int], Row] = {}
    paired: list[Entry] = []
    for entry in entries:
        first = queries.setdefault(entry.query_key, entry)
        if first.query != entry.query:
            raise BenchError(
                f"the query id `{entry.query_key}` stands with another text than in {first.row.where}",
                where=entry.row.where,
                hint="ids must be unique",
            )
        gain = _gain(table, split, entry)
        if gain > 0:
            paired.append(entry)
        for document in entry.documents:
            pair = (entry.query_key, document)
            if labels.setdefault(pair, gain) != gain:
                raise BenchError(
                    f"the same query and document have another relevance than in {places[pair].where}",
                    where=entry.row.where,
                    hint="keep one of the rows",
                )
            places.setdefault(pair, entry.row)
    positive = {pair: gain for pair, gain in labels.items() if gain > 0}
    if not positive:
        raise BenchError(
            "no document is relevant to any query",
            where=where,
            hint="a relevant document needs a relevance of 1 or more, or of `relevant_from` in the card's `table`",
        )
    kept = dict.fromkeys(query for query, _ in positive)
    names = list(corpus.rows)
    gains = {(query, names[document]): gain for (query, document), gain in labels.items()}
    there = {name for name, index in corpus.rows.items() if corpus.texts[index] is not None}
    take_missing_documents(there, gains, _second_file(table), where, tolerance)
    documents = list(documents_of(paired) if searched is None else dict.fromkeys(searched))
    documents = [index for index in documents if corpus.texts[index] is not None]
    query_rows = {query: row for row, query in enumerate(kept)}
    document_rows = {index: row for row, index in enumerate(documents)}
    return make_retrieval(
        ([names[index] for index in documents], [corpus.texts[index] or "" for index in documents]),
        (list(kept), [queries[query].query or "" for query in kept]),
        [
            (query_rows[query], document_rows[document], gain)
            for (query, document), gain in positive.items()
            if corpus.texts[document] is not None
        ],
        where,
        notes=[] if split == TRAIN else [*_notes(table, entries, len(queries), len(kept)), *tolerance.notes],
        lacking=[
            (query_rows[query], gain) for (query, document), gain in positive.items() if corpus.texts[document] is None
        ],
    )


def _second_file(table: Table) -> str:
    return " or ".join(table.join.files) if table.join is not None else "the second file"


def _notes(table: Table, entries: Sequence[Entry], queries: int, kept: int) -> list[str]:
    notes = []
    if kept < queries:
        notes.append(f"{queries - kept:,} of {queries:,} queries have no relevant document and are left out")
    graded = {entry.relevance for entry in entries if entry.relevance is not None}
    if table.relevant_from is None and len(graded) > 1 and min(graded) > 0:
        notes.append(f"every pair counts as relevant: relevances go from {min(graded):g} to {max(graded):g}")
    return notes


def _gain(table: Table, split: str, entry: Entry) -> int:
    """The label of a row's documents; 0 and less is not relevant."""
    value = entry.relevance
    if value is None:
        return 1
    if split == TRAIN and table.train_above is not None:
        return int(value > table.train_above)
    if table.relevant_from is not None:
        return int(value >= table.relevant_from)
    if not value.is_integer() or abs(value) > _LARGEST_LABEL:
        raise BenchError(
            f"the relevance {value:g} is no small whole number",
            where=entry.row.where,
            hint="say from which on a document is relevant: `relevant_from` in the card's `table`, or --relevant-from",
        )
    return int(value)
