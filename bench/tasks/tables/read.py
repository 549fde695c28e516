"""Reading a task from the rows of tables."""

from __future__ import annotations

from bench.errors import BenchError
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.markup import plain_text_of
from bench.tasks.pairs import pair_data
from bench.tasks.readers.files import DataFile, FindFiles, first_found
from bench.tasks.tables.build import Corpus, Entry, build, documents_of, enter
from bench.tasks.tables.divide import divide, sampled
from bench.tasks.tables.records import Records, RecordSource, Texts
from bench.tasks.tables.searched import SearchedRecords
from bench.tasks.tables.section import ALL, TEST, TRAIN, Distractors, Table
from bench.tasks.tolerance import Tolerance


def read_table(files: FindFiles, card: TaskCard, split: str) -> RetrievalData | PairData:
    """Read one split of a task whose card has a section `table`.

    Args:
        files: Finds the files of the data set.
        card: The card.
        split: The split. `train` gives the pairs to train with, and their documents alone.

    Raises:
        NotHereError: There are no files for the split, or they lack a column.
        BenchError: A file is broken, with its line; see Records and build.
    """
    if card.table is None:
        raise BenchError(f"the card of `{card.name}` has no section `table`")
    texts = Texts(card.allow_empty, card.table.lists, plain_text_of if card.strip_html else None)
    if card.table.shape == "pairs":
        return _Reader(card.table, files, texts, card).pairs(split)
    return _Reader(card.table, files, texts, card).retrieval(split)


class _Reader:
    """Reads one split: its own files, or its part of `files.all`."""

    def __init__(self, table: Table, files: FindFiles, texts: Texts, card: TaskCard) -> None:
        self.table = table
        self.files = files
        self.texts = texts
        self.name = card.name
        self.tolerance = Tolerance(card.strict)
        self.corpus = Corpus(table.same_document)
        self.searched = (
            SearchedRecords(table, table.join, files, texts, self.corpus, self.tolerance)
            if table.join is not None and table.searches_all
            else None
        )
        self.records: RecordSource = self.searched or Records(table, files, texts)

    def pairs(self, split: str) -> PairData:
        own = self._own(split)
        found = own or self._all(split)
        records = Records(self.table, self.files, self.texts)
        rows = [row for file in found for row in records.read_pairs(file)]
        where = found[0].where
        if not own and self.table.split is not None:
            parts = divide(len(rows), self.table.split, where)
            rows = [rows[index] for index in (parts.train if split == TRAIN else parts.test)]
        return pair_data(rows, where, self.table.decimal)

    def retrieval(self, split: str) -> RetrievalData:
        found = self._own(split)
        if found:
            parts = {name: self._enter(self._own(name) or self._none(name)) for name in self._wanted(split)}
            left_out: list[Entry] = []
        else:
            found = self._all(split)
            parts, left_out = self._divided(found, split)
        searched = None
        if split != TRAIN:
            drawn = documents_of(entry for entries in parts.values() for entry in entries)
            searched = documents_of(entry for name in self.table.corpus or [split] for entry in parts[name])
            if self.searched is not None:
                searched = self.searched.searched
            if self.table.distractors is not None:
                searched |= dict.fromkeys(
                    _chosen_distractors(left_out, drawn, self.corpus, self.table.distractors, found[0].where)
                )
        return build(self.table, split, parts[split], self.corpus, searched, found[0].where, self.tolerance)

    def _wanted(self, split: str) -> list[str]:
        """The splits whose records are needed."""
        return list(dict.fromkeys([split, *(self.table.corpus or [] if split != TRAIN else [])]))

    def _divided(self, found: list[DataFile], split: str) -> tuple[dict[str, list[Entry]], list[Entry]]:
        table = self.table
        if table.sample is not None:
            parts = {
                name: enter(sampled(self.records, found, table.sample, name), self.corpus)
                for name in self._wanted(split)
            }
            if not parts[split]:
                raise self._missing(split)
            return parts, []
        entries = self._enter(found)
        if table.split is None:
            raise self._missing(split)
        rows = divide(len(entries), table.split, found[0].where)
        parts = {TRAIN: [entries[row] for row in rows.train], TEST: [entries[row] for row in rows.test]}
        return parts, [entries[row] for row in rows.left_out]

    def _enter(self, found: list[DataFile]) -> list[Entry]:
        return enter((record for file in found for record in self.records.read(file)), self.corpus)

    def _own(self, split: str) -> list[DataFile]:
        return first_found(self.files, self.table.files.get(split, []))

    def _all(self, split: str) -> list[DataFile]:
        found = first_found(self.files, self.table.files.get(ALL, [])) if split in {TRAIN, TEST} else []
        return found or self._none(split)

    def _none(self, split: str) -> list[DataFile]:
        raise self._missing(split)

    def _missing(self, split: str) -> NotHereError:
        where = f"task `{self.name}`"
        names = [*self.table.files.get(split, []), *self.table.files.get(ALL, [])]
        if not names:
            known = ", ".join(self.table.files)
            return NotHereError(f"`table.files` has no split `{split}`", where=where, hint=f"it has {known}")
        return NotHereError(f"no rows for the split `{split}` in {' or '.join(names)}", where=where)


def _chosen_distractors(
    left_out: list[Entry], drawn: dict[int, None], corpus: Corpus, wanted: Distractors, where: str
) -> list[int]:
    """Documents that stand only in rows that were not drawn, by ascending id."""
    names = list(corpus.rows)
    found = [
        (key, index)
        for index in documents_of(left_out)
        if index not in drawn
        and corpus.texts[index] is not None
        and (key := _id_order(names[index])) >= (0, wanted.first_id, "")
    ]
    if len(found) < wanted.count:
        raise BenchError(
            f"{len(found):,} documents can be distractors, but {wanted.count:,} are wanted",
            where=where,
            hint="is the file whole? else change `distractors` in the task card",
        )
    return [index for _, index in sorted(found)[: wanted.count]]


def _id_order(name: str) -> tuple[int, int, str]:
    """Numbers in their order, then other ids in theirs."""
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
