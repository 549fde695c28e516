"""Part: special files, links and folders in the place of every file."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from torture.beds import READERS, Project, ResultsBed, changed, copied, files_of, project, remove, results_bed
from torture.campaign import Case, shuffled
from torture.same import difference, entries
from torture.verdicts import damage_fault, fault_of

_SECONDS = 40
_SPARSE = 1 << 40


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _socket(path: Path) -> None:
    # A socket's path is short, so it is bound from its folder.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind("s")
    finally:
        os.chdir(before)
    (path.parent / "s").rename(path)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, _SPARSE)


KINDS: dict[str, Callable[[Path], None]] = {
    "a FIFO": os.mkfifo,
    "a socket": _socket,
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to /dev/random": _link("/dev/random"),
    "a link to a terminal": _link("/dev/tty"),
    "a link to /proc/self/mem": _link("/proc/self/mem"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": _link("nowhere/at/all"),
    "a link to the folder above": _link(".."),
    "an empty folder": lambda path: path.mkdir(),
    "a full folder": lambda path: (path / "a" / "b").mkdir(parents=True),
    "a file of a terabyte": _sparse,
}
# What is a file to all who ask.
_FILES = ("a file of a terabyte", "a link to /proc/self/mem")
# Files of another name beside the files of a folder.
BESIDE: dict[str, Callable[[Path], None]] = {
    "a name that is no UTF-8": lambda folder: (folder / os.fsdecode(b"\xff\xfe.json")).write_text("{}"),
    "a FIFO beside": lambda folder: os.mkfifo(folder / "zz.json"),
    "a folder beside": lambda folder: (folder / "zz.json").mkdir(),
    "a link to nothing beside": lambda folder: (folder / "zz.json").symlink_to("nowhere"),
    "a link to itself beside": lambda folder: (folder / "zz").symlink_to("."),
}


def cases(folder: Path, seed: int, *, made: bool = True) -> Iterator[Case]:
    """Every kind in the place of a file of every kind, once."""
    bed, own = results_bed(folder / "bed"), project(folder / "project", made=made)
    expected = entries(own.results)
    todo: list[tuple[str, str, Callable[[], str | None]]] = []
    for place in _places(bed):
        for kind, make in KINDS.items():
            if place.is_dir() and "folder" in kind:
                continue  # which is another folder of results
            if place.parent.parent == bed.results and place.is_dir() and kind in _FILES:
                continue  # which is a file beside the folders of tasks
            for command in READERS:
                name = f"{kind} for {place.relative_to(bed.folder)}, {command}"
                todo.append(("results and rules", name, lambda p=place, m=make, c=command: _read(bed, p, m, c)))
    for place in (bed.results / "quality", bed.results / "quality" / "shop", bed.results):
        for kind, make in BESIDE.items():
            for command in READERS:
                name = f"{kind} the files of {place.relative_to(bed.folder)}, {command}"
                todo.append(("results and rules", name, lambda p=place, m=make, c=command: _beside(bed, p, m, c)))
    for of, place in _own_places(own):
        for kind, make in KINDS.items():
            name = f"{kind} for {place}, run"
            todo.append((of, name, lambda p=place, m=make: _run(own, expected, folder / "tried", p, m)))
    for kind, name, run in shuffled(todo, seed):
        yield Case(kind, name, run)


def without_training(folder: Path, seed: int) -> Iterator[Case]:
    """The same without a trained model."""
    return cases(folder, seed, made=False)


def _places(bed: ResultsBed) -> list[Path]:
    """A file of every kind, and the folders they are in."""
    found = [bed.folder / name for name in ("gates.yaml", "models.yaml", "results", "baseline")]
    for folder in sorted(bed.results.iterdir()):
        files = files_of(folder)
        found += [folder, files[0].parent, *(files[:1]), *[path for path in files if path.suffix == ".parquet"][:1]]
    return list(dict.fromkeys(found))


def _own_places(own: Project) -> list[tuple[str, str]]:
    found = [("registry", "models.yaml"), ("training data", "train.jsonl")]
    found += [("task", path.relative_to(own.folder).as_posix()) for path in files_of(own.folder / "tasks")]
    found += [("model", path.relative_to(own.folder).as_posix()) for path in files_of(own.folder / "tiny")]
    cached: dict[tuple[str, str], str] = {}
    for path in files_of(own.folder / "cache"):
        name = path.relative_to(own.folder)
        cached.setdefault((str(len(name.parts)), path.suffix), str(name))
    return found + [("cache", place) for place in cached.values()]


def _read(bed: ResultsBed, place: Path, make: Callable[[Path], None], command: str) -> str | None:
    def change(path: Path) -> None:
        remove(path)
        make(path)

    expected = bed.expected(command)
    with changed(place, change):
        return damage_fault(expected, bed.see(command, seconds=_SECONDS), place)


def _beside(bed: ResultsBed, place: Path, make: Callable[[Path], None], command: str) -> str | None:
    expected = bed.expected(command)
    with changed(place, make):
        seen = bed.see(command, seconds=_SECONDS)
    if (fault := fault_of(seen.outcome)) is not None or seen.outcome.status != 0:
        return fault
    return None if expected.shows_the_same(seen) else "shows something else in silence"


def _run(base: Project, expected: object, folder: Path, place: str, make: Callable[[Path], None]) -> str | None:
    bed = copied(base, folder, without=("results",))
    remove(folder / place)
    make(folder / place)
    ended = bed.run(seconds=_SECONDS)
    try:
        if (fault := fault_of(ended)) is not None:
            return fault
        return difference(expected, bed.results) if ended.status == 0 else None
    finally:
        shutil.rmtree(folder)
