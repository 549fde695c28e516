"""Finding tasks: cards by name, folders and files by path, tasks of mteb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from pydantic import ValidationError

from bench.config import load_typed
from bench.errors import BenchError, UsageError, did_you_mean
from bench.hub import NotDownloadedError
from bench.paths import entries, has_file, is_file, is_folder, name_taken, path_exists
from bench.reading import user_path
from bench.regular import special_kind
from bench.tasks.beir import is_beir, splits_of
from bench.tasks.card import CARD_NAME, TaskCard
from bench.tasks.data import NotHereError
from bench.tasks.layouts import DEFAULT_SUBSET
from bench.tasks.places import NotAvailableError
from bench.tasks.readers.files import listed, local_file
from bench.tasks.readers.names import SUFFIXES, foreign
from bench.tasks.sources import Sources
from bench.tasks.unit import TaskUnit

if TYPE_CHECKING:
    from bench.tasks.mteb_bridge import Selection

MTEB_PREFIX = "mteb:"
_SPLIT_NAMES = ("test", "dev", "validation", "train")


@dataclass(frozen=True)
class BrokenTask:
    """A task whose card cannot be read: it fails where it is used, and other tasks go on."""

    name: str
    error: BenchError

    def units(self, *, download: bool = True) -> list[TaskUnit]:  # noqa: ARG002 - the shape of Task.units
        """Raises the card's error."""
        raise self.error


@dataclass(frozen=True)
class Task:
    """A card and the units it stands for."""

    card: TaskCard
    folder: Path

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    def units(self, *, download: bool = True) -> list[TaskUnit]:
        """The splits and subsets to score; their data is read when asked for.

        Args:
            download: Whether the Hub may be asked for data.

        Raises:
            BenchError: The card's own path does not exist.
        """
        sources = Sources(self.card, self.folder, download)
        if self.card.hub is None and is_file(sources.own_path()):
            return [TaskUnit(sources, self.card.splits[0], DEFAULT_SUBSET)]
        subsets = self.card.subsets or [DEFAULT_SUBSET]
        return [TaskUnit(sources, split, subset) for split in self.card.splits for subset in subsets]

    def training(self, subset: str = DEFAULT_SUBSET) -> TaskUnit | None:
        """The unit of the split `train` and a subset, None where this machine has none; the Hub is not asked."""
        unit = TaskUnit(Sources(self.card, self.folder, download=False), "train", subset)
        try:
            _ = unit.data
        except (NotHereError, NotAvailableError, NotDownloadedError):
            return None
        return unit

    def with_subsets(self, names: Sequence[str]) -> Task:
        """The task with only these of its subsets."""
        return Task(
            self.card.model_copy(update={"subsets": [n for n in self.card.subsets or [] if n in names]}), self.folder
        )


def find_cards(folders: list[Path]) -> dict[str, Task | BrokenTask]:
    """The tasks declared in `<folder>/<name>/task.yaml` and `<folder>/<name>.yaml`, by name.

    A broken card stands under the name of its folder or file. Two cards of one folder with the same name break both.
    """
    tasks: dict[str, Task | BrokenTask] = {}
    for folder in folders:
        here: dict[str, Task | BrokenTask] = {}
        for path in _card_files(folder):
            task = _card_or_error(path)
            other = here.get(task.name)
            if other is not None and isinstance(task, BrokenTask):
                # Its name is only a guess: it must not hide its fault behind a clash of names.
                task = BrokenTask(str(path), task.error)
            elif isinstance(other, BrokenTask):
                here[str(other.error.where)] = BrokenTask(str(other.error.where), other.error)
            elif other is not None:
                error = UsageError(
                    f"the task name `{task.name}` stands twice",
                    where=str(path),
                    hint=f"the other is in {other.folder}; names must be unique",
                )
                task = BrokenTask(task.name, error)
            here[task.name] = task
        tasks = here | tasks
    return tasks


def _card_files(folder: Path) -> list[Path]:
    """The cards of a folder: its YAML files, and the one in each folder in it."""
    here = entries(folder)
    cards = [path for path in here if path.suffix == ".yaml" and _is_card(path)]
    return sorted([*cards, *(path / CARD_NAME for path in here if is_folder(path) and name_taken(path / CARD_NAME))])


