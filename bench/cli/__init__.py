"""The command line: arguments, calls and printing. One module a command; heavy imports only inside commands."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from bench.cli.baseline import baseline
from bench.cli.cache import cache
from bench.cli.choose import choose
from bench.cli.compare import compare
from bench.cli.cost import cost
from bench.cli.doctor import doctor
from bench.cli.export import export
from bench.cli.gate import gate
from bench.cli.init import init
from bench.cli.models import models
from bench.cli.output import close_output
from bench.cli.report import report
from bench.cli.reproduce import reproduce
from bench.cli.results import results
from bench.cli.run import run
from bench.cli.tasks import tasks
from bench.cli.train import train
from bench.errors import BenchError

INTERRUPTED = 130

app = typer.Typer(
    name="bench",
    help="Benchmark text-embedding models: quality, latency, memory and storage for every cut of their vectors.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from bench import __version__

        typer.echo(f"bench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: bool = typer.Option(False, "--debug", help="Show Python tracebacks of errors."),
    version: bool = typer.Option(  # noqa: ARG001 - acted on by its callback
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Options of every command."""
    if debug:
        os.environ["BENCH_DEBUG"] = "1"


for command in (init, run, cost, train, report, choose, compare, gate, results, reproduce, doctor):
    app.command()(command)
app.add_typer(baseline, name="baseline")
app.add_typer(models, name="models")
app.add_typer(tasks, name="tasks")
app.add_typer(cache, name="cache")
app.add_typer(export, name="export")


def _say_how_to_go_on() -> None:
    print("\nstopped; what was finished is kept: run the same command again to go on", file=sys.stderr)  # noqa: T201


def run_cli(arguments: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        0 done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    try:
        status = app(args=list(arguments), standalone_mode=False)
        if status == INTERRUPTED:
            _say_how_to_go_on()
    except BenchError as error:
        if os.environ.get("BENCH_DEBUG"):
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    except KeyboardInterrupt:
        _say_how_to_go_on()
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        close_output()
        return 0
    except Exception as error:
        shown = getattr(error, "show", None)
        if shown is None:
            raise
        shown()
        return int(getattr(error, "exit_code", 2))
    return status if isinstance(status, int) else 0
