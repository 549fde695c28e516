"""`bench gate`: whether results are worse than those before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import RegistryFile, ResultsFolder
from bench.cli.output import close_output, say_commands, say_json, say_text
from bench.errors import BenchError, UsageError, did_you_mean

if TYPE_CHECKING:
    from contextlib import ExitStack

    from bench.gate.judge import Outcome
    from bench.gate.output.lines import Texts
    from bench.gate.sides import Side
    from bench.results.index import UnitKey

UNREADABLE = 3


class OutputFormat(StrEnum):
    """How the verdicts are printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


BaselineSource = Annotated[
    str,
    typer.Option(
        "--baseline",
        metavar="SOURCE",
        help="What to compare with: a results folder, an archive of one, or a git revision (git:origin/main).",
    ),
]
GatesFile = Annotated[
    Path | None,
    typer.Option("--gates", metavar="FILE", help="The rules. Default: gates.yaml here, else `gates` of models.yaml."),
]


def gate(
    baseline: BaselineSource,
    results: ResultsFolder = Path("results"),
    gates: GatesFile = None,
    models: RegistryFile = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="How to print.")] = OutputFormat.table,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write the verdicts as a JUnit file.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="RULE", help="Print the arithmetic of a rule's verdicts instead.")
    ] = None,
    rerun_noisy: Annotated[
        bool, typer.Option("--rerun-noisy", help="Measure costs that were taken with noise once more, then judge.")
    ] = False,
) -> int:
    """Say whether results are worse than a baseline: pass, regressed or cannot tell.

    Exit status: 0 pass, 1 regressed, 3 cannot tell where a rule says that this fails, or nothing to compare with,
    2 wrong usage.
    """
    from contextlib import ExitStack

    from bench.gate.output.explain import render_explanation

    with ExitStack() as opened:
        opened.enter_context(no_regression())
        before, after, outcome = judged(opened, baseline, results, gates)
        names = [rule.name for rule in outcome.rules]
        if explain is not None and explain not in names:
            raise UsageError(
                f"--explain: no rule `{explain}` in {outcome.source}",
                hint=did_you_mean(explain, names) or f"rules: {', '.join(names)}",
            )
        if rerun_noisy:
            after, outcome = _measured_again(before, after, outcome, results, models)
        if explain is not None:
            with reader_may_leave():
                say_text(render_explanation(outcome, explain).removesuffix("\n"))
            return outcome.status
        texts = _texts(outcome, after, models)
    _tell(outcome, texts, output, junit)
    return outcome.status


def judged(opened: ExitStack, baseline: str, results: Path, gates: Path | None) -> tuple[Side, Side, Outcome]:
    """The baseline's side, that of the results, and what comes of comparing them.

    Raises:
        UsageError: The rules or the name of the baseline are wrong.
        BenchError: Either side cannot be read.
    """
    from bench.gate.judge import judge
    from bench.gate.rules import find_rules, load_rules
    from bench.gate.sides import read_side
    from bench.results.sources import open_source

    rules, source = (load_rules(gates), str(gates)) if gates is not None else find_rules()
    folder = opened.enter_context(open_source(baseline))
    before, after = read_side(baseline, folder), read_side(str(results), results)
    return before, after, judge(before, after, rules, names=(baseline, str(results)), source=source)


@contextmanager
def no_regression() -> Iterator[None]:
    """Within it an error's exit status is not that of a regression."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, UsageError):
            error.exit_status = UNREADABLE  # type: ignore[attr-defined]
        raise


def _measured_again(
    before: Side, after: Side, outcome: Outcome, results: Path, models: Path | None
) -> tuple[Side, Outcome]:
    """The results and the verdicts after costs that were taken with noise have been measured once more."""
    from bench.cli.gate_rerun import measure_again
    from bench.gate.cost import noisy_places
    from bench.gate.judge import judge
    from bench.gate.sides import read_side

    places = noisy_places(outcome.checks, after)
    if not places:
        return after, outcome
    notes = measure_again(places, results, models)
    after = read_side(outcome.candidate, results)
    names = outcome.baseline, outcome.candidate
    found = judge(before, after, outcome.rules, names=names, source=outcome.source)
    found.notes += notes
    return after, found


def _texts(outcome: Outcome, after: Side, models: Path | None) -> Texts:
    """The texts of the items that are listed; a note tells what cannot be had."""
    wanted: dict[UnitKey, dict[str, None]] = {}
    for check in outcome.failures:
        for item in check.worst:
            wanted.setdefault(item.unit, {})[item.id] = None
    if not wanted:
        return {}
    from bench.cli.examples import example_finder

    finder = example_finder(models, outcome.notes)
    texts: dict[tuple[UnitKey, str], str] = {}
    for unit, ids in wanted.items():
        found = finder.texts(unit, after.data(unit) or "", list(ids))
        if isinstance(found, str):
            outcome.notes.append(found)
        else:
            texts |= {(unit, name): " | ".join(parts) for name, parts in found.items()}
    return texts


def _tell(outcome: Outcome, texts: Texts, output: OutputFormat, junit: Path | None) -> None:
    """Write and print the verdicts.

    Raises:
        BenchError: A file cannot be written; the others are, and all is printed. It hides no regression.
    """
    import os

    from bench.files import append_text, write_bytes
    from bench.gate.output.annotations import render_annotations
    from bench.gate.output.document import render_json
    from bench.gate.output.junit import render_junit
    from bench.gate.output.summary import render_markdown
    from bench.gate.output.text import render_text

    faults = []
    try:
        if junit is not None:
            write_bytes(junit, render_junit(outcome))
    except BenchError as error:
        faults.append(error)
    try:
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            append_text(Path(summary), render_markdown(outcome, texts))
    except BenchError as error:
        faults.append(error)
    render = {
        OutputFormat.table: render_text,
        OutputFormat.json: render_json,
        OutputFormat.markdown: render_markdown,
    }[output]
    try:
        with reader_may_leave():
            if output is OutputFormat.json:
                say_json(render(outcome, texts))
            else:
                say_text(render(outcome, texts).removesuffix("\n"))
            if os.environ.get("GITHUB_ACTIONS"):
                # Standard output may be read by a program.
                say_commands(render_annotations(outcome), err=output is not OutputFormat.table)
    except OSError as error:
        faults.append(BenchError(f"cannot write: {error.strerror}", where="standard output"))
        close_output()
    for fault in faults:
        fault.exit_status = outcome.status or UNREADABLE
        raise fault


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Within it a reader of standard output that has seen enough changes no exit status."""
    try:
        yield
    except BrokenPipeError:
        close_output()
