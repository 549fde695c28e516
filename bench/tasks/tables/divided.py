"""The records of a table divided into splits, and what a reader should know about how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.tasks.data import RetrievalData
from bench.tasks.readers.labels import judge
from bench.tasks.tables.build import Entry, judgements
from bench.tasks.tables.divide import divide, divide_groups, divide_times
from bench.tasks.tables.grouped import query_groups
from bench.tasks.tables.section import Table
from bench.tasks.tables.split import TEST, TRAIN, Split, fold_name, is_training, without
from bench.tasks.tables.times import Moment

_SAME = "after normalisation"


@dataclass(frozen=True)
class Divided:
    """The records of each split.

    Attributes:
        table: The card's section.
        split: How they are divided.
        parts: The records of each split.
        left_out: Those of none, in the order in which they were drawn last.
        names: The ids of all documents, in the corpus's order.
        groups: The group of each query, by its key; empty of a split by row.
        moments: When each row of the split test was made, of a split by time.
    """

    table: Table
    split: Split
    parts: dict[str, list[Entry]]
    left_out: list[Entry]
    names: list[str]
    groups: dict[str, str]
    moments: list[Moment]

    def complete(self, data: RetrievalData, name: str) -> RetrievalData:
        """The data of a split with what only its division tells: groups and folds of queries, and notes.

        Raises:
            BenchError: A label of the rows to train with is broken.
        """
        if self.split.by == "row":
            return data
        groups = [self.groups[query] for query in data.query_ids] if self.split.by == "query" else None
        folds = self._folds(data.query_ids) if name == TEST and self.split.folds is not None else None
        notes = [] if is_training(name) else [*data.notes, *self._notes(data, name)]
        return replace(data, groups=groups, folds=folds, notes=notes)

    def _folds(self, queries: Sequence[str]) -> list[str]:
        names = [fold_name(number) for number in range(1, (self.split.folds or 0) + 1)]
        of_query = {entry.query_key: name for name in names for entry in self.parts[name]}
        return [of_query[query] for query in queries]

    def _notes(self, data: RetrievalData, name: str) -> list[str]:
        tested, rows = self._groups_of(name), len(self.parts[name])
        if name == TEST and self.split.folds is not None:
            mean = len(tested) / self.split.folds
            folds = f"{self.split.folds} folds of {mean:.4g} different queries ({_SAME}) on average"
            return [f"{folds}, drawn by seed {self.split.seed}; no query is in two folds"]
        other = TRAIN if name == TEST else without(name)
        all_rows = rows + len(self.parts[other])
        trained = self._groups_of(other)
        shared = f"{len(tested & trained):,} of the {len(tested):,} different queries ({_SAME}) are in {other} too"
        if self.split.by == "time":
            return [*time_notes(name, self.moments, all_rows), shared]
        size = f"{len(tested):,} of {len(tested | trained):,} different queries, {rows:,} of {all_rows:,} rows"
        return [f"split by query: {size}, are the split {name}", shared, *self._known(data, other)]

    def _groups_of(self, name: str) -> set[str]:
        return {self.groups[entry.query_key] for entry in self.parts[name]}

    def _known(self, data: RetrievalData, other: str) -> list[str]:
        """A note on queries whose relevant documents are all relevant in training too."""
        judged = judge(judgements(self.parts[other]), self.table.label_rule(other))
        names = {self.names[document] for (_, document), gain in judged.gains.items() if gain > 0}
        of_query: dict[int, list[bool]] = {}
        for query, document in zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True):
            of_query.setdefault(query, []).append(data.document_ids[document] in names)
        known = sum(map(all, of_query.values()))
        return (
            [f"of {known:,} of {data.n:,} queries every relevant document is relevant in {other} too"] if known else []
        )


def divide_entries(
    table: Table,
    entries: Sequence[Entry],
    names: list[str],
    moments: Callable[[str], list[Moment]],
    where: str,
) -> Divided | None:
    """Divide the records of a table; None where its card does not say how.

    Args:
        table: The card's section.
        entries: The records, in the order of the rows.
        names: The ids of all documents, in the corpus's order.
        moments: Reads a column as the moments of the rows, in the same order.
        where: What they were read from, for messages.

    Raises:
        BenchError: There are too few rows or queries, or see `moments`.
    """
    split = table.split
    if split is None:
        return None
    tested: list[Moment] = []
    groups = query_groups((entry.query_key, entry.query) for entry in entries) if split.by != "row" else []
    if split.by == "query":
        division = divide_groups(groups, split, where)
    elif split.time is not None:
        read = moments(split.time)
        division = divide_times(read, split, where)
        tested = [read[row] for row in division.parts[TEST]]
    else:
        division = divide(len(entries), split, where)
    parts = {name: [entries[row] for row in rows] for name, rows in division.parts.items()}
    left_out = [entries[row] for row in division.left_out]
    of_query = {entry.query_key: group for entry, group in zip(entries, groups, strict=False)}
    return Divided(table, split, parts, left_out, names, of_query, tested)


def time_notes(split: str, tested: Sequence[Moment], rows: int) -> list[str]:
    """A note on a split by time; none on the rows to train with.

    Args:
        split: The split.
        tested: When each row that is tested was made.
        rows: How many rows there are, those to train with among them.
    """
    if is_training(split):
        return []
    start = min(tested, key=lambda moment: moment.value).text
    return [f"split by time: {len(tested):,} of {rows:,} rows, all from {start} on, are the split {split}"]
