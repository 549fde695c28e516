"""How much of its data a training takes: rows seen, batches, and batches of few rows, counted before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Coverage:
    """What the batches of a training hold of one data set.

    Attributes:
        label: What messages call the data set.
        rows: Its rows.
        seen: How many of them are in a batch at least once.
        batches: Batches with rows of it, over the whole training.
        small: How many of these have fewer rows than half of the recipe's batch_size.
        batch_size: The recipe's.
    """

    label: str
    rows: int
    seen: int
    batches: int
    small: int
    batch_size: int

    def __str__(self) -> str:
        found = f"{self.label}: {self.seen:,} of {self.rows:,} rows in {self.batches:,} batches"
        return f"{found}, {self.small:,} of them below {self.batch_size / 2:g} rows" if self.small else found


def cover(batches: Iterable[Sequence[int]], sets: Sequence[tuple[str, int]], batch_size: int) -> list[Coverage]:
    """Count what batches hold of each data set.

    Args:
        batches: The rows of each, numbered through all data sets; a batch is of one data set.
        sets: The name and the number of rows of each.
        batch_size: The recipe's.
    """
    ends = list(accumulate(rows for _, rows in sets))
    seen = bytearray(ends[-1])
    counts = [0] * len(sets)
    small = [0] * len(sets)
    for batch in batches:
        part = bisect_right(ends, batch[0])
        counts[part] += 1
        small[part] += 2 * len(batch) < batch_size
        for row in batch:
            seen[row] = 1
    starts = [0, *ends]
    return [
        Coverage(label, rows, sum(seen[start : start + rows]), counts[part], small[part], batch_size)
        for part, ((label, rows), start) in enumerate(zip(sets, starts, strict=False))
    ]
