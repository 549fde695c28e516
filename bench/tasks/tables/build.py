"""From the records of a table to a retrieval task: documents, queries and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.errors import BenchError
from bench.tasks.data import RetrievalData, make_retrieval
from bench.tasks.judged import take_missing_documents, take_missing_queries
from bench.tasks.readers.cells import text_id
from bench.tasks.readers.labels import Judged, Judgement, judge
from bench.tasks.readers.rows import Row
from bench.tasks.tables.records import Document, Record
from bench.tasks.tables.repeated import merge_repeated
from bench.tasks.tables.section import Table
from bench.tasks.tables.split import is_training
from bench.tasks.tolerance import Tolerance


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
                    f"the document id `{name}` has another text than in {self.places[index].where}",
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
    relevance: Any


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


def judgements(entries: Iterable[Entry]) -> list[Judgement[int]]:
    """What records judge, a row a document."""
    return [
        Judgement(entry.query_key, document, entry.relevance, entry.row)
        for entry in entries
        for document in entry.documents
    ]


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
        split: The split; in one to train with, a pair is relevant when it is a pair to train with.
        entries: Its records.
        corpus: The documents of all records.
        searched: The documents to search; None for those of the relevant pairs (with their negatives) alone.
        where: What the records were read from, for messages.
        tolerance: Decides how many queries and documents the second file of the table may lack.

    Raises:
        BenchError: A query id has two texts, a label is broken (see judge), too many texts are lacking, or no document
            is relevant to any query.
    """
    asked = dict.fromkeys(entry.query_key for entry in entries)
    without = dict.fromkeys(entry.query_key for entry in entries if entry.query is None)
    second = " or ".join(table.join.files) if table.join is not None else ""
    _take_rows_without_document(entries, where, tolerance)
    take_missing_queries(list(without), len(asked), second, where, tolerance)
    entries = [entry for entry in entries if entry.query is not None]
    queries: dict[str, Entry] = {}
    for entry in entries:
        first = queries.setdefault(entry.query_key, entry)
        if first.query != entry.query:
            raise BenchError(
                f"the query id `{entry.query_key}` has another text than in {first.row.where}",
                where=entry.row.where,
                hint="ids must be unique",
            )
    judged, merged = _judged(table, split, entries)
    positive = {pair: gain for pair, gain in judged.gains.items() if gain > 0}
    if searched is None:
        paired = [entry for entry in entries if any((entry.query_key, n) in positive for n in entry.documents)]
        searched = documents_of(paired)
    names = list(corpus.rows)
    gains = {(query, names[document]): gain for (query, document), gain in judged.gains.items()}
    there = {name for name, index in corpus.rows.items() if corpus.texts[index] is not None}
    take_missing_documents(there, gains, second, where, tolerance, named=table.searches_all)
    documents = [index for index in dict.fromkeys(searched) if corpus.texts[index] is not None]
    query_rows = {query: row for row, query in enumerate(judged.queries)}
    document_rows = {index: row for row, index in enumerate(documents)}
    return make_retrieval(
        ([names[index] for index in documents], [corpus.texts[index] or "" for index in documents]),
        (judged.queries, [queries[query].query or "" for query in judged.queries]),
        [
            (query_rows[query], document_rows[document], gain)
            for (query, document), gain in positive.items()
            if corpus.texts[document] is not None
        ],
        where,
        notes=[] if is_training(split) else [*merged, *judged.notes, *_graded(table, judged), *tolerance.notes],
        irrelevant=judged.irrelevant if table.shape == "relevance" else None,
        lacking=[
            (query_rows[query], gain) for (query, document), gain in positive.items() if corpus.texts[document] is None
        ],
        not_relevant=[
            (query_rows[query], document_rows[document])
            for (query, document), gain in judged.gains.items()
            if gain <= 0 and query in query_rows and document in document_rows
        ]
        if table.shape == "relevance"
        else [],
    )


def _judged(table: Table, split: str, entries: Sequence[Entry]) -> tuple[Judged[int], list[str]]:
    """What the rows' labels mean, and a note on rows that were merged."""
    rows = judgements(entries)
    if table.repeated is None:
        return judge(rows, table.label_rule(split)), []
    what = "clicks" if table.searches_all else "rows"
    merged, note = merge_repeated(rows, table.repeated, table.decimal, counted=table.shape == "relevance", what=what)
    return judge(merged, table.label_rule(split), of=len(rows)), [note]


def _take_rows_without_document(entries: Sequence[Entry], where: str, tolerance: Tolerance) -> None:
    """Note rows that name no document, such as searches without a click."""
    found = [entry.row.place for entry in entries if not entry.documents]
    tolerance.take(
        found,
        len(entries),
        "rows name no document",
        counts="they judge nothing, and a query without other rows is not scored",
        where=where,
        hint="remove them, or name another column in `join.on`",
        limit=None,
    )


def _graded(table: Table, judged: Judged[int]) -> list[str]:
    """A note where no label says that a document is not relevant, though labels differ."""
    low, high = min(judged.gains.values(), default=0), max(judged.gains.values(), default=0)
    if table.relevant_from is not None or table.repeated is not None or low <= 0 or low == high:
        return []
    return [f"every pair counts as relevant: relevances go from {low:g} to {high:g}"]
