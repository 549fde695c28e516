"""Dividing the rows of a table by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.tasks.readers.files import DataFile
from bench.tasks.tables.records import Record, RecordSource
from bench.tasks.tables.section import TEST, TRAIN, Sample, Split

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Which rows belong to which part, in the parts' own order.

    Attributes:
        train: Rows of the split train.
        test: Rows of the split test.
        left_out: Rows of neither, in the order in which they were drawn last.
    """

    train: Int64
    test: Int64
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
    tests = math.ceil(split.test * len(drawn))
    return Division(train=drawn[order[tests:]], test=drawn[order[:tests]], left_out=left_out)


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
