"""The models and tasks that a command was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.options import split_list
from bench.cli.output import say_text
from bench.errors import BenchError, UsageError
from bench.paths import path_exists

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry, Registry
    from bench.tasks.catalog import BrokenTask, Task
    from bench.tasks.unit import TaskUnit

DEFAULT_REGISTRY = Path("models.yaml")


def find_registry(path: Path | None) -> Registry:
    """The registry asked for, the one here, or the one that comes with bench."""
    from bench.models.registry_file import load_registry
    from bench.shipped import shipped

    if path is not None:
        return load_registry(path)
    return load_registry(DEFAULT_REGISTRY if path_exists(DEFAULT_REGISTRY) else shipped("models.yaml"))


def chosen_models(registry_file: Path | None, names: list[str] | None) -> tuple[list[ModelEntry], Registry]:
    """The entries to work on: the registry's own choice, or those named, which may also be folders and Hub ids."""
    from bench.models.registry import adhoc_entry
    from bench.paths import path_exists
    from bench.reading import user_path

    registry = find_registry(registry_file)
    known = {entry.name: entry for entry in registry.models}
    wanted = split_list(names, known)
    if not wanted:
        return registry.in_run, registry
    entries = []
    for name in wanted:
        if name in known:
            entries.append(known[name])
        elif "/" in name or "\\" in name or path_exists(user_path(name)) or name.startswith(("package:", "hub:")):
            entries.append(adhoc_entry(name))
        else:
            entries += registry.select([name])
    return entries, registry


def with_made_folder(entry: ModelEntry, registry: Registry, *, download: bool) -> ModelEntry:
    """An entry that knows where the model made from its recipe is stored; one without a recipe as it is.

    Raises:
        BenchError: What its recipe names cannot be read.
    """
    if entry.recipe is None:
        return entry
    from bench.training.data import TaskFinder
    from bench.training.identity import prepare

    return prepare(entry, TaskFinder(task_folders(registry.base_dir), download)).entry


def chosen_tasks(
    registry: Registry, names: list[str] | None, subsets: list[str] | None = None
) -> list[Task | BrokenTask]:
    """The tasks named, else those of the registry (paths start at its folder), else the cards of the first folder.

    Subsets that are not named are the registry's, for the registry's tasks.
    """
    from bench.tasks.catalog import choose_subsets

    wanted = split_list(subsets) or ([] if names else registry.subsets or [])
    return choose_subsets(_tasks(registry, names), wanted)


def _tasks(registry: Registry, names: list[str] | None) -> list[Task | BrokenTask]:
    from bench.tasks.catalog import find_cards, select_tasks

    folders = task_folders(registry.base_dir)
    if names:
        return select_tasks(split_list(names), folders)
    if registry.tasks:
        return select_tasks(registry.tasks, folders, registry.base_dir)
    # Who has cards of their own did not ask for the shipped ones.
    first = next((folder for folder in folders if find_cards([folder])), None)
    return select_tasks([], [first] if first else folders)


def with_each_unit(name: str, work: Callable[[TaskUnit], None]) -> int:
    """Do something with each split and subset of a task; what fails is reported, and the others go on.

    Returns:
        The exit status: 1 when any failed.
    """
    failed = False
    for unit in named_task(name).units():
        try:
            work(unit)
        except BenchError as error:
            say_text(f"error: {error}", err=True)
            failed = True
        unit.release()
    return int(failed)


def named_task(name: str) -> Task:
    """The one task of a name or path.

    Raises:
        UsageError: There is none, or there are several.
        BenchError: Its card is broken.
    """
    from bench.tasks.catalog import BrokenTask, select_tasks

    task, *others = select_tasks(split_list([name]), task_folders())
    if others:
        names = ", ".join(found.name for found in (task, *others))
        raise UsageError(f"`{name}` is {len(others) + 1} tasks: {names}", hint="name one of them")
    if isinstance(task, BrokenTask):
        raise task.error
    return task


def all_tasks(registry: Registry) -> list[Task | BrokenTask]:
    """The tasks of the registry and every card, those that come with bench too."""
    from bench.tasks.catalog import find_cards, select_tasks

    folders = task_folders(registry.base_dir)
    chosen = select_tasks(registry.tasks, folders, registry.base_dir) if registry.tasks else []
    return list({**find_cards(folders), **{task.name: task for task in chosen}}.values())


def task_folders(registry_folder: Path = Path()) -> list[Path]:
    """Where cards are looked for: tasks/ here, then beside the registry, then those that come with bench."""
    from bench.shipped import shipped

    folders = (Path("tasks"), registry_folder / "tasks", shipped("tasks"))
    return list(dict.fromkeys(folder.resolve() for folder in folders if path_exists(folder)))
