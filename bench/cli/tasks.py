"""`bench tasks`: the tasks that can be named, and the commands on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.options import TaskNames, split_list, task_folders
from bench.cli.tasks_audit import audit
from bench.cli.tasks_check import check

if TYPE_CHECKING:
    from bench.tasks.catalog import BrokenTask, Task


tasks = typer.Typer(help="List the tasks: type, splits, sizes, and where their data is.", invoke_without_command=True)
for command in (check, audit):
    tasks.command()(command)


@tasks.callback()
def show(context: typer.Context, names: TaskNames = None) -> None:
    """List the tasks: type, splits, sizes, and where their data is."""
    if context.invoked_subcommand is None:
        _show(names)


def _show(names: list[str] | None) -> None:
    from tabulate import tabulate

    from bench.tasks.catalog import select_tasks

    rows = [row for task in select_tasks(split_list(names), task_folders()) for row in _rows(task)]
    typer.echo(
        tabulate(
            rows, headers=["task", "type", "split", "subset", "size", "fingerprint", "data"], disable_numparse=True
        )
    )


def _rows(task: Task | BrokenTask) -> list[list[str]]:
    from bench.errors import BenchError
    from bench.tasks.data import RetrievalData

    rows = []
    try:
        for unit in task.units():
            data = unit.data
            if isinstance(data, RetrievalData):
                size = f"{len(data.queries):,} queries, {len(data.documents):,} documents"
            else:
                size = f"{len(data.gold):,} pairs"
            rows.append([task.name, unit.type, unit.split, unit.subset, size, unit.fingerprint[:12], str(unit.path)])
    except BenchError as error:
        rows.append([task.name, "", "", "", f"broken: {error.one_line}", "", ""])
    return rows
