"""The one exception that a user ever sees, and the hints that go with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from bench.neutral import neutral


class BenchError(Exception):
    """Something a user can put right; as text it is neutral (bench.neutral), whatever names it repeats.

    Args:
        message: What is wrong, in one sentence.
        where: The file, line, key or model that it is about.
        hint: What to do about it.
    """

    exit_status = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.message = message
        self.where = where
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        text = neutral(f"{self.where}: {self.message}" if self.where else self.message)
        return f"{text}\n  hint: {neutral(self.hint, lines=True)}" if self.hint else text

    @property
    def one_line(self) -> str:
        """The message without the hint, on one line, for tables."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return neutral(" ".join(text.split()))


class UsageError(BenchError):
    """A command line or a configuration file that asks for something impossible (exit status 2)."""

    exit_status = 2


def did_you_mean(name: str, choices: Iterable[str]) -> str | None:
    """The known name nearest to `name` as a question, or None when nothing comes near; case counts least."""
    known = list(choices)
    same = [choice for choice in known if choice.casefold() == name.casefold()]
    close = same or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None