def _is_card(path: Path) -> bool:
    # A FIFO or device is one broken task; a folder of that name hides what the card says.
    return special_kind(path) is not None or has_file(path)


def _card_or_error(path: Path) -> Task | BrokenTask:
    try:
        return read_card(path)
    except BenchError as error:
        return BrokenTask(path.parent.name if path.name == CARD_NAME else path.stem, error)


def read_card(path: Path) -> Task:
    """Read one task card.

    Raises:
        UsageError: With file, line and key of every fault.
    """
    return Task(load_typed(TaskCard, path), path.parent)


def select_tasks(names: list[str], folders: list[Path], base: Path = Path()) -> list[Task | BrokenTask]:
    """The tasks named, by card name, by path to a card, a BEIR folder, a folder or a file of pairs, or `mteb:NAME`.

    Args:
        names: What the user typed; empty for every card in `folders` whose data is not on the Hub.
        folders: Where cards are looked for; a name in an earlier folder hides one in a later.
        base: Where relative paths start.

    Raises:
        UsageError: An unknown name, a path that holds no task, or two tasks with the same name.
    """
    cards = find_cards(folders)
    chosen: dict[str, Task | BrokenTask] = {}
    for name in names or [name for name, task in cards.items() if not on_hub(task)]:
        for task in _named(name, cards, base):
            other = chosen.setdefault(task.name, task)
            if other is not task and _identity(other) != _identity(task):
                raise UsageError(
                    f"two tasks are called `{task.name}`",
                    where=" and ".join(sorted({_identity(other)[0], _identity(task)[0]})),
                    hint="give one of them a task card with another name",
                )
    if not chosen:
        raise UsageError(
            f"no tasks found in {', '.join(map(str, folders)) or 'any folder'}",
            hint="name one with --tasks, or write tasks/<name>/task.yaml",
        )
    return list(chosen.values())


def on_hub(task: Task | BrokenTask) -> TypeGuard[Task]:
    """Whether a task's data may have to be fetched from the Hub."""
    return isinstance(task, Task) and task.card.hub is not None


def choose_subsets(tasks: Sequence[Task | BrokenTask], names: Sequence[str]) -> list[Task | BrokenTask]:
    """Tasks with only the named subsets; a task that has none of them is left whole.

    Raises:
        UsageError: A subset that no task has.
    """
    known = {subset for task in tasks if isinstance(task, Task) for subset in task.card.subsets or []}
    for name in names:
        if name not in known:
            raise UsageError(
                f"no task has a subset `{name}`",
                hint=did_you_mean(name, sorted(known)) or f"known subsets: {', '.join(sorted(known)) or 'none'}",
            )
    return [
        task.with_subsets(names) if isinstance(task, Task) and set(task.card.subsets or []) & set(names) else task
        for task in tasks
    ]


def _named(name: str, cards: dict[str, Task | BrokenTask], base: Path) -> list[Task | BrokenTask]:
    if name in cards:
        return [cards[name]]
    if name.startswith(MTEB_PREFIX):
        return _of_mteb(name.removeprefix(MTEB_PREFIX), cards)
    return [_from_path(base / user_path(name), list(cards), name)]


def _of_mteb(name: str, cards: dict[str, Task | BrokenTask]) -> list[Task | BrokenTask]:
    """A task of mteb, or all of a benchmark; one that a card stands for is that card."""
    from bench.tasks.mteb_bridge import expand

    # Of two cards of one task the last counts: cards of earlier folders stand last.
    by_mteb = {task.card.mteb: task for task in cards.values() if isinstance(task, Task) and task.card.mteb}
    tasks: list[Task | BrokenTask] = []
    for part in expand(name):
        known = by_mteb.get(part.name)
        try:
            tasks.append(_with_parts(known, part) if known else _mteb_task(part))
        except UsageError:
            raise
        except BenchError as error:
            # One task of a benchmark that cannot be run, of images for instance, does not stop the others.
            tasks.append(BrokenTask(f"{MTEB_PREFIX}{part.name}", error))
    return tasks


def _with_parts(task: Task, part: Selection) -> Task:
    chosen = {"splits": part.splits, "subsets": None if part.subsets == (DEFAULT_SUBSET,) else part.subsets}
    update = {key: list(value) for key, value in chosen.items() if value is not None}
    return Task(task.card.model_copy(update=update), task.folder)


