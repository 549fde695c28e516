"""Which column of one file names the rows of another: columns whose values overlap."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.errors import BenchError
from bench.tasks.readers.cells import identifier, is_missing
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.rows import read_rows
from bench.tasks.tolerance import LIMIT

# A longer text is no id.
_LONGEST = 200
# Columns that share fewer of their values are no candidates.
_LEAST = 0.05
# A column that shares as many of its values may be the one that is meant.
_LIKELY = 0.5
_SHOWN = 5


@dataclass
class Ids:
    """The different values of a column.

    Attributes:
        values: The values as ids.
        unique: Whether no value is there twice.
    """

    values: set[str] = field(default_factory=set)
    unique: bool = True


@dataclass(frozen=True)
class Overlap:
    """A column of the rows and the column of the other file that holds its values.

    Attributes:
        column: Column of the rows.
        other: Column of the other file.
        lacking: Values of the former that the latter lacks, in order.
        of: How many different values the former has.
        unique: Whether no value of the latter is there twice.
    """

    column: str
    other: str
    lacking: list[str]
    of: int
    unique: bool

    @property
    def share(self) -> float:
        """The share of values that the other column holds."""
        return 1 - len(self.lacking) / self.of

    def __str__(self) -> str:
        """The option that names it, for people."""
        twice = "" if self.unique else ", some more than once"
        return f'--on "{self.column}={self.other}" ({self.found}{twice})'

    @property
    def found(self) -> str:
        """How many values are found, for people."""
        return f"{self.of - len(self.lacking):,} of {self.of:,} different values found"


def ids_of(files: Sequence[DataFile], text: Format, only: str | None = None) -> dict[str, Ids]:
    """The values of each column that can hold ids, or of one column whatever its texts.

    Raises:
        BenchError: A file cannot be read or is broken, or the one column holds what is no id.
    """
    found: dict[str, Ids] = {}
    others: set[str] = set()
    for file in files:
        for row in read_rows(file, lambda columns: columns if only is None else [only], text):
            for column, value in row.cells.items():
                if column in others or is_missing(value):
                    continue
                try:
                    name = identifier(value, column, row)
                except BenchError:
                    if only is not None:
                        raise
                    name = ""
                if only is None and (not name or len(name) > _LONGEST):
                    others.add(column)
                    found.pop(column, None)
                    continue
                ids = found.setdefault(column, Ids())
                ids.unique &= name not in ids.values
                ids.values.add(name)
    return found


def overlap(column: str, ids: Ids, other: str, there: Ids) -> Overlap:
    """How two columns overlap."""
    return Overlap(column, other, sorted(ids.values - there.values), len(ids.values), there.unique)


def overlaps(rows: Mapping[str, Ids], other: Mapping[str, Ids]) -> list[Overlap]:
    """The pairs of columns that share values, those that share most first."""
    pairs = [overlap(column, ids, name, there) for column, ids in rows.items() for name, there in other.items()]
    found = [pair for pair in pairs if pair.share >= _LEAST]
    return sorted(found, key=lambda pair: (not pair.unique, -pair.share, pair.column, pair.other))


def only_one(found: Sequence[Overlap], unlikely: Collection[str]) -> Overlap | None:
    """The pair of columns that alone can be meant: nearly all values are ids of the other file.

    Args:
        found: The pairs.
        unlikely: Columns of the rows that count only where they are named.
    """
    likely = [pair for pair in found if pair.unique and pair.share >= _LIKELY and pair.column not in unlikely]
    return likely[0] if len(likely) == 1 and likely[0].share >= 1 - LIMIT else None


def candidates(found: Sequence[Overlap], rows: Mapping[str, Ids], other: Mapping[str, Ids]) -> str:
    """The options that may be meant, or why no column fits, for messages."""
    if found:
        return f"name the two columns: {'; '.join(map(str, found[:_SHOWN]))}"
    for column, ids in rows.items():
        for name, there in other.items():
            alike = {_alike(value): value for value in sorted(there.values)}
            same = [value for value in sorted(ids.values) if _alike(value) in alike]
            if ids.values and len(same) >= _LIKELY * len(ids.values):
                return (
                    f"ids are compared as they are written: `{column}` has `{same[0]}` where `{name}` has "
                    f"`{alike[_alike(same[0])]}`; write both in one way"
                )
    return "no column of one file has values of the other's: check that the files belong together"


def _alike(name: str) -> str:
    """An id without what programs add to it or take from it: a fraction of zero, leading zeros, spaces, case."""
    return re.sub(r"\.0+$", "", name.strip()).lstrip("0").casefold()
