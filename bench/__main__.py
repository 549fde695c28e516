"""The command `bench`, and `python -m bench`."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    from bench.cli import run_cli

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter of a name must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
