"""Part: 4,000 bit flips over all files of the committed results, through all commands that read results.

A command runs once. When it is about to read a file for the first time, its process is forked for every flip of that
file, and the fork reads the damaged file and goes on. That shows what the command shows of damaged results without doing
again what it did before it had read the file. A command that does not read a file cannot show its damage.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import ROOT
from torture.beds import Seen, contents, files_of
from torture.bytewise import FLIPS
from torture.campaign import Case, chance, shuffled
from torture.forked import Outcome, bench, redirect
from torture.verdicts import damage_fault

COMMANDS = {
    "results": ["results", "--format", "json", "--all"],
    "report": ["report", "--reports", "out"],
    "compare": ["compare", "all-MiniLM-L6-v2", "minilm-store", "--all-views", "--format", "json"],
    "choose": ["choose", "--task", "hardware_store", "--min-share", "0.9", "--allow-rerank", "--format", "json"],
    "gate": ["gate", "--baseline", "baseline", "--format", "json"],
}
FLIPPED = 4_000
# The whole command, as no part of it, is given this.
_SECONDS = 7_200


@dataclass(frozen=True)
class Flip:
    """A bit flip: of a file, with the content that it then has."""

    number: int
    path: Path
    where: str
    content: bytes


def flips(results: Path, seed: int, count: int) -> list[Flip]:
    """Flips over all files of a results folder, at places of all classes."""
    files = files_of(results)
    order = [path for turn in range(count // len(files) + 1) for path in shuffled(files, seed, turn)][:count]
    found = []
    for number, path in enumerate(order):
        rng = chance(seed, "flip", number)
        where = list(FLIPS)[int(rng.integers(len(FLIPS)))]
        content = path.read_bytes()
        while (damaged := FLIPS[where](content, rng)) == content:
            pass
        found.append(Flip(number, path, where, damaged))
    return found


class Forks:
    """Forks a command at each of its first readings of a file that has flips.

    Args:
        flips: The flips.
        folder: Where the command runs.
        log: A file for what came of each.
    """

    def __init__(self, flips: Sequence[Flip], folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.waiting: dict[str, list[Flip]] = {}
        for flip in flips:
            self.waiting.setdefault(str(flip.path.resolve()), []).append(flip)
        self.active = False

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook of Python."""
        if event != "open" or not self.waiting or self.active or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.path.abspath(os.fspath(arguments[0]))  # noqa: PTH100 - a link is not followed, and nothing is opened
        if path not in self.waiting:
            return
        self.active = True
        for flip in self.waiting.pop(path):
            if self.fork(flip):
                return
        self.active = False

    def fork(self, flip: Flip) -> bool:
        """Fork for a flip; True in the fork."""
        sys.stdout.flush()
        sys.stderr.flush()
        before, pages = flip.path.read_bytes(), contents(self.folder / "out")
        streams = [self.folder / f"fork-{name}" for name in ("out", "err")]
        for number, stream in enumerate(streams, 1):
            size = os.fstat(number).st_size
            stream.write_bytes(os.pread(number, size, 0))
        flip.path.write_bytes(flip.content)
        pid = os.fork()
        if pid == 0:
            handles = [os.open(stream, os.O_RDWR | os.O_APPEND) for stream in streams]
            redirect(*handles)
            return True
        _, state = os.waitpid(pid, 0)
        flip.path.write_bytes(before)
        outcome = Outcome(os.waitstatus_to_exitcode(state), *(stream.read_text("utf-8") for stream in streams))
        shown = contents(self.folder / "out")
        found = {"number": flip.number, "status": outcome.status, "out": outcome.out, "err": outcome.err}
        # The pages only where the fork wrote any: there are many, and most forks end before.
        found["pages"] = {name: shown[name].hex() for name in shown if pages.get(name) != shown[name]}
        if shown != pages:
            shutil.rmtree(self.folder / "out")
            for name, content in pages.items():
                (self.folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / "out" / name).write_bytes(content)
        with self.log.open("a") as handle:
            handle.write(json.dumps(found) + "\n")
        return False


def cases(folder: Path, seed: int, count: int = FLIPPED, source: Path = ROOT / "results") -> Iterator[Case]:
    """Each command, and in it each flip of a file that it reads."""
    bed = folder / "bed"
    bed.mkdir()
    shutil.copytree(source, bed / "results")
    shutil.copytree(source, bed / "baseline")
    for name in ("models.yaml", "recipes", "tasks"):
        (bed / name).symlink_to(ROOT / name)
    drawn = flips(bed / "results", seed, count)
    for command, words in COMMANDS.items():
        yield from _of_command(bed, command, words, drawn)


def _of_command(bed: Path, command: str, words: list[str], drawn: list[Flip]) -> Iterator[Case]:
    shutil.rmtree(bed / "out", ignore_errors=True)
    log = bed / f"log-{command}"
    log.touch()
    forks = Forks(drawn, bed, log)
    whole = bench(bed, *words, before=lambda: sys.addaudithook(forks.hook), seconds=_SECONDS).wait()
    if whole.status != 0:
        yield Case(command, command, lambda: f"fails on whole results: {whole}")
        return
    expected = Seen(whole, contents(bed / "out"))
    read = {found["number"]: found for found in map(json.loads, log.read_text().splitlines())}
    for flip in drawn:
        yield Case(
            f"{command}: {'record' if flip.path.suffix == '.json' else 'table'}"
            f"{'' if flip.number in read else ' (not read)'}",
            f"{flip.where} in {flip.path.relative_to(bed)}",
            lambda flip=flip: _judged(expected, read.get(flip.number), flip),
        )


def _judged(expected: Seen, found: dict | None, flip: Flip) -> str | None:
    if found is None:
        return None
    outcome = Outcome(found["status"], found["out"], found["err"])
    pages = {name: bytes.fromhex(content) for name, content in found["pages"].items()}
    seen = Seen(outcome, expected.pages if outcome.status == 0 and not pages else expected.pages | pages)
    fault = damage_fault(expected, seen, flip.path)
    if fault is None and outcome.status != 0 and any(expected.pages.get(name) != pages[name] for name in pages):
        return f"writes other pages before it fails: {sorted(pages)}"
    return fault


def small(folder: Path, seed: int, count: int = 40) -> Iterator[Case]:
    """The same, of the small results."""
    return cases(folder, seed, count, ROOT / "tests" / "report" / "results")


