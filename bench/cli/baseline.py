"""`bench baseline`: what later results are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.gate import BaselineSource, GatesFile, judged, no_regression
from bench.cli.options import ResultsFolder
from bench.cli.output import say
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.gate.checks import Check

baseline = typer.Typer(help="What bench gate compares with.", no_args_is_help=True)


@baseline.callback()
def root() -> None:
    """What bench gate compares with."""


@baseline.command()
def update(
    baseline: BaselineSource,
    message: Annotated[str, typer.Option("--message", metavar="TEXT", help="Why this is meant so.")],
    results: ResultsFolder = Path("results"),
    gates: GatesFile = None,
) -> int:
    """Accept today's results on purpose: what fails the gate now is reported as accepted from then on.

    Writes a record into the results folder, which belongs to exactly these results: anything that changes later is
    judged anew. A baseline that is a plain folder gets the current results too. Exit status: 0 done, or nothing to
    accept; 2 wrong usage, 3 the baseline cannot be read.
    """
    from contextlib import ExitStack

    from bench import __version__
    from bench.gate.acceptance import as_accepted
    from bench.markdown import printable
    from bench.results.acceptances import AcceptanceRecord
    from bench.results.copying import copy_records, records_to_copy
    from bench.results.sources import parse_source
    from bench.results.store import ResultStore

    if not message.strip():
        raise UsageError("--message: it is empty", hint="say why: --message 'smaller model, meant so'")
    source = parse_source(baseline)
    if source.kind == "folder" and source.place.resolve() == results.resolve():
        raise UsageError(
            "--baseline: it is the results folder itself", hint="name what the results are to be compared with"
        )
    with ExitStack() as opened:
        opened.enter_context(no_regression())
        _, _, outcome = judged(opened, baseline, results, gates)
    # Before anything is written: it may not be possible.
    copied = records_to_copy(results, source.place) if source.kind == "folder" else []
    failing = [check for check in outcome.failures if check.subject.model]
    if failing:
        store = ResultStore(results)
        store.records()
        record = AcceptanceRecord(
            bench_version=__version__,
            created=store.stamp(),
            message=message.strip(),
            accepted=[as_accepted(check) for check in failing],
        )
        path = store.write_acceptance(record)
        say(f"accepted {len(failing)} checks in {path}: {printable(record.message)}")
        for check in failing:
            # No line may begin with a name: CI takes one that begins with `::` for a command.
            say(f"  - {printable(_line(check))}")
    else:
        say("nothing to accept: no check fails")
    for check in outcome.failures:
        if not check.subject.model:
            say(f"not accepted: rule {check.subject.rule.name}: {check.reason} ({check.hint})")
    if source.kind == "folder":
        count = copy_records(copied, results, source.place)
        say(f"copied {count} files of current results to {source.place}")
    else:
        say(f"commit {results}: once it is merged, it is the baseline")
    return 0


def _line(check: Check) -> str:
    from bench.gate.output.lines import change_text, subject_text, verdict_text

    change = change_text(check)
    return f"{check.subject.rule.name}: {subject_text(check)}: {verdict_text(check)}{f', {change}' if change else ''}"
