"""Finding the texts behind scores for the commands that show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.chosen import all_tasks, find_registry, task_folders
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.examples.finder import ExampleFinder
    from bench.models.registry import ModelEntry, Registry
    from bench.tasks.catalog import BrokenTask, Task


def example_finder(models: Path | None, notes: list[str]) -> ExampleFinder:
    """A finder that knows the registry's tasks and prompts, as far as it can be read.

    Args:
        models: The registry's file; one that was named has to be right.
        notes: Told what is not known.
    """
    from bench.cache import cache_root
    from bench.examples.finder import ExampleFinder

    registry = _registry(models, notes)
    entries: Sequence[ModelEntry] = registry.models if registry else []
    return ExampleFinder(lambda name: _tasks(registry, name), entries, cache_root())


def _registry(path: Path | None, notes: list[str]) -> Registry | None:
    """The registry, without which texts may still be found; one that was named has to be right."""
    try:
        return find_registry(path)
    except BenchError as error:
        if path is not None:
            raise
        notes.append(f"the registry cannot be read, so its tasks and prompts are not known: {error.one_line}")
        return None


def _tasks(registry: Registry | None, name: str) -> Sequence[Task | BrokenTask]:
    """The tasks of a name: of the registry, a card, a path or mteb."""
    from bench.tasks.catalog import select_tasks

    if registry is not None:
        known = {found.name: found for found in all_tasks(registry)}
        if name in known:
            return [known[name]]
    return select_tasks([name], task_folders(registry.base_dir if registry else Path()))
