"""`bench tasks`: the tasks that can be named, and the commands on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.chosen import task_folders
from bench.cli.options import TaskNames, split_list
from bench.cli.output import say_text
from bench.cli.tasks_add import add, size_of
from bench.cli.tasks_audit import audit
from bench.cli.tasks_check import check
from bench.cli.tasks_label import label
from bench.hub import NotDownloadedError

if TYPE_CHECKING:
    from bench.tasks.card import TaskCard
    from bench.tasks.catalog import BrokenTask, Task
    from bench.tasks.unit import TaskUnit


tasks = typer.Typer(
    help="List the tasks: type, splits, sizes, and where their data is; add, check, audit and label them.",
    invoke_without_command=True,
)
for command in (add, check, audit, label):
    tasks.command()(command)


@tasks.callback()
def show(context: typer.Context, names: TaskNames = None) -> None:
    """List the tasks: type, splits, sizes, and where their data is; add, check, audit and label them."""
    if context.invoked_subcommand is None:
        _show(names)


def _show(names: list[str] | None) -> None:
    from bench.markdown import plain_table
    from bench.tasks.catalog import find_cards, on_hub, select_tasks

    faults: list[str] = []
    rows = [row for task in select_tasks(split_list(names), task_folders()) for row in _rows(task, faults)]
    if not names:
        # Reading all that others publish takes long: who wants to know of one names it.
        rows += [_hub_row(task.card) for task in find_cards(task_folders()).values() if on_hub(task)]
    say_text(plain_table(rows, ["task", "type", "split", "subset", "size", "fingerprint", "data"]))
    # A reason in a cell would make the table wider than any terminal.
    for fault in dict.fromkeys(faults):
        say_text(f"\n{fault}")


def _rows(task: Task | BrokenTask, faults: list[str]) -> list[list[str]]:
    from bench.errors import BenchError

    try:
        units = task.units(download=False)
    except BenchError as error:
        faults.append(f"broken: {error}")
        return [[task.name, "", "", "", "broken", "", ""]]
    return [_row(unit, faults) for unit in units]


def _hub_row(card: TaskCard) -> list[str]:
    subsets = f"{len(card.subsets)} subsets" if card.subsets else "default"
    return [card.name, card.type, ", ".join(card.splits), subsets, "not read", "", f"Hub: {card.hub}"]


def _row(unit: TaskUnit, faults: list[str]) -> list[str]:
    from bench.errors import BenchError
    from bench.tasks.places import NotAvailableError

    names = [unit.task, unit.card.type, unit.split, unit.subset]
    try:
        info = unit.info
    except (NotAvailableError, NotDownloadedError) as error:
        faults.append(f"not here: {error}")
        return [*names, "not here", "", ""]
    except BenchError as error:
        faults.append(f"broken: {error}")
        return [*names, "broken", "", ""]
    return [*names, size_of(info), info.fingerprint[:12], str(info.place.path)]
