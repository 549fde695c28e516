"""The command `bench`, and `python -m bench`."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    open_streams()
    try:
        from bench.cli import run_cli

        status = run_cli(sys.argv[1:])
    except KeyboardInterrupt:
        # While modules were being imported.
        sys.exit(130)
    sys.exit(status)


def open_streams() -> None:
    """Make the standard streams fit to use.

    A terminal that cannot show a letter of a name must not end the run. Where standard input or standard error is
    closed, the null device takes its place: else the next file that is opened would get what is meant for it.
    """
    for number, name, mode in ((0, "stdin", "r"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            _take(number)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _take(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)


if __name__ == "__main__":
    main()
