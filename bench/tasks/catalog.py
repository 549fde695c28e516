"""Finding tasks: cards by name, folders and files by path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from bench.config import load_typed
from bench.errors import BenchError, UsageError, did_you_mean
from bench.files import path_exists, user_path
from bench.tasks.beir import is_beir, read_beir, splits_of
from bench.tasks.card import CARD_NAME, MAIN_METRICS, TaskCard, TaskType
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.pairs import SUFFIXES, read_pairs

DEFAULT_SUBSET = "default"
_SPLIT_NAMES = ("test", "dev", "validation", "train")


@dataclass(frozen=True)
class TaskUnit:
    """One split and subset of a task: what a cell is scored on.

    Attributes:
        task: The task's name.
        type: retrieval or sts.
        split: Its split.
        subset: Its subset, `default` where the task has none.
        path: The BEIR folder or the file of pairs.
        card: The card it comes from.
    """

    task: str
    type: TaskType
    split: str
    subset: str
    path: Path
    card: TaskCard

    @property
    def label(self) -> str:
        """The task with its subset, for people."""
        return self.task if self.subset == DEFAULT_SUBSET else f"{self.task} {self.subset}"

    @property
    def main_metric(self) -> str:
        """The metric that ranks models on it."""
        return MAIN_METRICS[self.type]

    @cached_property
    def data(self) -> RetrievalData | PairData:
        """The data, read when first asked for.

        Raises:
            BenchError: The files are missing or broken.
        """
        if self.type == "retrieval":
            return read_beir(
                self.path,
                self.split,
                ignore_identical_ids=self.card.ignore_identical_ids,
                allow_empty=self.card.allow_empty,
            )
        return read_pairs(self.path, allow_empty=self.card.allow_empty)

    @cached_property
    def fingerprint(self) -> str:
        """The data's fingerprint."""
        return self.data.fingerprint()


@dataclass(frozen=True)
class BrokenTask:
    """A task whose card cannot be read: it fails where it is used, and other tasks go on."""

    name: str
    error: BenchError

    def units(self) -> list[TaskUnit]:
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

    def units(self) -> list[TaskUnit]:
        """The splits and subsets to score.

        Raises:
            BenchError: The data is not where the card says, or has no such split or subset.
        """
        data = self.folder / self.card.path
        if not path_exists(data):
            raise BenchError(
                f"the data of the task `{self.name}` is not there", where=str(data), hint="check `path` in the card"
            )
        data = data.resolve()
        if self.card.type == "retrieval":
            return [self._unit(split, DEFAULT_SUBSET, data) for split in self.card.splits]
        if data.is_file():
            return [self._unit(self.card.splits[0], DEFAULT_SUBSET, data)]
        if self.card.subsets:
            return [self._unit("test", subset, _pair_file(data, subset)) for subset in self.card.subsets]
        return [self._unit(split, DEFAULT_SUBSET, _pair_file(data, split)) for split in self.card.splits]

    def training(self) -> TaskUnit | None:
        """The split `train` of the task's data, None where there is none."""
        data = (self.folder / self.card.path).resolve()
        if self.card.type == "retrieval":
            return self._unit("train", DEFAULT_SUBSET, data) if (data / "qrels" / "train.tsv").is_file() else None
        folder = data.parent if data.is_file() else data
        files = (folder / f"train{suffix}" for suffix in SUFFIXES)
        return next((self._unit("train", DEFAULT_SUBSET, path) for path in files if path.is_file()), None)

    def _unit(self, split: str, subset: str, path: Path) -> TaskUnit:
        return TaskUnit(self.name, self.card.type, split, subset, path, self.card)


def _pair_file(folder: Path, stem: str) -> Path:
    for suffix in SUFFIXES:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    found = ", ".join(sorted(path.stem for path in folder.iterdir() if path.suffix in SUFFIXES)) or "none"
    raise BenchError(f"no file {stem}.jsonl or {stem}.csv", where=str(folder), hint=f"files of pairs found: {found}")


def find_cards(folders: list[Path]) -> dict[str, Task | BrokenTask]:
    """The tasks declared in `<folder>/<name>/task.yaml` and `<folder>/<name>.yaml`, by name.

    A broken card stands under the name of its folder or file. Two cards of one folder with the same name break both.
    """
    tasks: dict[str, Task | BrokenTask] = {}
    for folder in folders:
        here: dict[str, Task | BrokenTask] = {}
        for path in sorted([*folder.glob(f"*/{CARD_NAME}"), *folder.glob("*.yaml")]):
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
    """The tasks named, by card name or by path to a card, a BEIR folder, a folder or a file of pairs.

    Args:
        names: What the user typed; empty for every card in `folders`.
        folders: Where cards are looked for; a name in an earlier folder hides one in a later.
        base: Where relative paths start.

    Raises:
        UsageError: An unknown name, a path that holds no task, or two tasks with the same name.
    """
    cards = find_cards(folders)
    chosen: dict[str, Task | BrokenTask] = {}
    for name in names or list(cards):
        task = cards.get(name) or _from_path(base / user_path(name), list(cards), name)
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


def _identity(task: Task | BrokenTask) -> tuple[str, TaskCard | None]:
    """Where a task's data is and what its card says."""
    if isinstance(task, BrokenTask):
        return str(task.error.where), None
    return str((task.folder / task.card.path).resolve()), task.card


def _from_path(path: Path, known: list[str], typed: str) -> Task:
    if not path_exists(path):
        text = typed[:200]
        raise UsageError(
            f"no task and no path `{text}`",
            hint=did_you_mean(text, known) or f"known tasks: {', '.join(known) or 'none'}; or give a path",
        )
    if path.is_file():
        if path.suffix in {".yaml", ".yml"}:
            return read_card(path)
        if path.suffix in SUFFIXES:
            split = path.stem if path.stem in _SPLIT_NAMES else "test"
            name = path.resolve().parent.name if path.stem in _SPLIT_NAMES else path.stem
            return _task(path.resolve().parent, name=name or "test", type="sts", path=Path(path.name), splits=[split])
        raise UsageError("not a task: expected a card (.yaml) or pairs (.jsonl, .csv)", where=str(path))
    if (path / CARD_NAME).is_file():
        return read_card(path / CARD_NAME)
    return _from_folder(path.resolve())


def _from_folder(folder: Path) -> Task:
    """A task from a folder without a card: what it holds says what it is."""
    if is_beir(folder):
        splits = splits_of(folder)
        # A folder without judgements still becomes a task, whose error then says what is missing.
        chosen = next((split for split in _SPLIT_NAMES if split in splits), splits[0] if splits else "test")
        return _task(folder, name=folder.name, type="retrieval", splits=[chosen])
    stems = sorted({path.stem for path in folder.iterdir() if path.suffix in SUFFIXES})
    splits = [split for split in _SPLIT_NAMES if split in stems]
    if splits:
        return _task(folder, name=folder.name, type="sts", splits=splits[:1])
    if stems:
        return _task(folder, name=folder.name, type="sts", subsets=stems)
    raise UsageError(
        "no task in this folder",
        where=str(folder),
        hint="expected task.yaml, a BEIR folder (corpus.jsonl, queries.jsonl, qrels/), or pairs (.jsonl, .csv)",
    )


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
