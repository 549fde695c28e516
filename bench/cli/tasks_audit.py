"""`bench tasks audit`: what makes a score on a task worth less than it looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.chosen import named_task, with_each_unit
from bench.cli.options import ResultsFolder, TaskName
from bench.cli.output import say
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.results.schema import AuditRecord
    from bench.tasks.unit import TaskUnit


def audit(
    name: TaskName,
    train: Annotated[
        str | None,
        typer.Option(
            "--train",
            metavar="NAME_OR_PATH",
            help="The training data: a task's split `train`, or its data where it has none. Default: the task's own.",
        ),
    ] = None,
    results: ResultsFolder = Path("results"),
) -> int:
    """Look for what makes scores on a task worth less than they look, and write it to the results folder.

    Test texts that stand in the training data, near-duplicates, relevant documents without a label. Leaderboards that
    show the task carry what is found as a footnote.
    """
    from bench.audit.record import audit_unit, own_training
    from bench.results.store import ResultStore

    store = ResultStore(results)
    store.records()
    given = None if train is None else _training(train)

    def work(unit: TaskUnit) -> None:
        training = own_training(unit) if given is None else given
        if given is not None and (given.label, given.split, given.info.place) == (
            unit.label, unit.split, unit.info.place,
        ):  # fmt: skip
            raise UsageError(
                f"{unit.label} ({unit.split}) would be compared with itself", hint="name other data with --train"
            )
        record = audit_unit(unit, training, store.stamp())
        path = store.write_audit(record)
        _print(unit, training, record)
        say(f"written: {path}")

    return with_each_unit(name, work)


def _training(name: str) -> TaskUnit:
    task = named_task(name)
    found = task.training()
    if found is not None:
        return found
    units = task.units()
    if len(units) != 1:
        raise UsageError(
            f"--train: `{task.name}` has no split `train` and {len(units)} splits or subsets",
            hint="name one file, or a card with one split",
        )
    return units[0]


def _print(unit: TaskUnit, training: TaskUnit | None, record: AuditRecord) -> None:
    against = (
        "no training data" if training is None else f"{training.label} ({training.split}), {training.info.place.path}"
    )
    say("", f"{unit.label} ({unit.split}), {unit.info.type}, against {against}")
    for finding in record.findings:
        mark = "?" if finding.count is None else "!" if finding.weakens else "-" if finding.count else " "
        say(f"{mark} {finding.sentence}")
        for example in finding.examples:
            say(f"      {example}")
    say("!: weakens scores, shown below leaderboards; -: for your information; ?: not checked")
