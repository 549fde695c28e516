"""The texts of the queries that changed most, and what both sides find for them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.comparing.rows import Change, Point, Row
from bench.errors import BenchError
from bench.examples.search import Found, StoredModel, check_bm25, find_model, search_vectors, search_words
from bench.models.registry import ModelEntry
from bench.results.index import UnitKey, unit_title
from bench.results.items import ItemReader
from bench.tasks.catalog import BrokenTask, Task
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.layouts import TaskData
from bench.vectors.store import store_root

TOP = 3
_IDS_ONLY = "{}: of what mteb scores only the ids are known"


@dataclass(frozen=True)
class Document:
    """A document of a task.

    Attributes:
        id: Its id.
        text: Its text.
        label: How relevant it is to the query; 0 where no judgement says that it is.
        score: Its score; None where it was not searched for.
    """

    id: str
    text: str
    label: int
    score: float | None = None


@dataclass(frozen=True)
class Example:
    """A query, pair or item that changed, with what is known of it.

    Attributes:
        change: Its id and what it contributes to both scores.
        texts: The query, or the two sentences of a pair; empty where they cannot be had.
        gold: Gold score of a pair.
        similarity_a: Similarity of a pair as A sees it.
        similarity_b: Likewise B.
        relevant: Relevant documents of a query, the most relevant first, at most TOP.
        relevant_count: How many there are.
        top_a: What A finds, best first; None where it cannot be had.
        top_b: Likewise B.
    """

    change: Change
    texts: tuple[str, ...] = ()
    gold: float | None = None
    similarity_a: float | None = None
    similarity_b: float | None = None
    relevant: tuple[Document, ...] = ()
    relevant_count: int = 0
    top_a: tuple[Document, ...] | None = None
    top_b: tuple[Document, ...] | None = None


@dataclass(frozen=True)
class Examples:
    """What changed most in one row.

    Attributes:
        row: The row.
        items: What changed, the largest change first.
        notes: What cannot be had, why, and the command that makes it.
    """

    row: Row
    items: list[Example]
    notes: list[str] = field(default_factory=list)


class ExampleFinder:
    """Finds texts in tasks' data, and top results in stored vectors.

    Args:
        find_task: The tasks of a name; raises a BenchError where there is none.
        entries: The registry's entries, for their prompts.
        cache: The cache folder.
    """

    def __init__(
        self, find_task: Callable[[str], Sequence[Task | BrokenTask]], entries: Sequence[ModelEntry], cache: Path
    ) -> None:
        self._find_task = find_task
        self._entries = entries
        self._root = store_root(cache)
        self._data: dict[tuple[UnitKey, str], TaskData | str] = {}
        # Opening a model's vectors checks their files.
        self._models: dict[str, StoredModel | None] = {}

    def examples(self, row: Row) -> Examples:
        """What changed most in a row, as far as it can be had."""
        changes = row.paired.changed if row.paired is not None else []
        bare = [Example(change) for change in changes]
        if row.a.cell is None or not bare:
            return Examples(row, bare)
        data = self._task_data(row.unit, row.a.cell.record.task.fingerprint)
        if isinstance(data, str):
            return Examples(row, bare, [data])
        if isinstance(data, PairData):
            return Examples(row, _pairs(row, data, changes))
        if isinstance(data, RetrievalData):
            return self._queries(row, data, changes)
        return Examples(row, bare, [_IDS_ONLY.format(unit_title(row.unit))])

    def texts(self, unit: UnitKey, fingerprint: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]] | str:
        """The texts of queries, and both sentences of pairs, by their ids.

        Args:
            unit: The task unit.
            fingerprint: Of the data that was scored.
            ids: Those wanted; what the data does not have is left out.

        Returns:
            Why there are none, where they cannot be had.
        """
        data = self._task_data(unit, fingerprint)
        if isinstance(data, str):
            return data
        known: dict[str, tuple[str, ...]]
        if isinstance(data, RetrievalData):
            known = {name: (text,) for name, text in zip(data.query_ids, data.queries, strict=True)}
        elif isinstance(data, PairData):
            pairs = zip(data.ids, data.sentences1, data.sentences2, strict=True)
            known = {name: (first, second) for name, first, second in pairs}
        else:
            return _IDS_ONLY.format(unit_title(unit))
        return {name: known[name] for name in ids if name in known}

    def _task_data(self, unit: UnitKey, fingerprint: str) -> TaskData | str:
        """A task unit's data, or why it is not to be had."""
        key = unit, fingerprint
        if key not in self._data:
            try:
                self._data[key] = self._read(unit, fingerprint)
            except BenchError as error:
                hint = f" ({' '.join(error.hint.split())})" if error.hint else ""
                self._data[key] = f"no texts of {unit_title(unit)}: {error.one_line}{hint}"
        return self._data[key]

    def _read(self, unit: UnitKey, fingerprint: str) -> TaskData | str:
        name, split, subset = unit
        for task in self._find_task(name):
            for found in task.units(download=False):
                if (found.split, found.subset) == (split, subset):
                    if found.fingerprint != fingerprint:
                        return f"no texts of {unit_title(unit)}: its data here is not the data that was scored"
                    return found.data
        return f"no texts of {unit_title(unit)}: the task has no such split and subset any more"

    def _queries(self, row: Row, data: RetrievalData, changes: Sequence[Change]) -> Examples:
        place = {name: number for number, name in enumerate(data.query_ids)}
        wanted = [place[change.id] for change in changes]
        notes: list[str] = []
        tops = [self._top(point, row.unit, data, wanted, notes) for point in (row.a, row.b)]
        items = []
        for number, (change, query) in enumerate(zip(changes, wanted, strict=True)):
            labels = _labels(data, query)
            relevant = sorted(labels, key=lambda at: -labels[at])[:TOP]
            shown = [_documents(data, labels, top, number) if top is not None else None for top in tops]
            items.append(
                Example(
                    change,
                    (data.queries[query],),
                    relevant=tuple(_document(data, at, labels) for at in relevant),
                    relevant_count=len(labels),
                    top_a=shown[0],
                    top_b=shown[1],
                )
            )
        return Examples(row, items, list(dict.fromkeys(notes)))

    def _top(
        self, point: Point, unit: UnitKey, data: RetrievalData, wanted: Sequence[int], notes: list[str]
    ) -> Found | None:
        """What one side finds; None with a note where it cannot be had."""
        if point.cell is None:
            return None
        identity = point.cell.record.model.fingerprint
        subject = f"no top results of {point.model} on {unit_title(unit)}"
        try:
            if point.view is None:
                if check_bm25(identity, self._entries):
                    return search_words(data, wanted, TOP)
                notes.append(f"{subject}: the BM25 here is another version than the one that was scored")
                return None
            if identity not in self._models:
                self._models[identity] = find_model(identity, self._entries, self._root)
            model = self._models[identity]
            if model is not None:
                return search_vectors(data, wanted, model, point.view, TOP, point.cell.record.inputs)
            reason = f"the cache has no vectors of this model's content ({identity[:8]})"
        except BenchError as error:
            reason = error.one_line
        command = f"bench run --no-cost --force --model {shlex.quote(point.model)} --tasks {shlex.quote(unit[0])}"
        notes.append(f"{subject}: {reason}; where the model is still that one, `{command}` makes them")
        return None


