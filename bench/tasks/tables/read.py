"""Reading a task from the rows of tables."""

from __future__ import annotations

from dataclasses import replace

from bench.errors import BenchError
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.markup import plain_text_of
from bench.tasks.pairs import pair_data
from bench.tasks.readers.files import DataFile, FindFiles, first_found
from bench.tasks.tables.build import Corpus, Entry, build, documents_of, enter
from bench.tasks.tables.divide import divide, divide_times, sampled
from bench.tasks.tables.divided import Divided, divide_entries, time_notes
from bench.tasks.tables.records import Records, RecordSource, Texts
from bench.tasks.tables.searched import SearchedRecords
from bench.tasks.tables.section import ALL, Distractors, Table
from bench.tasks.tables.split import TEST, is_training
from bench.tasks.tables.times import Moment, read_moments
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
        by, notes = self.table.split, []
        if not own and by is not None and by.time is not None:
            moments = read_moments(found, by.time, self.table)
            chosen = divide_times(moments, by, where).parts[split]
            notes = time_notes(split, [moments[row] for row in chosen], len(rows))
            rows = [rows[row] for row in chosen]
        elif not own and by is not None:
            rows = [rows[row] for row in divide(len(rows), by, where).parts[split]]
        return replace(pair_data(rows, where, self.table.decimal), notes=notes)

    def retrieval(self, split: str) -> RetrievalData:
        found = self._own(split)
        divided = None
        if found:
            parts = {name: self._enter(self._own(name) or self._none(name)) for name in self._wanted(split)}
        else:
            found = self._all(split)
            divided = self._divided(found)
            parts = divided.parts if divided else self._sampled(found, split)
        searched = None
        if not is_training(split):
            drawn = documents_of(entry for entries in parts.values() for entry in entries)
            searched = documents_of(entry for name in self._searched(split) for entry in parts[name])
            if self.searched is not None:
                searched = self.searched.searched
            if self.table.distractors is not None:
                left_out = divided.left_out if divided else []
                searched |= dict.fromkeys(
                    _chosen_distractors(left_out, drawn, self.corpus, self.table.distractors, found[0].where)
                )
        data = build(self.table, split, parts[split], self.corpus, searched, found[0].where, self.tolerance)
        return divided.complete(data, split) if divided else data

    def _searched(self, split: str) -> list[str]:
        """The splits whose documents are searched: of folds always the same."""
        folds = self.table.split is not None and self.table.split.folds is not None
        return self.table.corpus or [TEST if folds else split]

    def _wanted(self, split: str) -> list[str]:
        """The splits whose records are needed."""
        return list(dict.fromkeys([split, *(self.table.corpus or [] if not is_training(split) else [])]))

    def _divided(self, found: list[DataFile]) -> Divided | None:
        if self.table.split is None:
            return None
        entries, where = self._enter(found), found[0].where

        def moments(column: str) -> list[Moment]:
            return read_moments(found, column, self.table)

        return divide_entries(self.table, entries, list(self.corpus.rows), moments, where)

    def _sampled(self, found: list[DataFile], split: str) -> dict[str, list[Entry]]:
        if self.table.sample is None:
            raise self._missing(split)
        parts = {
            name: enter(sampled(self.records, found, self.table.sample, name), self.corpus)
            for name in self._wanted(split)
        }
        if not parts[split]:
            raise self._missing(split)
        return parts

    def _enter(self, found: list[DataFile]) -> list[Entry]:
        return enter((record for file in found for record in self.records.read(file)), self.corpus)

    def _own(self, split: str) -> list[DataFile]:
        return first_found(self.files, self.table.files.get(split, []))

    def _all(self, split: str) -> list[DataFile]:
        divided = split in self.table.divided_into
        return (first_found(self.files, self.table.files[ALL]) if divided else []) or self._none(split)

    def _none(self, split: str) -> list[DataFile]:
        raise self._missing(split)

    def _missing(self, split: str) -> NotHereError:
        where = f"task `{self.name}`"
        if self.table.split is not None and self.table.split.folds is not None and split not in self.table.divided_into:
            return NotHereError(
                f"`table.split` makes no split `{split}`: queries are divided into {self.table.split.folds} folds",
                where=where,
                hint="train with `without-fold-1`, ... and test on `fold-1`, ...; `folds: true` in a recipe does it "
                "for each fold",
            )
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
