"""Recipes that train a model for each fold of a task: one entry becomes as many entries."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import UsageError
from bench.models.registry import ModelEntry
from bench.tasks.catalog import Task
from bench.tasks.tables.split import TRAIN, fold_name, without
from bench.training.data import TaskFinder


@dataclass(frozen=True)
class Folded:
    """An entry that stands for a model a fold.

    Attributes:
        entry: The entry, with `folds: true`.
        task: The task that has the folds.
        parts: By fold, the entry of the model that is trained without it.
    """

    entry: ModelEntry
    task: Task
    parts: dict[str, ModelEntry]


def unfold(entry: ModelEntry, find: TaskFinder) -> Folded | None:
    """The entries of the models of an entry, one a fold; None where its recipe has no `folds: true`.

    Args:
        entry: The entry.
        find: Finds the tasks that its recipe names.

    Raises:
        UsageError: Not exactly one of the recipe's tasks has folds.
        BenchError: A task is not there, or its card is broken.
    """
    recipe = entry.recipe
    if recipe is None or not recipe.folds:
        return None
    named = [data.task for data in recipe.data if data.task is not None and data.split == TRAIN]
    tasks = {task.name: task for task in (find.task(name, entry.base_dir) for name in named) if _folds(task)}
    if len(tasks) != 1:
        raise UsageError(
            f"`folds: true` goes with one task that has folds; among its data there are {len(tasks)}",
            where=f"model `{entry.name}`",
            hint="name it in `data` without a `split`; `bench tasks add --folds 5` makes such a task",
        )
    [task] = tasks.values()
    folds = [fold_name(number) for number in range(1, _folds(task) + 1)]
    return Folded(entry, task, {fold: _part(entry, task, fold, find) for fold in folds})


def _folds(task: Task) -> int:
    """How many folds a task has; 0 where it has none."""
    split = task.card.table.split if task.card.table else None
    return split.folds or 0 if split else 0


def _part(entry: ModelEntry, task: Task, fold: str, find: TaskFinder) -> ModelEntry:
    """The entry of the model that is trained without a fold."""
    recipe = entry.recipe
    if recipe is None:
        return entry
    data = [
        item.model_copy(update={"split": without(fold)})
        if item.task is not None and item.split == TRAIN and find.task(item.task, entry.base_dir).name == task.name
        else item
        for item in recipe.data
    ]
    own = recipe.model_copy(update={"folds": False, "data": data})
    return entry.model_copy(update={"name": f"{entry.name} {without(fold)}", "recipe": own})
