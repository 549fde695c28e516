"""`bench tasks`: the tasks that can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.options import TaskNames, split_list, task_folders

if TYPE_CHECKING:
    from bench.tasks.catalog import BrokenTask, Task


def tasks(tasks: TaskNames = None) -> None:
    """List the tasks: type, splits, sizes, and where their data is."""
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
    from bench.tasks.data import RetrievalData

    rows = []
    try:
        for unit in task.units(download=False):
            data = unit.data
            if isinstance(data, RetrievalData):
                size = f"{len(data.queries):,} queries, {len(data.documents):,} documents"
            else:
                size = f"{len(data.gold):,} pairs"
            rows.append(
                [task.name, unit.type, unit.split, unit.subset, size, unit.fingerprint[:12], str(unit.place.path)]
            )
    except BenchError as error:
        rows.append([task.name, "", "", "", f"broken: {error.one_line}", "", ""])
    return rows
