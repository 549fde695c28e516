"""The command line: arguments, calls and printing. One module a command; heavy imports only inside commands."""

from __future__ import annotations

import os
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
from bench.cli.guard import INTERRUPTED, guard, report_fault, say_stopped, words_of
from bench.cli.init import init
from bench.cli.models import models
from bench.cli.output import open_output, say
from bench.cli.report import report
from bench.cli.reproduce import reproduce
from bench.cli.results import results
from bench.cli.run import run
from bench.cli.tasks import tasks
from bench.cli.train import train

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

        say(f"bench {__version__}")
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


def run_cli(arguments: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        0 done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C; bench gate has others (docs/gate.md).
    """
    command = typer.main.get_command(app)
    guard(command)
    try:
        with open_output():
            status = command(args=list(arguments), standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - whatever it is, a user is told in a line
        return report_fault(error, words_of(command, arguments))
    if status == INTERRUPTED:
        say_stopped()
    return status if isinstance(status, int) else 0
