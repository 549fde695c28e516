"""Part: several processes at once on the same cache and the same results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from torture.beds import RUN, copied, project
from torture.campaign import Case, chance
from torture.forked import bench, call
from torture.same import difference, entries
from torture.verdicts import fault_of

_READERS = (
    ["results", "--format", "json"],
    ["results", "--verify"],
    ["report", "--reports", "out"],
    ["compare", "tiny", "bm25"],
    ["choose", "--task", "shop"],
    ["gate", "--baseline", "whole"],
    ["run", "--dry-run"],
    ["cache"],
)
_CLEAR = ["cache", "clear"]


def cases(folder: Path, seed: int, *, made: bool = True) -> Iterator[Case]:
    """Two to four processes that start within a second of each other, until the time is up."""
    beds = [project(folder / "scored"), *([project(folder / "made", made=True)] if made else [])]
    expected = [entries(bed.results) for bed in beds]
    for number in range(1_000_000):
        rng = chance(seed, number)
        row = int(number % 4 == 3) % len(beds)
        kind = ("runs", "a run and readers", "runs, one is killed", "a run and a cleared cache")[number // 2 % 4]
        commands = [RUN] * int(rng.integers(2, 4))
        if kind == "a run and readers":
            commands = [RUN, *(_READERS[pick] for pick in rng.integers(len(_READERS), size=3))]
        elif kind == "a run and a cleared cache":
            commands = [RUN, _CLEAR, RUN]
        pauses = [float(value) for value in rng.uniform(0, 1.5, len(commands))]
        yield Case(
            kind, f"{[' '.join(words[:2]) for words in commands]} after {pauses}",
            lambda r=row, k=kind, c=commands, p=pauses: _together(
                beds[r], expected[r], folder / "tried", c, p, kill=k == "runs, one is killed"
            ),
        )  # fmt: skip


def without_training(folder: Path, seed: int) -> Iterator[Case]:
    """Runs that score only."""
    return cases(folder, seed, made=False)


def _together(
    base: object, expected: object, folder: Path, commands: list[list[str]], pauses: list[float], *, kill: bool
) -> str | None:
    bed = copied(base, folder, without=("results", "cache"))
    copied(base, folder / "whole-project")
    (folder / "whole").symlink_to(folder / "whole-project" / "results")
    running = []
    for words, pause in sorted(zip(commands, pauses, strict=True), key=lambda pair: pair[1]):
        running.append((words, bench(folder, *words, seconds=300)))
        time.sleep(pause / 2)
    if kill:
        running[0][1].kill()
    ended = [(words, process.wait()) for words, process in running]
    for words, outcome in ended[1:] if kill else ended:
        fault = fault_of(outcome)
        if fault is None and outcome.status != 0 and words == RUN:
            fault = f"fails: {outcome.text[-500:]}"
        if fault is None and outcome.status != 0 and "damaged" in outcome.text:
            fault = outcome.text[-500:]
        if fault is not None:
            return f"{' '.join(words)}: {fault}"
    last = bed.run(seconds=300)
    if last.status != 0:
        return f"a run after them fails: {last.text[-500:]}"
    verified = call(folder, "results", "--verify")
    return fault_of(verified) or difference(expected, bed.results, twice=True)
