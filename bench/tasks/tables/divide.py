"""Dividing the rows of a table: by seed, by query or by time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.tasks.readers.files import DataFile
from bench.tasks.tables.records import Record, RecordSource
from bench.tasks.tables.section import Sample
from bench.tasks.tables.split import TEST, TRAIN, Split, fold_name, without
from bench.tasks.tables.times import Moment

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Which rows belong to which split.

    Attributes:
        parts: Rows of each split, in the split's own order.
        left_out: Rows of none, in the order in which they were drawn last.
    """

    parts: dict[str, Int64]
    left_out: Int64


def divide(count: int, split: Split, where: str) -> Division:
    """Divide `count` rows as `datasets` does with shuffle(seed), select and train_test_split(test, seed).

    Args:
        count: How many rows there are.
        split: How they are divided.
        where: What they were read from, for messages.

    Raises:
        BenchError: There are fewer rows than `split.rows`.
    """
    share = split.test or 0
    if split.rows is not None and count < split.rows:
        raise BenchError(
            f"{count:,} rows, but the split draws {split.rows:,}",
            where=where,
            hint="is the file whole? else change `split.rows` in the task card",
        )
    drawn, left_out = np.arange(count), np.array([], dtype=np.int64)
    if split.rows is not None:
        order = np.random.default_rng(split.seed).permutation(count)
        drawn, left_out = order[: split.rows], order[split.rows :]
    order = np.random.default_rng(split.seed).permutation(len(drawn))
    tests = math.ceil(share * len(drawn))
    return Division({TRAIN: drawn[order[tests:]], TEST: drawn[order[:tests]]}, left_out)


def divide_groups(groups: Sequence[str], split: Split, where: str) -> Division:
    """Divide rows by their group, whatever the order of the rows.

    Args:
        groups: The group of each row.
        split: How many groups are tested, or how many folds of them there are.
        where: What the rows were read from, for messages.

    Raises:
        BenchError: There are too few groups.
    """
    numbers = {name: number for number, name in enumerate(sorted(set(groups)))}
    order = np.random.default_rng(split.seed).permutation(len(numbers))
    of_rows = np.array([numbers[name] for name in groups], dtype=np.int64)
    nothing = np.array([], dtype=np.int64)
    if split.folds is not None:
        if split.folds > len(numbers):
            raise BenchError(
                f"{len(numbers):,} different queries cannot be divided into {split.folds:,} folds",
                where=where,
                hint="ask for fewer folds",
            )
        parts = {TEST: np.arange(len(groups))}
        for fold in range(split.folds):
            inside = np.isin(of_rows, order[fold :: split.folds])
            name = fold_name(fold + 1)
            parts |= {name: np.flatnonzero(inside), without(name): np.flatnonzero(~inside)}
        return Division(parts, nothing)
    tests = _share(split, len(numbers), "different queries", where)
    inside = np.isin(of_rows, order[:tests])
    return Division({TRAIN: np.flatnonzero(~inside), TEST: np.flatnonzero(inside)}, nothing)


def divide_times(moments: Sequence[Moment], split: Split, where: str) -> Division:
    """Divide rows by time: the latest are the split test, with all rows of the instant that it starts at.

    Args:
        moments: When each row was made; all of one kind.
        split: How many rows are tested.
        where: What the rows were read from, for messages.

    Raises:
        BenchError: No row is left to train with.
    """
    values = [moment.value for moment in moments]
    tests = _share(split, len(values), "rows", where)
    start = sorted(values)[-tests]
    inside = np.array([value >= start for value in values])
    if inside.all():
        first = moments[int(np.argmax(inside))]
        raise BenchError(
            f"{sum(value == start for value in values):,} rows are of one instant, {first.text}, the earliest: "
            "no row is left to train with",
            where=where,
            hint="test a smaller share, or split by query",
        )
    parts = {TRAIN: np.flatnonzero(~inside), TEST: np.flatnonzero(inside)}
    return Division(parts, np.array([], dtype=np.int64))


def _share(split: Split, count: int, what: str, where: str) -> int:
    """How many of `count` are tested: the share rounded up, exactly as it is written."""
    tests = math.ceil(Fraction(str(split.test)) * count)
    if tests >= count:
        raise BenchError(
            f"{split.test:g} of {count:,} {what} is all of them: none is left to train with",
            where=where,
            hint="test a smaller share",
        )
    return tests


def sampled(records: RecordSource, found: list[DataFile], sample: Sample, split: str) -> Iterator[Record]:
    """The records of a split of a sample; nothing is read after the last of them.

    Args:
        records: Reads the files.
        found: The files.
        sample: How much is wanted.
        split: test or train.

    Raises:
        BenchError: See RecordSource.read.
    """
    order = np.random.default_rng(sample.seed)
    files = [found[index] for index in order.permutation(len(found))]
    wanted = {TEST: sample.test} | ({TRAIN: sample.train} if split == TRAIN else {})
    parts: dict[str, str] = {}
    for record in (record for file in files for record in records.read(file, order)):
        if record.query_key not in parts:
            part = next((part for part, queries in wanted.items() if queries), None)
            if part is None:
                return
            wanted[part] -= 1
            parts[record.query_key] = part
        if parts[record.query_key] == split:
            yield record
