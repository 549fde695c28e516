"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry, Registry
    from bench.tasks.catalog import Task

DEFAULT_REGISTRY = Path("models.yaml")

RegistryFile = Annotated[
    Path | None,
    typer.Option(
        "--models", metavar="FILE", help="The registry. Default: models.yaml here, else the one that comes with bench."
    ),
]
ModelNames = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME_OR_PATH",
        help="Only this model: a name in the registry, a folder or a Hub id. May be repeated.",
    ),
]
TaskNames = Annotated[
    list[str] | None,
    typer.Option(
        "--tasks",
        metavar="NAMES_OR_PATHS",
        help="Only these tasks: names of cards, folders or files, with commas between them. May be repeated.",
    ),
]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", help="The results folder.")]
ReportsFolder = Annotated[Path, typer.Option("--reports", metavar="DIR", help="The folder that reports go to.")]


def split_list(values: list[str] | None) -> list[str]:
    """Values given with commas or by repeating the option; an existing path is kept whole."""
    found: list[str] = []
    for value in values or []:
        parts = [value] if Path(value).expanduser().exists() else value.split(",")
        found += [part.strip() for part in parts if part.strip()]
    return list(dict.fromkeys(found))


def find_registry(path: Path | None) -> Registry:
    """The registry asked for, the one here, or the one that comes with bench."""
    from bench.models.registry import load_registry
    from bench.shipped import shipped

    if path is not None:
        return load_registry(path)
    return load_registry(DEFAULT_REGISTRY if DEFAULT_REGISTRY.exists() else shipped("models.yaml"))


def chosen_models(registry_file: Path | None, names: list[str] | None) -> tuple[list[ModelEntry], Registry]:
    """The entries to work on: all of the registry, or those named, which may also be folders and Hub ids."""
    from bench.models.registry import adhoc_entry

    registry = find_registry(registry_file)
    wanted = split_list(names)
    if not wanted:
        return registry.models, registry
    known = {entry.name: entry for entry in registry.models}
    entries = []
    for name in wanted:
        if name in known:
            entries.append(known[name])
        elif "/" in name or "\\" in name or Path(name).expanduser().exists() or name.startswith(("package:", "hub:")):
            entries.append(adhoc_entry(name))
        else:
            entries += registry.select([name])
    return entries, registry


def chosen_tasks(registry: Registry, names: list[str] | None) -> list[Task]:
    """The tasks named, else those of the registry, else every card."""
    from bench.tasks.catalog import select_tasks

    return select_tasks(split_list(names) or list(registry.tasks or []), task_folders())


def task_folders() -> list[Path]:
    """Where cards are looked for: tasks/ here, then those that come with bench."""
    from bench.shipped import shipped

    return [folder for folder in (Path("tasks"), shipped("tasks")) if folder.is_dir()]


def whole_numbers(option: str, values: list[str] | None) -> tuple[int, ...]:
    """A list of positive whole numbers."""
    found = []
    for value in split_list(values):
        if not value.isascii() or not value.isdigit() or int(value) < 1:
            raise UsageError(f"{option}: `{value}` is not a positive whole number", hint=f"{option} 384,192,96")
        found.append(int(value))
    return tuple(found)
