"""Models that are trained for each fold of a task: planned on their own fold, and pooled at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import BenchError
from bench.listener import Listener
from bench.models.registry import ModelEntry
from bench.plan import Failure, Job, Options, Plan, UnitSource
from bench.pooling import pool_folds
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.studies import STUDIES
from bench.tasks.tables.split import TEST
from bench.tasks.unit import TaskUnit
from bench.training.data import TaskFinder
from bench.training.folds import Folded, unfold


@dataclass(frozen=True)
class FoldOf:
    """One fold of a task, as a task of its own."""

    task: UnitSource
    fold: str

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.name

    def units(self, *, download: bool) -> list[TaskUnit]:
        """The fold's unit; raises a BenchError where the task cannot be had."""
        return [unit.other(self.fold) for unit in self.task.units(download=download) if unit.split == TEST]


def unfolded(entries: Iterable[ModelEntry], find: TaskFinder) -> tuple[list[ModelEntry], list[Folded], list[Failure]]:
    """Entries that are one model, those that are a model a fold, and why some are neither."""
    plain: list[ModelEntry] = []
    folded: list[Folded] = []
    failures: list[Failure] = []
    for entry in entries:
        try:
            found = unfold(entry, find)
        except BenchError as error:
            failures.append(Failure(entry.name, "all tasks", error))
            continue
        if found is None:
            plain.append(entry)
        else:
            folded.append(found)
    return plain, folded, failures


def of_folds(options: Options) -> Options:
    """What is asked of the models of folds: their scores, which are pooled."""
    return replace(options, cost=False, studies=dict.fromkeys(STUDIES, False))


def fold_notes(folded: Sequence[Folded], tasks: Sequence[UnitSource], options: Options) -> list[str]:
    """What is left out of a run for models of folds, and why."""
    notes = []
    for found in folded:
        name, others = found.entry.name, [task.name for task in tasks if task.name != found.task.name]
        count = len(found.parts)
        if not options.quality:
            notes.append(f"{name} is {count} models, one a fold of {found.task.name}: its cost is that of its base")
            continue
        if len(others) < len(tasks):
            notes.append(
                f"{name}: {count} models, each scored on the fold of {found.task.name} that it was not trained on; "
                "their scores are pooled, no cost is measured and no study made"
            )
        if others:
            notes.append(f"{name} is trained for the folds of {found.task.name}: no cell on {', '.join(others)}")
    return notes


def pool_all(
    folded: Sequence[Folded], plan: Plan, tasks: Sequence[UnitSource], results: Path, listener: Listener
) -> list[Failure]:
    """Pool the scores of the models of folds.

    Returns:
        What could not be pooled.
    """
    failures: list[Failure] = []
    jobs = {(job.model.entry.name, job.unit.split): job for job in plan.jobs}
    store = ResultStore(results)
    index = ResultIndex(store.records()) if folded else ResultIndex([])
    for found in folded:
        task = next((task for task in tasks if task.name == found.task.name), None)
        if task is None:
            continue
        try:
            path = _pooled(found, jobs, task, store, index)
        except BenchError as error:
            failures.append(Failure(found.entry.name, found.task.name, error))
            listener.failed(failures[-1])
            continue
        if path is not None:
            listener.wrote(path)
    return failures


def _pooled(
    found: Folded, jobs: dict[tuple[str, str], Job], task: UnitSource, store: ResultStore, index: ResultIndex
) -> Path | None:
    lacking = [fold for fold, part in found.parts.items() if (part.name, fold) not in jobs]
    if lacking:
        raise BenchError(
            f"no pooled score: {', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} none",
            where=f"model `{found.entry.name}`",
            hint="every query must be scored by a model that has not seen it; see what failed above",
        )
    own = [jobs[part.name, fold] for fold, part in found.parts.items()]
    unit = next((unit for unit in task.units(download=False) if unit.split == TEST), None)
    if unit is None:
        raise BenchError(
            f"no pooled score: the task does not score `{TEST}`",
            where=f"task `{task.name}`",
            hint=f"its card needs `splits: [{TEST}]`",
        )
    return pool_folds(found.entry.name, own, unit, store, index)
