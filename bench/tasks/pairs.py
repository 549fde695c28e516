"""Scored pairs of sentences: from the rows of files, and as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.tasks.data import PairData, pair_ids
from bench.tasks.readers.cells import decimal_mark, needed_text, read_number
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile, local_file
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.numbers import Decimal
from bench.tasks.readers.rows import Row, read_rows

ROLES = ("sentence1", "sentence2", "score")


@dataclass(frozen=True)
class Pair:
    """A row of scored pairs: the sentences as written, the cell with the score, and its place."""

    first: str
    second: str
    score: Any
    row: Row


def read_pairs(path: Path, *, allow_empty: bool = False) -> PairData:
    """Read one file of scored pairs whose columns have the roles' names.

    Raises:
        BenchError: See read_pair_files.
    """
    return read_pair_files([local_file(path)], allow_empty=allow_empty)


def read_pair_files(files: Sequence[DataFile], *, allow_empty: bool) -> PairData:
    """Read the files of scored pairs whose columns have the roles' names.

    Raises:
        BenchError: A file is broken, a column is missing, a text is empty, a score is no number, or the scores are all
            the same (no correlation is defined then). With the line.
    """
    pairs = [pair for file in files for pair in _read(file, allow_empty=allow_empty)]
    return pair_data(pairs, files[0].where)


def _read(file: DataFile, *, allow_empty: bool) -> Iterator[Pair]:
    def choose(found: list[str]) -> list[str]:
        for role in ROLES:
            if role not in found:
                raise BenchError(
                    f"no column `{role}`",
                    where=file.where,
                    hint=f"{listed_columns(found, role)}; other columns are read by a card: "
                    f"bench tasks add {file.where} --name NAME (--{role}-column)",
                )
        return list(ROLES)

    for row in read_rows(file, choose, Format()):
        yield read_pair(row, {role: role for role in ROLES}, partial(needed_text, allow_empty=allow_empty))


def read_pair(row: Row, columns: Mapping[str, str], text: Callable[[Any, str, Row], str]) -> Pair:
    """A row as a pair.

    Args:
        row: The row.
        columns: The column of each role.
        text: Reads a sentence from its cell, column and row.

    Raises:
        BenchError: A sentence is empty or none.
    """
    first, second = (text(row.cells[columns[role]], columns[role], row) for role in ROLES[:2])
    return Pair(first, second, row.cells[columns["score"]], Row({}, row.file, row.place))


def pair_data(pairs: Sequence[Pair], where: str, decimal: Decimal | None = None) -> PairData:
    """Scored pairs as data.

    Args:
        pairs: The rows.
        where: What they were read from, for messages.
        decimal: The decimal mark of scores; recognised by default.

    Raises:
        BenchError: A score is no number, or see make_pairs.
    """
    decimal = decimal or decimal_mark(((pair.score, pair.row) for pair in pairs), "score")
    gold = [read_number(pair.score, "score", pair.row.where, decimal) for pair in pairs]
    return make_pairs([pair.first for pair in pairs], [pair.second for pair in pairs], gold, where)


def make_pairs(first: list[str], second: list[str], gold: list[float], where: str) -> PairData:
    """Scored pairs as data.

    Args:
        first: First sentences.
        second: Second sentences.
        gold: Gold scores.
        where: What they were read from, for messages.

    Raises:
        BenchError: There are fewer than two, or the scores are all the same (no correlation is defined then).
    """
    if len(gold) < 2:
        raise BenchError(f"{len(gold)} pairs; a correlation needs at least 2", where=where)
    if len(set(gold)) == 1:
        raise BenchError(
            f"every score is {gold[0]:g}: no correlation is defined", where=where, hint="check the column `score`"
        )
    return PairData(pair_ids(first, second, gold), first, second, np.array(gold, dtype=np.float64))
