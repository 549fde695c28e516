"""The files that a project lacks to be benchmarked and gated, and writing them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.config import dump_yaml
from bench.errors import UsageError
from bench.files import write_new
from bench.models.registry import ModelEntry, Registry
from bench.models.registry_file import load_registry
from bench.paths import is_folder, name_taken, path_exists
from bench.scaffold.models import Models, find_models
from bench.scaffold.needs import extras_of, folders_of, packages_of, requirement
from bench.scaffold.repository import Repository, find_repository
from bench.scaffold.tasks import CARDS, Tasks, find_cards_of, find_tasks
from bench.scaffold.templates import EXAMPLE, example_files, filled
from bench.scaffold.workflow import workflow

REGISTRY, RULES = "models.yaml", "gates.yaml"
# What a run and a report write, and CI commits.
_WRITTEN = ("results/quality/record.json", "results/quality/record.parquet", "reports/README.md", "reports/index.html")
_WEIGHTS = "model.safetensors"
_BASELINE = {"name": "bm25", "kind": "baseline", "source": "bm25s"}


@dataclass(frozen=True)
class NewFile:
    """A file to be written where there is none.

    Attributes:
        path: Where it will stand.
        shown: How messages call it.
        text: What will stand in it.
    """

    path: Path
    shown: str
    text: str

    def write(self, *, dry_run: bool = False) -> bool:
        """Write it.

        Args:
            dry_run: Only see whether it would be written.

        Returns:
            Whether it was written, or would be; False where there is one.

        Raises:
            BenchError: It cannot be written.
        """
        return not name_taken(self.path) and (dry_run or write_new(self.path, self.text.encode()))


@dataclass
class Scaffold:
    """What is to be written, and what is to be said.

    Attributes:
        files: The files.
        found: What was found, a sentence each.
        notes: What the user should know.
    """

    files: list[NewFile] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_scaffold(folder: Path) -> Scaffold:
    """Look at a project, and say which files it needs.

    A project with a models.yaml has said what it compares: only rules and a workflow are added to it.

    Args:
        folder: The project's folder.

    Raises:
        UsageError: There is no such folder, its models.yaml is broken, or a name cannot stand in a workflow.
        BenchError: A file in it cannot be read.
    """
    if not path_exists(folder):
        raise UsageError("no such folder", where=str(folder), hint="make it first, or name the project's folder")
    if not is_folder(folder):
        raise UsageError("not a folder", where=str(folder), hint="name the project's folder")
    folder = folder.resolve()
    started = load_registry(folder / REGISTRY) if path_exists(folder / REGISTRY) else None
    models = Models() if started else find_models(folder)
    tasks = find_cards_of(folder) if started else find_tasks(folder)
    entries = started.in_run if started else _entries(models, tasks, folder)
    places = folders_of(entries, folder)
    repository = find_repository(folder, [*_WRITTEN, *(f"{place}/{_WEIGHTS}" for place in places)])
    scaffold = Scaffold(list(_files(folder, models, tasks, started)), list(_found(entries, tasks, repository)))
    needed, note = requirement(extras_of(entries, tasks.cards.values(), (started.tasks if started else None) or []))
    path, text = workflow(repository, [needed, *packages_of(entries)], _watched(folder, tasks, places))
    scaffold.files.append(NewFile(repository.top / path, path, text))
    scaffold.notes += [*models.notes, *tasks.notes, *_warnings(repository, places)]
    if note is not None:
        scaffold.notes.append(note)
    return scaffold


def _entries(models: Models, tasks: Tasks, folder: Path) -> list[ModelEntry]:
    if "retrieval" in tasks.types and importlib.util.find_spec("bm25s") is not None:
        models.entries.append(_BASELINE)
    return [ModelEntry.model_validate(entry).model_copy(update={"base_dir": folder}) for entry in models.entries]


def _found(entries: list[ModelEntry], tasks: Tasks, repository: Repository) -> Iterator[str]:
    for entry in entries:
        yield f"model {entry.name}: {' or '.join(entry.source) or 'made from its recipe'}"
    for name in tasks.cards:
        yield f"task {name}: it has a card"
    for task in tasks.new:
        shape = f", a table of shape {task.shape}" if task.shape else ""
        yield f"task {task.content['name']}: {task.content['path']}, {task.content['type']}{shape}"
    if repository.known:
        yield f"default branch {repository.branch}"


def _files(folder: Path, models: Models, tasks: Tasks, started: Registry | None) -> Iterator[NewFile]:
    """The registry, cards and rules."""
    names = tasks.names or [EXAMPLE]
    content = {"tasks": names, "models": models.entries}
    sections = [_yaml({key: value}) for key, value in content.items()]
    yield NewFile(folder / REGISTRY, REGISTRY, filled(REGISTRY, content="\n".join(sections).rstrip("\n")))
    for task in tasks.new:
        yield NewFile(task.path, task.path.relative_to(folder).as_posix(), task.text)
    if names == [EXAMPLE] and (started is None or EXAMPLE in tasks.cards):
        for name, text in example_files().items():
            path = f"{CARDS}/{EXAMPLE}/{name}"
            yield NewFile(folder / path, path, text)
    if started is None or started.gates is None:
        yield NewFile(folder / RULES, RULES, filled(RULES))


def _yaml(value: dict[str, Any]) -> str:
    return dump_yaml(value, width=110, default_flow_style=None)


def _watched(folder: Path, tasks: Tasks, places: list[str]) -> list[str]:
    """Patterns of the files that say which texts are encoded, and by what."""
    found = [REGISTRY, f"{CARDS}/**", *(f"{place}/**" for place in places)]
    for path in tasks.data:
        if path.is_relative_to(folder) and not path.is_relative_to(folder / CARDS):
            inner = path.relative_to(folder).as_posix()
            found.append(f"{inner}/**" if is_folder(path) else inner)
    return list(dict.fromkeys(found))


def _warnings(repository: Repository, places: list[str]) -> Iterator[str]:
    if not repository.known:
        yield f"no git repository here: the workflow takes {repository.branch} for the default branch"
    for path in repository.ignored:
        if path in _WRITTEN:
            yield f"git ignores files like {path}, which are to be committed: change .gitignore"
    for place in places:
        if f"{place}/{_WEIGHTS}" in repository.ignored:
            yield f"git ignores the model {place}: CI will not have it; commit it, or name a source that CI can reach"
