"""Tasks that are here: cards, and data that looks like a task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.paths import entries, is_file, is_folder
from bench.scaffold.folders import project_folders, unlike
from bench.scaffold.models import MODULES
from bench.tasks.add import NewTask, Wishes, new_task
from bench.tasks.catalog import BrokenTask, Task, find_cards
from bench.tasks.readers.names import SUFFIXES
from bench.tasks.tables.recognise import NotRecognisedError

CARDS = "tasks"
# What takes longer to load than somebody waits for a first look.
MOST_BYTES = 200 << 20
_SPLIT = re.compile(r"(test|dev|validation|val|train)(?![A-Za-z])")
_TRAINING = re.compile(r"train(?![A-Za-z])")
# Of files with this name's end most are no tables.
_LOOSE = ".json"
_NO_NAME = re.compile(r"[^\w.-]+", re.ASCII)
_BEIR = ("corpus.jsonl", "queries.jsonl")


@dataclass
class Tasks:
    """The tasks of a project.

    Attributes:
        cards: Those that have a card, by name.
        new: Data that looks like a task, loaded, with cards that are not there yet.
        notes: What is to be said of data that was not taken.
    """

    cards: dict[str, Task] = field(default_factory=dict)
    new: list[NewTask] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of all tasks."""
        return [*self.cards, *(str(task.content["name"]) for task in self.new)]

    @property
    def types(self) -> set[str]:
        """Their types; that of the example where there are none."""
        found = {*(task.card.type for task in self.cards.values()), *(str(task.content["type"]) for task in self.new)}
        return found or {"retrieval"}

    @property
    def data(self) -> list[Path]:
        """Where their data is, of those whose data is here."""
        own = [task.folder / task.card.path for task in self.cards.values() if task.card.hub is None]
        return [path.resolve() for path in (*own, *(task.path.parent / task.content["path"] for task in self.new))]


def find_cards_of(folder: Path) -> Tasks:
    """The tasks of a project that have a card."""
    tasks = Tasks()
    for name, task in find_cards([folder / CARDS]).items():
        if isinstance(task, BrokenTask):
            tasks.notes.append(f"task {name} is not taken: {task.error.one_line}")
        else:
            tasks.cards[name] = task
    return tasks


def find_tasks(folder: Path) -> Tasks:
    """The tasks of a project that have a card, and its BEIR folders and tables that no card is about.

    Args:
        folder: The project's folder.
    """
    tasks = find_cards_of(folder)
    known = find_cards([folder / CARDS])
    declared = [path for path in tasks.data if path != (folder / CARDS).resolve()]
    taken = set(known)
    for data in _candidates(folder):
        if not any(data.resolve().is_relative_to(path) for path in declared):
            _add(tasks, data, folder, known, taken)
    return tasks


def _candidates(folder: Path) -> Iterator[Path]:
    """Folders and files that may hold a task."""
    whole: list[Path] = []
    for place, files in project_folders(folder):
        names = {file.name for file in files}
        if any(place.is_relative_to(other) for other in whole):
            continue
        tables = [file for file in files if file.suffix.lower() in SUFFIXES]
        beir = names.issuperset(_BEIR) and is_folder(place / "qrels")
        if beir or MODULES in names:
            whole.append(place)
        if beir:
            yield place
        elif MODULES not in names:
            splits = [file for file in tables if _SPLIT.match(file.stem) and file.suffix.lower() != _LOOSE]
            if any(not _TRAINING.match(file.stem) for file in splits):
                yield place
            yield from (file for file in tables if file not in splits and not _TRAINING.match(file.stem))


def _add(tasks: Tasks, data: Path, folder: Path, known: Mapping[str, object], taken: set[str]) -> None:
    inner = data.relative_to(folder).as_posix()
    files = [data] if is_file(data) else [file for file in entries(data) if file.suffix.lower() in SUFFIXES]
    if sum(file.stat().st_size for file in files) > MOST_BYTES:
        tasks.notes.append(f"{inner} was not looked at, it is large: bench tasks add {inner} --name NAME")
        return
    whole = data.resolve()
    name = _NO_NAME.sub("_", whole.stem if is_file(data) else whole.name).lstrip("._-")[:80]
    name = unlike(name or "task", taken)
    try:
        tasks.new.append(new_task(data, name, folder / CARDS, known, Wishes()))
    except BenchError as error:
        taken.discard(name)
        # Most tables of a project are no task.
        if not isinstance(error, NotRecognisedError) and data.suffix.lower() != _LOOSE:
            tasks.notes.append(f"{inner} is not taken: {error.one_line}")
    else:
        for unit in tasks.new[-1].units:
            unit.release()
