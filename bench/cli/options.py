"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bench.errors import BenchError, UsageError, did_you_mean
from bench.index_layout import FEWEST_DOCUMENTS, MOST_DOCUMENTS

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry, Registry
    from bench.plan import Failure, Plan
    from bench.tasks.card import StudyName
    from bench.tasks.catalog import BrokenTask, Task
    from bench.tasks.unit import TaskUnit

Choice = TypeVar("Choice", bound=str)

DEFAULT_REGISTRY = Path("models.yaml")
_COMMA = re.compile(r",(?![^()]*\))")

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
TaskName = Annotated[str, typer.Argument(metavar="NAME_OR_PATH", help="The name of a card, or a path to a task.")]
Subsets = Annotated[
    list[str] | None,
    typer.Option("--subsets", metavar="NAMES", help="Only these subsets of tasks that have them: en-en,ar-ar."),
]
TruncateDims = Annotated[
    list[str] | None,
    typer.Option("--truncate-dims", metavar="DIMS", help="Instead of the registry's: 384,192,96."),
]
Precisions = Annotated[
    list[str] | None,
    typer.Option("--precisions", metavar="NAMES", help="Instead of the registry's: float32,float16,int8,binary."),
]
Device = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="Instead of the registry's: auto, cpu, cuda, mps.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", help="The results folder.")]
ReportsFolder = Annotated[Path, typer.Option("--reports", metavar="DIR", help="The folder that reports go to.")]


def split_list(values: list[str] | None, known: Collection[str] = ()) -> list[str]:
    """Values given with commas or by repeating the option; a known name or an existing path is kept whole.

    A comma between parentheses divides nothing: `mteb:MTEB(eng, v2)` is one name.

    Raises:
        UsageError: An empty value, as an unset shell variable gives.
    """
    from bench.files import path_exists, user_path

    found: list[str] = []
    for value in values or []:
        whole = value in known or path_exists(user_path(value))
        parts = [part.strip() for part in ([value] if whole else _COMMA.split(value))]
        if not any(parts):
            raise UsageError("an option was given an empty value", hint="leave the option out, or check the variable")
        found += [part for part in parts if part]
    return list(dict.fromkeys(found))


def find_registry(path: Path | None) -> Registry:
    """The registry asked for, the one here, or the one that comes with bench."""
    from bench.models.registry_file import load_registry
    from bench.shipped import shipped

    if path is not None:
        return load_registry(path)
    return load_registry(DEFAULT_REGISTRY if DEFAULT_REGISTRY.exists() else shipped("models.yaml"))


def chosen_models(registry_file: Path | None, names: list[str] | None) -> tuple[list[ModelEntry], Registry]:
    """The entries to work on: the registry's own choice, or those named, which may also be folders and Hub ids."""
    from bench.files import path_exists, user_path
    from bench.models.registry import adhoc_entry

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
            typer.echo(f"error: {error}", err=True)
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
    return list(dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()))


def whole_numbers(option: str, values: list[str] | None) -> tuple[int, ...]:
    """A list of positive whole numbers."""
    found = []
    for value in split_list(values):
        if not value.isascii() or not value.isdigit() or len(value) > 6 or int(value) < 1:
            raise UsageError(f"{option}: `{value}` is not a positive whole number", hint=f"{option} 384,192,96")
        found.append(int(value))
    return tuple(found)


def number_of_documents(option: str, value: str | None) -> int | None:
    """A number of documents such as 1000000 or 1_000_000, None where it was not given.

    Raises:
        UsageError: It is none, or so few or many that there is no index of them.
    """
    if value is None:
        return None
    digits = value.replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not FEWEST_DOCUMENTS <= int(digits) <= MOST_DOCUMENTS:
        raise UsageError(
            f"{option}: `{value}` is not a number of documents from {FEWEST_DOCUMENTS:,} to {MOST_DOCUMENTS:,}",
            hint=f"{option} 1_000_000",
        )
    return int(digits)


def one_of(option: str, value: str | None, choices: Sequence[Choice]) -> Choice | None:
    """A value of which only some are allowed, None where it was not given.

    Raises:
        UsageError: Another value.
    """
    if value is None:
        return None
    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{option}: no `{value}`", hint=did_you_mean(value, choices) or f"choices: {', '.join(choices)}")


def choices(option: str, values: list[str] | None, known: Sequence[str], what: str) -> tuple[str, ...]:
    """A list of which only some values are allowed; empty where it was not given.

    Raises:
        UsageError: Another value.
    """
    found = split_list(values)
    for value in found:
        if value not in known:
            raise UsageError(
                f"{option}: unknown {what} `{value}`", hint=did_you_mean(value, known) or f"known: {', '.join(known)}"
            )
    return tuple(found)


def chosen_precisions(values: list[str] | None) -> tuple[str, ...]:
    """The precisions of --precisions.

    Raises:
        UsageError: There is no such precision.
    """
    from bench.views import PRECISIONS

    return choices("--precisions", values, PRECISIONS, "precision")


def chosen_studies(given: Mapping[StudyName, bool | None]) -> dict[StudyName, bool]:
    """The studies that options switch on or off."""
    return {name: wanted for name, wanted in given.items() if wanted is not None}


def chosen_shortlists(values: list[str] | None, rerank: bool | None) -> tuple[int, ...]:
    """The lengths of --shortlists, rising.

    Raises:
        UsageError: One is no positive whole number, or no shortlists are scored.
    """
    from bench.views import SHORTLISTS

    found = whole_numbers("--shortlists", values)
    if found and rerank is False:
        raise UsageError("--shortlists: --no-rerank scores none", hint="leave one of them out")
    return tuple(sorted(set(found))) or SHORTLISTS


def on_device(entries: list[ModelEntry], device: str | None) -> list[ModelEntry]:
    """Entries on another device than their own; None leaves them.

    Raises:
        UsageError: It is no name of a device.
    """
    check_device_name(device)
    if device is None:
        return entries
    return [entry if entry.kind == "baseline" else entry.model_copy(update={"device": device}) for entry in entries]


def exit_status(plan: Plan, failures: Sequence[Failure]) -> int:
    """0 all done, 1 something failed, 2 nothing could be done because of what was asked for."""
    if failures and plan.only_wrong_usage:
        return 2
    return 1 if failures else 0


def check_device_name(device: str | None) -> None:
    """Refuse what is no name of a device.

    Raises:
        UsageError: It is none.
    """
    if device is not None and not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
        raise UsageError(f"--device: unknown device `{device}`", hint="auto, cpu, cuda, cuda:0, mps")
