"""Planning and doing: what commands that score models have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.cli.console import console
from bench.cli.making import make_missing
from bench.cli.terminal import RunDisplay, print_plan
from bench.loaded import LoadedModels
from bench.measuring import CostOptions
from bench.models.registry import ModelEntry
from bench.plan import Failure, Options, Plan, UnitSource
from bench.planning import make_plan
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.runner import execute
from bench.tasks.unit import TaskUnit
from bench.training.data import TaskFinder


class _Once:
    """A task whose units are made once, so that their data is read once."""

    def __init__(self, task: UnitSource) -> None:
        self._task = task
        self._units: list[TaskUnit] | None = None

    @property
    def name(self) -> str:
        return self._task.name

    def units(self, *, download: bool) -> list[TaskUnit]:
        if self._units is None:
            self._units = self._task.units(download=download)
        return self._units


def plan_and_execute(
    entries: Sequence[ModelEntry],
    tasks: Sequence[UnitSource],
    options: Options,
    folders: list[Path],
    costs: CostOptions | None = None,
    *,
    dry_run: bool = False,
    to: Console = console,
) -> tuple[Plan, list[Failure], RunDisplay]:
    """Make the models that have a recipe and are not there yet, plan, show the plan and do it.

    Args:
        entries: The models.
        tasks: The tasks.
        options: What was asked for.
        folders: Where the cards of tasks that recipes name are looked for.
        costs: How cost is measured; not at all by default.
        dry_run: Whether the plan is all that is wanted.
        to: Where the plan and the progress are shown.

    Returns:
        The plan, what failed, and the display that saw it.
    """
    tasks = [_Once(task) for task in tasks]
    find = TaskFinder(folders, options.download)
    ready, failed, notes = make_missing(entries, tasks, find, to, dry_run=dry_run)
    with RunDisplay(to) as display:
        loaded = LoadedModels(display)
        index = ResultIndex(ResultStore(options.results).records())
        plan = make_plan(ready, tasks, index, options, loaded.profile, display.reading)
        plan.failures[:0], plan.notes[:0] = failed, notes
        display.reading(None)
        print_plan(plan, to)
        failures = plan.failures if dry_run else execute(plan, options.results, loaded, display, costs)
    return plan, failures, display
