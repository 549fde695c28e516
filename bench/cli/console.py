"""Consoles for tables, colours and progress, whose text is neutral."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from typing import IO

import rich.markup
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bench.cli.output import OUTPUT, raw
from bench.neutral import neutral


class NeutralConsole(Console):
    """A console that shows control characters in what it prints; only its own reach the terminal."""

    @property
    def file(self) -> IO[str]:
        """The stream that it writes to."""
        found = raw(sys.stderr if self.stderr else sys.stdout) if self._file is None else self._file
        return found if found is not None else super().file

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is printed, in segments."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=neutral(segment.text, lines=True))

    def on_broken_pipe(self) -> None:
        """A reader that has seen enough ends the command as it ends others."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), OUTPUT)


def escape(text: str) -> str:
    """Text from a file on one line, neutral, for a console that reads markup."""
    return rich.markup.escape(neutral(text))


def escape_lines(text: str) -> str:
    """`escape` for text of several lines that the program made up."""
    return rich.markup.escape(neutral(text, lines=True))


# A table wider than the terminal loses columns; without a terminal nothing is gained by wrapping.
console = NeutralConsole(width=None if os.environ.get("COLUMNS") or NeutralConsole().is_terminal else 200)
errors = NeutralConsole(stderr=True, width=console.width)
