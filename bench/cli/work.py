"""Planning and doing: what commands that score models have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.cli.console import console
from bench.cli.folds import FoldOf, fold_notes, of_folds, pool_all, unfolded
from bench.cli.making import make_missing
from bench.cli.terminal import RunDisplay, print_plan, print_removed
from bench.leftovers import remove_leftovers
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
from bench.training.folds import Folded


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
    if not dry_run:
        print_removed(remove_leftovers(options.results), to)
    tasks = [_Once(task) for task in tasks]
    find = TaskFinder(folders, options.download)
    plain, folded, failed = unfolded(entries, find)
    groups = [_Group(plain, tasks, options), *_fold_groups(folded, tasks, options)]
    made = [(group, make_missing(group.entries, group.tasks, find, to, dry_run=dry_run)) for group in groups]
    with RunDisplay(to) as display:
        loaded = LoadedModels(display)
        index = ResultIndex(ResultStore(options.results).records())
        plan = Plan(failures=failed, notes=fold_notes(folded, tasks, options))
        for group, (ready, failures, notes) in made:
            part = make_plan(ready, group.tasks, index, group.options, loaded.profile, display.reading)
            plan.jobs += part.jobs
            plan.failures += [*failures, *part.failures]
            plan.notes += [*notes, *part.notes]
        display.reading(None)
        print_plan(plan, to)
        failures = plan.failures if dry_run else execute(plan, options.results, loaded, display, costs)
        if not dry_run and options.quality:
            failures += pool_all(folded, plan, tasks, options.results, display)
    return plan, failures, display


@dataclass(frozen=True)
class _Group:
    """Models that are planned on the same tasks."""

    entries: Sequence[ModelEntry]
    tasks: Sequence[UnitSource]
    options: Options


def _fold_groups(folded: Sequence[Folded], tasks: Sequence[UnitSource], options: Options) -> list[_Group]:
    """The models of folds, each on its own fold; none where nothing is scored, since cost is that of their base."""
    by_name = {task.name: task for task in tasks} if options.quality else {}
    folds: dict[tuple[str, str], _Once] = {}
    groups = []
    for found in folded:
        task = by_name.get(found.task.name)
        if task is None:
            continue
        for fold, entry in found.parts.items():
            own = folds.setdefault((found.task.name, fold), _Once(FoldOf(task, fold)))
            groups.append(_Group([entry], [own], of_folds(options)))
    return groups
