"""`bench train`: make models from their recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.chosen import find_registry, task_folders
from bench.cli.options import Device, RegistryFile, check_device_name
from bench.cli.output import say
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry, Registry
    from bench.plan import Failure
    from bench.tasks.unit import TaskUnit
    from bench.training.identity import Prepared
    from bench.training.outcome import Listener


def train(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models of the registry that have a recipe.")],
    models: RegistryFile = None,
    device: Device = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the data, the steps and the time that a few timed steps promise.")
    ] = False,
) -> int:
    """Make models from their recipes, and first those that they start from.

    What is made is not made again; what was interrupted goes on from its last checkpoint. Exit status: 0 all made,
    1 something failed, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from bench.cli.console import console
    from bench.cli.folds import unfolded
    from bench.cli.making import TrainDisplay, failure
    from bench.cli.terminal import print_failures, print_removed
    from bench.leftovers import remove_leftovers
    from bench.training.data import TaskFinder
    from bench.training.identity import prepare
    from bench.training.make import audited_units, make
    from bench.training.store import damaged_files

    check_device_name(device)
    registry = find_registry(models)
    entries = registry.select(names)
    found = [entry for entry in entries if entry.recipe is None]
    if found:
        raise UsageError(f"`{found[0].name}` has no recipe: it is found, not made", hint="`bench models` lists them")
    find = TaskFinder(task_folders(registry.base_dir))
    plain, folded, failures = unfolded(entries, find)
    chosen = _registry_units(registry)
    if not dry_run:
        print_removed(remove_leftovers())
    # A model of a fold is tested on that fold alone.
    parts: list[tuple[ModelEntry, list[TaskUnit]]] = [(entry, []) for found in folded for entry in found.parts.values()]
    with TrainDisplay(console) as display:
        for entry, units in [*((entry, chosen) for entry in plain), *parts]:
            try:
                display.preparing(entry.name)
                prepared = prepare(entry, find)
                tested = audited_units(prepared, find, units)
                if dry_run:
                    _announce(prepared, tested, display, device or entry.device)
                    continue
                if prepared.is_made and not damaged_files(prepared):
                    say(f"{entry.name} is up to date: {prepared.folder}")
                make(prepared, find, tested, display, device or entry.device)
            except Exception as error:  # noqa: BLE001 - one model that cannot be made must not stop the others
                failures.append(failure(entry.name, error))
    print_failures(failures)
    return _status(failures)


def _status(failures: Sequence[Failure]) -> int:
    if failures and all(isinstance(failure.error, UsageError) for failure in failures):
        return 2
    return 1 if failures else 0


def _registry_units(registry: Registry) -> list[TaskUnit]:
    """What the registry's own tasks test."""
    from bench.cli.chosen import chosen_tasks
    from bench.cli.making import tested_units

    return tested_units(chosen_tasks(registry, None), download=False) if registry.tasks else []


def _announce(prepared: Prepared, tested: Sequence[TaskUnit], listener: Listener, device: str) -> None:
    """What training would do, and how long it would take."""
    from bench.training.leakage import check_leakage
    from bench.training.make import time_steps
    from bench.training.store import damaged_files

    check_leakage(prepared, tested)
    recipe = prepared.recipe
    say(f"{prepared.name}: from {', '.join(recipe.base)}, recipe {prepared.identity[:12]}")
    for part, prompts in zip(prepared.sets, prepared.prompts, strict=True):
        say(f"  {part.label}: {len(part):,} rows ({part.shape}), loss {part.loss}")
        for column, prompt in prompts.items():
            say(f"    before each {column}: {prompt!r}")
    if prepared.is_made:
        wrong = damaged_files(prepared)
        say(f"  damaged, to be made again: {', '.join(wrong)}" if wrong else f"  up to date: {prepared.folder}")
        return
    first = prepared.chain[1] if len(prepared.chain) > 1 else None
    if first is not None and not first.is_made:
        say(f"  to be trained after {first.name}, without which its steps cannot be timed")
        return
    found = time_steps(prepared, listener, device)
    for coverage in found.coverage:
        say(f"  {coverage}")
    say(
        f"  {found.steps:,} steps of {recipe.batch_size} rows, {recipe.epochs:g} epochs; about {found.seconds:,.0f} s "
        f"at {found.seconds_per_step:.2f} s a step, evaluations left out"
    )
