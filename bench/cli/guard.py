"""Around every command: neutral output, a usable environment, and an answer to every exception."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from bench.cli.output import OUTPUT, close_output, neutral_streams, raw
from bench.errors import BenchError, UsageError
from bench.faults import as_bench_error
from bench.neutral import neutral

INTERRUPTED = 130
_LAST_WORDS = b"error: not enough memory to go on\n  hint: close other programs, or do less at once\n"
_ON, _OFF = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


def debugging() -> bool:
    """Whether tracebacks are wanted: --debug, or BENCH_DEBUG.

    Raises:
        UsageError: BENCH_DEBUG has another value.
    """
    value = os.environ.get("BENCH_DEBUG", "").lower()
    if value not in _ON | _OFF:
        raise UsageError(f"`{value}` is neither on nor off", where="BENCH_DEBUG", hint="BENCH_DEBUG=1, or unset it")
    return value in _ON


def guard(command: Any) -> None:
    """Put the guard around the callbacks of a command of click and of all commands below it."""
    if command.callback is not None:
        command.callback = _guarded(command.callback)
    for inner in getattr(command, "commands", {}).values():
        guard(inner)


def words_of(command: Any, arguments: Sequence[str]) -> str:
    """The command that arguments name: `bench tasks add`."""
    words = ["bench"]
    for word in arguments:
        inner = getattr(command, "commands", {})
        if word in inner:
            words.append(word)
            command = inner[word]
        elif not word.startswith("-"):
            break
    return " ".join(words)


def _guarded(callback: Callable[..., Any]) -> Callable[..., Any]:
    """A command's callback that checks the environment first and whose output is neutral."""

    @functools.wraps(callback)
    def run(*given: Any, **named: Any) -> Any:
        check_environment()
        with neutral_streams():
            return callback(*given, **named)

    return run


def check_environment() -> None:
    """Refuse what no command can work with.

    Raises:
        UsageError: The working folder is gone, HOME is no absolute path, or BENCH_DEBUG has a wrong value.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working folder cannot be used: {error.strerror or error}", hint="change to a folder that exists: cd"
        ) from error
    home = os.environ.get("HOME")
    if home is not None and not Path(home).is_absolute():
        raise UsageError(
            f"`{home}` is no absolute path", where="HOME", hint="set HOME to your home folder, or unset it"
        )
    debugging()


def report_fault(error: BaseException, doing: str) -> int:
    """Say in one line, and a hint, what went wrong.

    Args:
        error: What was raised.
        doing: The command.

    Returns:
        The exit status.
    """
    if isinstance(error, MemoryError):
        # What the frames hold is needed for the message.
        traceback.clear_frames(error.__traceback__)
    try:
        return _report(error, doing)
    except BaseException:  # noqa: BLE001 - nothing is left but words that are ready
        with suppress(OSError):
            os.write(2, _LAST_WORDS)
        return int(getattr(error, "exit_status", 1))


def _report(error: BaseException, doing: str) -> int:
    if isinstance(error, KeyboardInterrupt):
        say_stopped()
        return INTERRUPTED
    if isinstance(error, SystemExit):
        # The parser ends the program so where a pipe is broken.
        if not isinstance(error.__context__, BrokenPipeError):
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        error = error.__context__
    if isinstance(error, typer.Abort):
        error = BenchError("no answer was given", where=doing, hint="run it in a terminal, or give all options")
    if isinstance(error, BrokenPipeError) and error.filename == OUTPUT:
        # The reader (head, less) has seen enough.
        close_output()
        return 0
    if hasattr(error, "show") and hasattr(error, "exit_code"):
        return _show_usage(error)
    found = as_bench_error(error, doing)
    with suppress(BenchError):
        if debugging():
            _print(neutral(traceback_of(error), lines=True))
    _print(f"error: {found}")
    return found.exit_status


def traceback_of(error: BaseException) -> str:
    """Python's traceback of an exception."""
    return "".join(traceback.format_exception(error)).rstrip("\n")


def say_stopped() -> None:
    """What holds after Ctrl-C."""
    _print("\nstopped; what was finished is kept: run the same command again to go on")


def _show_usage(error: Any) -> int:
    """A fault in the command line, in the words and colours of the parser."""
    for name in ("message", "param_hint"):
        if isinstance(text := getattr(error, name, None), str):
            setattr(error, name, neutral(text))
    error.show()
    return int(error.exit_code)


def _print(text: str) -> None:
    """Write a line to standard error, which may be full or closed too."""
    stream = raw(sys.stderr)
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.write(f"{text}\n")
            stream.flush()
    close_output()
