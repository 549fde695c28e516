"""What is a fault: of any command, and of one that was given something damaged."""

from __future__ import annotations

import re
from pathlib import Path

from torture.beds import Seen
from torture.forked import Outcome

STATUSES = {0, 1, 2, 3, 130}
# What acts on a terminal or a reader: C0 but tab and newline, C1, separators of lines and bidirectional controls.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_COMMAND = re.compile(r"^\s*::\w+|##(vso)?\[", re.MULTILINE)


def fault_of(outcome: Outcome, *, words: bool = True) -> str | None:
    """What is wrong with the end of a command, whatever it was given; None where nothing is.

    Args:
        outcome: The end.
        words: Whether it must say why it failed (where it can write).
    """
    if outcome.status is None:
        return f"hangs: {_end(outcome)}"
    if outcome.status not in STATUSES:
        return f"ends with {outcome.status}: {_end(outcome)}"
    if "Traceback (most recent call last)" in outcome.text:
        return f"traceback: {_end(outcome)}"
    if "this is a fault of bench" in outcome.text:
        return f"an exception without an answer: {_end(outcome)}"
    if words and outcome.status != 0 and not outcome.text.strip():
        return f"fails with {outcome.status} and without a word"
    return text_fault(outcome.text) or _command(outcome.text)


def text_fault(text: str) -> str | None:
    """What in a text would act on its reader; None where nothing would."""
    if found := _FORBIDDEN.search(text):
        return f"{found[0]!r} is printed: {text[max(found.start() - 60, 0) : found.end() + 60]!r}"
    return None


def _command(text: str) -> str | None:
    if found := _COMMAND.search(text):
        return f"a workflow command is printed: {text[max(found.start() - 60, 0) : found.end() + 60]!r}"
    return None


def damage_fault(expected: Seen, seen: Seen, damaged: Path) -> str | None:
    """What is wrong with what a command shows of results of which one file is damaged; None where nothing is.

    It may show exactly what it showed before, or say that the file is damaged: by its name, or its record's.
    """
    if (fault := fault_of(seen.outcome)) is not None:
        return fault
    if expected.shows_the_same(seen):
        return None
    if says(seen.outcome, damaged):
        return None
    if seen.outcome.status == 0:
        return f"shows something else in silence: {_difference(expected, seen)}"
    return f"fails without naming the file: {_end(seen.outcome)}"


def says(outcome: Outcome, path: Path) -> bool:
    """Whether a command names a file, or its record."""
    text = "".join(outcome.text.split())
    return any("".join(name.split()) in text for name in (path.name, path.stem))


def _difference(expected: Seen, seen: Seen) -> str:
    before, after = expected.outcome.out.splitlines(), seen.outcome.out.splitlines()
    for row, line in enumerate(after):
        if row >= len(before) or before[row] != line:
            return f"line {row + 1}: {line[:200]!r} for {before[row][:200] if row < len(before) else None!r}"
    pages = [name for name, content in seen.pages.items() if expected.pages.get(name) != content]
    return f"status {seen.outcome.status}, pages {pages}, {len(before)} and {len(after)} lines"


def _end(outcome: Outcome, length: int = 700) -> str:
    return (outcome.err.strip() or outcome.out.strip())[-length:]
