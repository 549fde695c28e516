"""Part: 4,000 bit flips over all files of the committed results, through all commands that read results.

A command runs once. When it is about to read a file for the first time, its process is forked for every flip of that
file, and the fork reads the damaged file and goes on: what the command did before it had read the file is not done
again. A command that does not read a file cannot show its damage.
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
from torture.campaign import Case
from torture.flips import Flip, draw_flips
from torture.forked import Outcome, call, redirect
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
class Numbered:
    """A flip and its number."""

    number: int
    flip: Flip


class Forks:
    """Forks a command at each of its first readings of a file that has flips.

    Args:
        flips: The flips.
        folder: Where the command runs.
        expected: What the command shows of the results as they are.
        log: A file for the number of each flip and what is wrong with what came of it.
    """

    def __init__(self, flips: Sequence[Numbered], folder: Path, expected: Seen, log: Path) -> None:
        self.folder, self.expected, self.log = folder, expected, log
        self.waiting: dict[str, list[Numbered]] = {}
        for one in flips:
            self.waiting.setdefault(str(one.flip.path.resolve()), []).append(one)
        self.active = False

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook of Python."""
        if event != "open" or not self.waiting or self.active or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.path.abspath(os.fspath(arguments[0]))  # noqa: PTH100 - a link is not followed, and nothing is opened
        if path not in self.waiting:
            return
        self.active = True
        for one in self.waiting.pop(path):
            if self.fork(one):
                return
        self.active = False

    def fork(self, one: Numbered) -> bool:
        """Fork for a flip; True in the fork."""
        sys.stdout.flush()
        sys.stderr.flush()
        path = one.flip.path
        before, pages = path.read_bytes(), contents(self.folder / "out")
        streams = [self.folder / f"fork-{name}" for name in ("out", "err")]
        for number, stream in enumerate(streams, 1):
            size = os.fstat(number).st_size
            stream.write_bytes(os.pread(number, size, 0))
        path.write_bytes(one.flip.of(before))
        pid = os.fork()
        if pid == 0:
            handles = [os.open(stream, os.O_RDWR | os.O_APPEND) for stream in streams]
            redirect(*handles)
            return True
        _, state = os.waitpid(pid, 0)
        path.write_bytes(before)
        outcome = Outcome(os.waitstatus_to_exitcode(state), *(stream.read_text("utf-8") for stream in streams))
        shown = contents(self.folder / "out")
        fault = self.judge(outcome, {name: content for name, content in shown.items() if pages.get(name) != content})
        if shown != pages:
            shutil.rmtree(self.folder / "out")
            for name, content in pages.items():
                (self.folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / "out" / name).write_bytes(content)
        fault = fault or damage_fault(self.expected, Seen(outcome, self.expected.pages), path)
        with self.log.open("a") as handle:
            handle.write(json.dumps([one.number, fault]) + "\n")
        return False

    def judge(self, outcome: Outcome, written: dict[str, bytes]) -> str | None:
        """What is wrong with the pages that a fork wrote."""
        other = sorted(name for name, content in written.items() if self.expected.pages.get(name) != content)
        return f"writes other pages, with status {outcome.status}: {other}" if other else None


def cases(folder: Path, seed: int, count: int = FLIPPED, source: Path = ROOT / "results") -> Iterator[Case]:
    """Each command, and in it each flip of a file that it reads."""
    bed = folder / "bed"
    bed.mkdir()
    shutil.copytree(source, bed / "results")
    shutil.copytree(source, bed / "baseline")
    for name in ("models.yaml", "recipes", "tasks"):
        (bed / name).symlink_to(ROOT / name)
    drawn = [Numbered(*row) for row in enumerate(draw_flips(files_of(bed / "results"), count, seed))]
    for command, words in COMMANDS.items():
        yield from _of_command(bed, command, words, drawn)


def _of_command(bed: Path, command: str, words: list[str], drawn: list[Numbered]) -> Iterator[Case]:
    shutil.rmtree(bed / "out", ignore_errors=True)
    whole = call(bed, *words, seconds=_SECONDS)
    if whole.status != 0:
        yield Case(command, command, lambda: f"fails on whole results: {whole}")
        return
    log = bed / f"log-{command}"
    log.touch()
    forks = Forks(drawn, bed, Seen(whole, contents(bed / "out")), log)
    shutil.rmtree(bed / "out", ignore_errors=True)
    again = call(bed, *words, before=lambda: sys.addaudithook(forks.hook), seconds=_SECONDS)
    yield Case(command, "again", lambda: None if again == whole else f"shows something else when asked again: {again}")
    found = dict(map(json.loads, log.read_text().splitlines()))
    for one in drawn:
        seen = "" if one.number in found else " (not read)"
        yield Case(f"{command}: {one.flip.path.suffix}{seen}", f"{one.flip}", lambda n=one.number: found.get(n))


def small(folder: Path, seed: int, count: int = 40) -> Iterator[Case]:
    """The same, of the small results."""
    return cases(folder, seed, count, ROOT / "tests" / "report" / "results")
