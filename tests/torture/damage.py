"""Part: files of every kind are damaged, and commands show what they showed or say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from torture.beds import READERS, ResultsBed, changed, results_bed
from torture.bytewise import damages
from torture.campaign import Case, chance, shuffled
from torture.verdicts import damage_fault, fault_of

FOLDERS = ("quality", "controls", "fidelity", "rerank", "cost", "audits", "environments", "acceptances")
SUFFIXES = {"record": ".json", "table": ".parquet"}


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Every damage to every kind of file of results, each seen by all commands that read results; then again."""
    bed = results_bed(folder / "bed")
    for turn in range(1_000_000):
        rows = [(kind, of, damage) for of in FOLDERS for kind in SUFFIXES for damage in damages(SUFFIXES[kind])]
        rows += [("record", of, name) for of in FOLDERS for name in _EXCHANGES]
        for number, (kind, of, damage) in enumerate(shuffled(rows, seed, turn)):
            files = [path for path in bed.files(of) if path.suffix == SUFFIXES[kind]]
            if not files:
                continue
            rng = chance(seed, turn, number)
            path = files[int(rng.integers(len(files)))]
            command = list(READERS)[(number + turn) % len(READERS)]
            others = [other for other in files if other != path]
            if damage not in _EXCHANGES:
                content = damages(path.suffix)[damage](path.read_bytes(), rng)
                yield Case(
                    f"{of}: {kind}", f"{damage} in {path.name}, {command}",
                    lambda p=path, c=content, n=command: damaged(bed, p, lambda place: place.write_bytes(c), n),
                )  # fmt: skip
            elif others:
                other = others[int(rng.integers(len(others)))]
                yield Case(
                    f"{of}: {kind}", f"{path.name} {damage} {other.name}, {command}",
                    lambda p=path, o=other, d=damage, n=command: _EXCHANGES[d](bed, p, o, n),
                )  # fmt: skip


def damaged(bed: ResultsBed, path: Path, change: Callable[[Path], None], command: str) -> str | None:
    """What is wrong with what a command shows when a file is changed."""
    expected = bed.expected(command)
    with changed(path, change):
        return damage_fault(expected, bed.see(command), path)


def _replaced(bed: ResultsBed, path: Path, other: Path, command: str) -> str | None:
    """A whole file of its kind in the place of another."""
    return damaged(bed, path, lambda place: place.write_bytes(other.read_bytes()), command)


def _swapped(bed: ResultsBed, path: Path, other: Path, command: str) -> str | None:
    expected = bed.expected(command)
    one, two = path.read_bytes(), other.read_bytes()
    with changed(path, lambda place: place.write_bytes(two)), changed(other, lambda place: place.write_bytes(one)):
        seen = bed.see(command)
        return damage_fault(expected, seen, path) and damage_fault(expected, seen, other)


def _absent(bed: ResultsBed, path: Path, other: Path, command: str) -> str | None:
    """A record that was deleted is no longer there: rows may go, and none may change."""
    expected = bed.expected(command)
    with changed(path, lambda place: place.unlink()):
        seen = bed.see(command)
    if command != "results" or seen.outcome.status != 0:
        return fault_of(seen.outcome)
    before, after = (set(seen.outcome.out.split("},")) for seen in (expected, seen))
    strange = [row for row in after - before if row.strip("[]\n ,{}") and not row.endswith("]\n")]
    return fault_of(seen.outcome) or (f"shows other rows: {strange[0][:300]}" if strange else None)


_EXCHANGES = {"replaced by": _replaced, "swapped with": _swapped, "deleted beside": _absent}
