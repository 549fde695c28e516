"""Where output leaves the program: neutral text on standard output and standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from bench.errors import BenchError
from bench.neutral import neutral, neutral_json

OUTPUT = "standard output"


class OpenStream:
    """Standard output, whose errors carry its name.

    Args:
        below: The stream itself.

    Raises:
        OSError: From `write` and `flush`: it cannot be written. The name of its file is OUTPUT.
    """

    def __init__(self, below: TextIO) -> None:
        self._below = below

    def write(self, text: str) -> int:
        """Write text; returns the number of its characters."""
        with _named():
            return self._below.write(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with _named():
            self._below.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = OUTPUT
        raise


class NeutralStream:
    """A text stream that shows what others write to it as neutral text (bench.neutral), line by line.

    Logs, warnings and progress bars of libraries repeat names from files. What bench formats itself is written past
    it, to `raw`.

    Args:
        raw: The stream itself.
    """

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw
        self._at_start = True

    def write(self, text: str) -> int:
        """Write text; returns the number of its characters."""
        # A progress bar on a terminal begins anew with a carriage return.
        lead = "\r" if text.startswith("\r") and self.raw.isatty() else ""
        rest = text.removeprefix(lead)
        shown = neutral(rest, lines=True) if self._at_start or lead else neutral(f".{rest}", lines=True)[1:]
        _, newline, last = rest.rpartition("\n")
        self._at_start = not last.strip() and (bool(newline or lead) or self._at_start)
        self.raw.write(lead + shown)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


@contextmanager
def neutral_streams() -> Iterator[None]:
    """Within it, what is written to standard output and standard error is neutral."""
    before = sys.stdout, sys.stderr
    cover_streams()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def cover_streams() -> None:
    """Make standard output and standard error neutral, where they are open and are not so yet."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, NeutralStream):
            setattr(sys, name, cast("TextIO", NeutralStream(stream)))


def raw(stream: TextIO | None) -> TextIO | None:
    """The stream below those that make it neutral, or that draw around a progress bar."""
    while stream is not None:
        below = stream.raw if isinstance(stream, NeutralStream) else getattr(stream, "rich_proxied_file", stream)
        if below is stream:
            break
        stream = below
    return stream


def say(*lines: str, err: bool = False) -> None:
    """Print lines; a line break within one is shown, since it comes from a file.

    Args:
        lines: Each a line.
        err: Whether they go to standard error.
    """
    say_text("\n".join(map(neutral, lines)), err=err)


def say_text(text: str, *, err: bool = False, paint: Callable[[str], str] | None = None) -> None:
    """Print text of several lines whose parts are neutral already.

    Args:
        text: The text, without the line break at its end.
        err: Whether it goes to standard error.
        paint: Adds colours on a terminal.
    """
    stream = sys.stderr if err else sys.stdout
    shown = neutral(text, lines=True)
    if paint is not None and stream is not None and stream.isatty():
        shown = paint(shown)
    _write(shown, stream)


def say_json(text: str) -> None:
    """Print a JSON document, for programs."""
    _write(neutral_json(text), sys.stdout)


def say_commands(lines: list[str], *, err: bool) -> None:
    """Print workflow commands, each a line that the program has put together and escaped."""
    for line in lines:
        _write(neutral(f".{line}")[1:], sys.stderr if err else sys.stdout)


def _write(text: str, stream: TextIO | None) -> None:
    # Through a progress bar's own stream, where there is one, so that both are seen.
    covered = stream.raw if isinstance(stream, NeutralStream) else stream
    if covered is not None:
        covered.write(f"{text}\n")
        covered.flush()


@contextmanager
def open_output() -> Iterator[None]:
    """Within it standard output is open; at its end all of it is written.

    Raises:
        BenchError: It is closed: files opened later would take its place.
        OSError: It cannot be written (see OpenStream).
    """
    if sys.stdout is None:
        raise BenchError("it is closed", where=OUTPUT, hint="send it to a file, or to /dev/null")
    before = sys.stdout
    sys.stdout = cast("TextIO", OpenStream(before))
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout = before


def close_output() -> None:
    """Send what is still to be printed nowhere, so that Python does not complain when it flushes at exit."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
