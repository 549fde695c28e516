"""Tries, faults, and the table of them."""

from __future__ import annotations

import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Case:
    """Something to try.

    Attributes:
        kind: Of what kind it is, a line of the table.
        name: What is tried, in words.
        run: Tries it; says what is wrong, or None.
    """

    kind: str
    name: str
    run: Callable[[], str | None]


@dataclass(frozen=True)
class Part:
    """A part of the campaign.

    Attributes:
        name: Its name.
        cases: Its cases in a folder of its own; which they are, and their order, follow from the seed alone.
        weight: Its share of the time; 0 of one that runs by its name alone.
        small: How many of its cases `make test` tries, and which, where those are others.
    """

    name: str
    cases: Callable[[Path, int], Iterator[Case]]
    weight: float = 1.0
    small: tuple[int, Callable[[Path, int], Iterator[Case]] | None] = (0, None)

    def as_small(self) -> Part:
        """The part as `make test` has it."""
        return replace(self, cases=self.small[1] or self.cases)


@dataclass
class Tally:
    """How many tries of a kind there were, and the faults among them."""

    tries: int = 0
    faults: list[str] = field(default_factory=list)


Table = dict[tuple[str, str], Tally]


def chance(seed: int, *names: object) -> np.random.Generator:
    """Numbers that follow from a seed and names alone."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def shuffled(items: Sequence[object], seed: int, *names: object) -> list:
    """Items in another order."""
    return [items[row] for row in chance(seed, "order", *names).permutation(len(items))]


def try_part(
    part: Part,
    folder: Path,
    seed: int,
    table: Table,
    *,
    seconds: float = float("inf"),
    count: int | None = None,
    only: int | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Try the cases of a part until the time is up.

    Args:
        part: The part.
        folder: An empty folder for it.
        seed: What draws its cases.
        table: Tries and faults are added here.
        seconds: For how long.
        count: How many at most; all by default.
        only: The number of the one to try.
        report: What is called with each fault.
    """
    end = time.monotonic() + seconds
    for number, case in enumerate(part.cases(folder, seed)):
        if (count is not None and number >= count) or time.monotonic() > end or (only is not None and number > only):
            return
        if only is not None and number != only:
            continue
        tally = table.setdefault((part.name, case.kind), Tally())
        tally.tries += 1
        try:
            fault = case.run()
        except Exception:
            fault = f"the campaign itself failed: {traceback.format_exc(limit=-2)}"
        if fault is not None:
            line = f"{part.name}:{number} of seed {seed}, {case.name}: {fault}"
            tally.faults.append(line)
            report(f"FAULT {line}")


def printed(table: Table, examples: int = 3) -> str:
    """The table, and the first faults of each kind."""
    from tabulate import tabulate

    rows = [(part, kind, f"{tally.tries:,}", f"{len(tally.faults):,}") for (part, kind), tally in table.items()]
    tries = sum(tally.tries for tally in table.values())
    faults = sum(len(tally.faults) for tally in table.values())
    rows.append(("all", "", f"{tries:,}", f"{faults:,}"))
    lines = [tabulate(rows, headers=("part", "kind", "tries", "faults"), colalign=("left", "left", "right", "right"))]
    for tally in table.values():
        lines += [f"- {line}" for line in tally.faults[:examples]]
    return "\n".join(lines)
