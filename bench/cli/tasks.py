"""`bench tasks`: the tasks that can be named, and a new one (see tasks_add)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.options import TaskNames, split_list, task_folders
from bench.cli.tasks_add import add, size_of

if TYPE_CHECKING:
    from bench.tasks.catalog import BrokenTask, Task


tasks = typer.Typer(
    help="List the tasks: type, splits, sizes, and where their data is; or add one.", invoke_without_command=True
)
tasks.command()(add)


@tasks.callback()
def show(context: typer.Context, tasks: TaskNames = None) -> None:
    """List the tasks."""
    if context.invoked_subcommand is None:
        _show(tasks)


def _show(tasks: list[str] | None) -> None:
    from tabulate import tabulate

    from bench.tasks.catalog import select_tasks

    rows = [row for task in select_tasks(split_list(tasks), task_folders()) for row in _rows(task)]
    typer.echo(
        tabulate(
            rows, headers=["task", "type", "split", "subset", "size", "fingerprint", "data"], disable_numparse=True
        )
    )


def _rows(task: Task | BrokenTask) -> list[list[str]]:
    from bench.errors import BenchError

    rows = []
    try:
        for unit in task.units(download=False):
            size = size_of(unit)
            rows.append(
                [task.name, unit.type, unit.split, unit.subset, size, unit.fingerprint[:12], str(unit.place.path)]
            )
    except BenchError as error:
        rows.append([task.name, "", "", "", f"broken: {error.one_line}", "", ""])
    return rows