def _mteb_task(part: Selection) -> Task:
    from bench.tasks.mteb_bridge import definition

    found = definition(part.name, part.splits, part.subsets)
    return _task(
        Path(),
        name=f"{MTEB_PREFIX}{found.name}",
        type=found.kind,
        description=found.description,
        hub=found.dataset,
        revision=found.revision,
        mteb=found.name,
        splits=list(found.splits),
        subsets=None if found.subsets == (DEFAULT_SUBSET,) else list(found.subsets),
        licence=found.licence,
        ignore_identical_ids=found.ignore_identical_ids,
        main_metric=found.main_metric,
    )


def _identity(task: Task | BrokenTask) -> tuple[str, TaskCard | None]:
    """Where a task's data is and what its card says."""
    if isinstance(task, BrokenTask):
        return str(task.error.where), None
    place = f"{MTEB_PREFIX}{task.card.mteb}" if task.card.hub else str((task.folder / task.card.path).resolve())
    return place, task.card


def _from_path(path: Path, known: list[str], typed: str) -> Task:
    if not path_exists(path):
        text = typed[:200]
        raise UsageError(
            f"no task and no path `{text}`",
            hint=did_you_mean(text, known) or f"known tasks: {', '.join(known) or 'none'}; or give a path",
        )
    kind = special_kind(path)
    if kind is not None:
        raise UsageError(f"neither a file nor a folder ({kind})", where=str(path))
    if is_file(path):
        if path.suffix in {".yaml", ".yml"}:
            return read_card(path)
        file = local_file(path)
        if file.parts.tabular:
            stem = file.parts.stem
            split = stem if stem in _SPLIT_NAMES else "test"
            name = path.resolve().parent.name if stem in _SPLIT_NAMES else stem
            return _task(path.resolve().parent, name=name or "test", type="sts", path=Path(path.name), splits=[split])
        other = foreign(path.name)
        raise UsageError(
            "not a task: expected a card (.yaml) or a table of pairs" if other is None else f"this is {other[0]}",
            where=str(path),
            hint=other[1] if other else f"tables: {', '.join(SUFFIXES)}, each also with .gz or .zst behind it",
        )
    if has_file(path / CARD_NAME):
        return read_card(path / CARD_NAME)
    return _from_folder(path.resolve())


def _from_folder(folder: Path) -> Task:
    """A task from a folder without a card: what it holds says what it is."""
    if is_beir(folder):
        splits = splits_of(folder)
        # A folder without judgements still becomes a task, whose error then says what is missing.
        chosen = next((split for split in _SPLIT_NAMES if split in splits), splits[0] if splits else "test")
        return _task(folder, name=folder.name, type="retrieval", splits=[chosen])
    stems = sorted({file.parts.stem for file in listed(folder, folder) if file.parts.tabular})
    inner = {Path(file.parts.stem).name for file in listed(folder / "data", folder) if file.parts.tabular}
    splits = [split for split in _SPLIT_NAMES if split in {*stems, *inner}]
    if splits:
        return _task(folder, name=folder.name, type="sts", splits=splits[:1])
    if stems:
        return _task(folder, name=folder.name, type="sts", subsets=stems)
    raise UsageError(
        "no task in this folder",
        where=str(folder),
        hint=_foreign(folder)
        or "expected task.yaml, a BEIR folder (corpus.jsonl, queries.jsonl, qrels/), or tables of pairs",
    )


def _foreign(folder: Path) -> str | None:
    """What a file of a folder is whose format is not read, and how to convert it."""
    names = [file.name for file in listed(folder, folder)]
    found = next(((name, known) for name in names if (known := foreign(name))), None)
    return found and f"{found[0]} is {found[1][0]}, which is not read: {found[1][1]}"


def _task(folder: Path, **card: object) -> Task:
    """A task without a card file."""
    try:
        return Task(TaskCard.model_validate(card), folder)
    except ValidationError as error:
        fault = error.errors()[0]
        raise UsageError(
            f"a file's name is no name for a split or subset: {fault['input']!r}",
            where=str(folder),
            hint="use letters, digits, '.', '_' and '-', or write a task card",
        ) from error