def _pairs(row: Row, data: PairData, changes: Sequence[Change]) -> list[Example]:
    place = {name: number for number, name in enumerate(data.ids)}
    # The metric is the similarity's name and that of the correlation.
    similarity = row.metric.rpartition("_")[0]
    seen = [ItemReader().column(point.cell, similarity) if point.cell else {} for point in (row.a, row.b)]
    items = []
    for change in changes:
        at = place[change.id]
        texts = data.sentences1[at], data.sentences2[at]
        a, b = (side.get(change.id) for side in seen)
        items.append(Example(change, texts, float(data.gold[at]), a, b))
    return items


def _labels(data: RetrievalData, query: int) -> dict[int, int]:
    """Rows of the documents that are relevant to a query, with their labels."""
    mine = data.pair_queries == query
    return dict(zip(data.pair_documents[mine].tolist(), data.pair_gains[mine].tolist(), strict=True))


def _documents(data: RetrievalData, labels: dict[int, int], top: Found, number: int) -> tuple[Document, ...]:
    found = zip(top.rows[number].tolist(), top.scores[number].tolist(), strict=True)
    return tuple(_document(data, at, labels, score) for at, score in found)


def _document(data: RetrievalData, at: int, labels: dict[int, int], score: float | None = None) -> Document:
    return Document(data.document_ids[at], data.documents[at], labels.get(at, 0), score)
