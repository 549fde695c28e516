"""Making the models that have a recipe and are not there yet."""

from __future__ import annotations

from collections.abc import Sequence

from bench.models.manifest import warn_damaged
from bench.tasks.catalog import Task
from bench.tasks.tables.split import fold_left_out
from bench.tasks.unit import TaskUnit
from bench.training.data import TaskFinder
from bench.training.identity import Prepared
from bench.training.interrupt import interruptible
from bench.training.leakage import audit_training, check_leakage
from bench.training.outcome import Estimate, Listener
from bench.training.store import being_made, damaged_files, keep, work_folder
from bench.training.train import estimate, require_libraries, train


def make(
    prepared: Prepared, find: TaskFinder, tested: Sequence[TaskUnit], listener: Listener, device: str = "auto"
) -> None:
    """Make a model, and first the one that it starts from, unless they are there.

    Args:
        prepared: Its recipe.
        find: Finds the tasks that it names.
        tested: What the model will be tested on.
        listener: Told how it goes on.
        device: Where to train.

    Raises:
        BenchError: It cannot be trained, or would be trained on what it is tested on.
        KeyboardInterrupt: Ctrl-C; what was done is kept.
    """
    check_leakage(prepared, tested)
    if isinstance(prepared.base, Prepared):
        make(prepared.base, find, (), listener, device)
    if prepared.is_made and not damaged_files(prepared):
        return
    require_libraries()
    with being_made(prepared, lambda: listener.waiting(prepared.name)), interruptible() as stopping:
        # Another process may have made it meanwhile.
        if prepared.is_made:
            wrong = damaged_files(prepared)
            if not wrong:
                return
            warn_damaged(prepared.folder, wrong)
        audits = audit_training(prepared, audited_units(prepared, find, tested))
        trained = train(prepared, work_folder(prepared), device, listener, stopping)
        listener.made(prepared.name, keep(prepared, trained, audits))
        if stopping():
            raise KeyboardInterrupt


def time_steps(prepared: Prepared, listener: Listener, device: str = "auto") -> Estimate:
    """How long a training would take, from a few timed steps.

    Raises:
        BenchError: The base has not been made yet, or it cannot be trained.
    """
    return estimate(prepared, work_folder(prepared).with_suffix(".timed"), device, listener)


def audited_units(prepared: Prepared, find: TaskFinder, tested: Sequence[TaskUnit]) -> list[TaskUnit]:
    """What the audit compares training data with: what is tested, and what the recipe's own tasks test."""
    named = [(data.task, data.split) for data in prepared.recipe.data if data.task is not None]
    if prepared.recipe.evaluate is not None:
        named.append((prepared.recipe.evaluate.task, prepared.recipe.evaluate.split))
    units = list(tested)
    for name, split in dict.fromkeys(named):
        task: Task = find.task(name, prepared.entry.base_dir)
        found, fold = task.units(download=find.download), fold_left_out(split)
        # What is trained without a fold is tested on that fold.
        units += [unit.other(fold) for unit in found] if fold is not None else found
    return list({(unit.task, unit.split, unit.subset): unit for unit in units}.values())
