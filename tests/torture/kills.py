"""Part: a run is killed again and again, and its results are those of a run that was left alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from torture.beds import Project, copied, files_of, project
from torture.campaign import Case, chance
from torture.forked import Outcome, call
from torture.same import difference, entries
from torture.verdicts import fault_of

# Audit events of Python by which a file system changes.
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.link", "os.rmdir", "os.truncate", "os.chmod", "os.symlink"}
_OLD = 7 * 24 * 3600


class KillAt:
    """Kills its own process when a folder is about to be changed for the n-th time.

    Args:
        folder: The folder.
        number: The number of the change; 0 counts them in a file instead.
        count: That file.
    """

    def __init__(self, folder: Path, number: int, count: Path | None = None) -> None:
        self.folder, self.number, self.count, self.seen = str(folder), number, count, 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook of Python."""
        if event == "open":
            flags = arguments[2] if len(arguments) > 2 else 0
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event not in _CHANGES:
            return
        if self.folder not in str(arguments[0]) and not str(arguments[0]).startswith(("results", "cache")):
            return
        self.seen += 1
        if self.count is not None:
            self.written()
        elif self.seen == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    def written(self) -> None:
        """Note how many changes there were."""
        assert self.count is not None
        count, self.count = self.count, None
        count.write_text(str(self.seen))
        self.count = count


def changes_of(bed: Project, *arguments: str) -> int:
    """How many times a run changes the project's folder."""
    count = bed.folder.with_name(f"{bed.folder.name}-changes")
    outcome = bed.run(*arguments, before=lambda: sys.addaudithook(KillAt(bed.folder, 0, count)), seconds=300)
    if outcome.status != 0:
        raise RuntimeError(f"a run fails: {outcome}")
    return int(count.read_text())


def cases(folder: Path, seed: int, *, made: bool = True) -> Iterator[Case]:
    """Runs that are killed at changes and at instants, until the time is up."""
    beds = [project(folder / "scored"), *([project(folder / "made", made=True)] if made else [])]
    facts = []
    for bed in beds:
        fresh = copied(bed, folder / "fresh", without=("results", "cache"))
        start = time.monotonic()
        facts.append((entries(bed.results), changes_of(fresh), time.monotonic() - start))
    for number in range(1_000_000):
        rng = chance(seed, number)
        row = number % 3 % len(beds)
        (expected, changes, seconds), bed = facts[row], beds[row]
        what = "a run that trains" if row else "a run"
        kills = int(rng.integers(1, 4))
        if number % 2:
            places = [float(value) for value in rng.uniform(0, seconds, kills)]
            yield Case(f"{what}, at an instant", f"after {places} seconds",
                       lambda b=bed, e=expected, p=places: _killed(b, folder / "tried", e, p, at_instant))  # fmt: skip
        else:
            changed = [int(value) for value in rng.integers(1, changes + 1, kills)]
            yield Case(f"{what}, at a change of a file", f"at changes {changed}",
                       lambda b=bed, e=expected, p=changed: _killed(b, folder / "tried", e, p, at_change))  # fmt: skip


def at_changes_only(folder: Path, seed: int) -> Iterator[Case]:
    """Runs without training, killed at changes alone: nothing depends on a clock."""
    return (case for case in cases(folder, seed, made=False) if "change" in case.kind)


def at_instant(bed: Project, seconds: float) -> Outcome:
    """Kill a run after so many seconds."""
    running = bed.start(seconds=300)
    time.sleep(seconds)
    running.kill()
    return running.wait()


def at_change(bed: Project, number: int) -> Outcome:
    """Kill a run at a change of its folder."""
    return bed.run(before=lambda: sys.addaudithook(KillAt(bed.folder, number)), seconds=300)


def _killed(
    base: Project, folder: Path, expected: object, places: list, kill: Callable[[Project, object], Outcome]
) -> str | None:
    bed = copied(base, folder, without=("results", "cache"))
    for place in places:
        ended = kill(bed, place)
        if ended.status not in {-signal.SIGKILL, 0}:
            return f"a run that starts again fails: {ended}"
        if (fault := _unreadable(bed)) is not None:
            return fault
    for path in leftovers(bed.folder):
        os.utime(path, (time.time() - _OLD,) * 2)
    last = bed.run(seconds=300)
    if (fault := fault_of(last)) is not None or last.status != 0:
        return fault or f"the last run fails: {last}"
    if left := leftovers(bed.folder):
        return f"temporary files are left: {[str(path.relative_to(bed.folder)) for path in left]}"
    return difference(expected, bed.results)


def _unreadable(bed: Project) -> str | None:
    """What readers find wrong with what a killed run left."""
    if not (bed.folder / "results").exists():
        return None
    for command in (["results", "--format", "json"], ["results", "--verify"]):
        seen = call(bed.folder, *command)
        if (fault := fault_of(seen)) is not None or "damaged:" in seen.text:
            return f"{' '.join(command)} after a kill: {fault or seen.text[-300:]}"
    return None


def leftovers(folder: Path) -> list[Path]:
    """Temporary files that runs have left."""
    paths = [path for path in folder.rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".write-check")]
    return paths + [path for path in files_of(folder) if any(parent in paths for parent in path.parents)]
