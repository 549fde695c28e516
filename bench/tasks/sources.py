"""Where a task's data lies: $BENCH_DATA, the user's own path, the Hub's local cache, the Hub, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import BenchError
from bench.files import path_exists, safe_name, user_path
from bench.hub import HubFolder, NotDownloadedError, remote_folder, snapshot, unreachable
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError
from bench.tasks.layouts import DEFAULT_SUBSET, TaskData, read_data
from bench.tasks.tables.files import first_found, local_files, remote_files
from bench.tasks.tables.read import read_table

DATA_VARIABLE = "BENCH_DATA"


class NotAvailableError(BenchError):
    """No place that may be asked has the data."""


@dataclass(frozen=True)
class Place:
    """A folder or file that may hold a task's data.

    Attributes:
        path: The folder or file.
        revision: The commit, where it came from the Hub.
    """

    path: Path
    revision: str | None = None


@dataclass(frozen=True)
class Loaded:
    """The data of a task unit and the place that it was found in."""

    data: TaskData
    place: Place


@dataclass(frozen=True)
class Sources:
    """The places of one card's data.

    Attributes:
        card: The card.
        base: The card's folder.
        download: Whether the Hub may be asked; otherwise only its local cache is.
    """

    card: TaskCard
    base: Path
    download: bool = True

    def load(self, split: str, subset: str) -> Loaded:
        """The data of one split and subset, from the first place that has it.

        Raises:
            NotHereError: The card's only place does not hold it.
            NotDownloadedError: Only the Hub can have it and may not be asked.
            NotAvailableError: No place has it.
            BenchError: The place that has it holds broken data.
        """
        if self.card.hub is None:
            return self._read(Place(self.own_path()), split, subset)
        reasons = self._no_root()
        for place in self._local_places():
            try:
                return self._read(place, split, subset)
            except NotHereError as error:
                reasons.append(f"{error.where}: {error.message}")
        if isinstance(self._hub, NotDownloadedError):
            raise self._hub
        if isinstance(self._hub, BenchError):
            raise self._not_available(split, subset, [*reasons, self._hub.message])
        try:
            return self._read_hub(self._hub, split, subset)
        except NotHereError as error:
            raise self._not_available(split, subset, [*reasons, error.message]) from error

    def own_path(self) -> Path:
        """The path that the card names.

        Raises:
            NotHereError: There is nothing.
        """
        path = self.base / user_path(str(self.card.path))
        if not path_exists(path):
            raise NotHereError(
                f"the data of the task `{self.card.name}` is not there",
                where=str(path),
                hint="check `path` in the card",
            )
        return path.resolve()

    def _read(self, place: Place, split: str, subset: str) -> Loaded:
        return Loaded(read_data(self.card, place.path, split, subset), place)

    def _read_hub(self, hub: Place | HubFolder, split: str, subset: str) -> Loaded:
        if isinstance(hub, Place):
            return self._read(hub, split, subset)
        try:
            return Loaded(read_table(remote_files(hub), self.card, split), Place(Path(hub.repo), hub.commit))
        except BenchError:
            raise
        except Exception as error:
            # The network may break while rows are read, with errors of no common type.
            where = f"task `{self.card.name}`"
            raise unreachable(hub.repo, error, where, f"put the data into {self._wanted_folder}") from error

    def _no_root(self) -> list[str]:
        """A variable that leads nowhere is worth a word: whoever set it believes the data is there."""
        root = os.environ.get(DATA_VARIABLE)
        return [f"${DATA_VARIABLE} is no folder: {root}"] if root and not user_path(root).is_dir() else []

    def _local_places(self) -> Iterator[Place]:
        root = os.environ.get(DATA_VARIABLE)
        if root and path_exists(folder := user_path(root) / self._folder_name):
            yield Place(folder.resolve())
        if "path" in self.card.model_fields_set:
            yield Place(self.own_path())

    @cached_property
    def _hub(self) -> Place | HubFolder | BenchError:
        """The Hub's files, or why they cannot be had: asked once, since a Hub that does not answer takes its time."""
        repo, table = self.card.hub or "", self.card.table
        sampled = table is not None and table.sample is not None
        revision, where = self.card.revision, f"task `{self.card.name}`"
        otherwise = f"put the data into {self._wanted_folder}"
        try:
            folder = snapshot(
                repo,
                "dataset",
                revision=revision,
                # Of a table that is sampled only the sample is fetched, if the whole is not here.
                download=self.download and not sampled,
                usable=self._usable,
                where=where,
                otherwise=otherwise,
                allow=table.patterns if table else None,
            )
        except NotDownloadedError:
            pass
        except BenchError as error:
            return error
        else:
            return Place(folder, folder.name)
        try:
            return remote_folder(repo, revision=revision, download=self.download, where=where, otherwise=otherwise)
        except BenchError as error:
            return error

    def _usable(self, folder: Path) -> bool:
        """Whether a folder in the Hub's cache holds what the card needs, so far as names tell."""
        table = self.card.table
        if table is None:
            return any(folder.iterdir())
        try:
            return any(first_found(local_files(folder), names) for names in table.files.values())
        except NotHereError:
            return False

    @property
    def _folder_name(self) -> str:
        # A name may hold what leads out of the folder.
        return self.card.folder or safe_name(self.card.name.removeprefix("mteb:"))

    @property
    def _wanted_folder(self) -> str:
        return f"{os.environ.get(DATA_VARIABLE) or f'${DATA_VARIABLE}'}/{self._folder_name}"

    def _not_available(self, split: str, subset: str, reasons: list[str]) -> NotAvailableError:
        part = split if subset == DEFAULT_SUBSET else f"{split}, {subset}"
        return NotAvailableError(
            f"not available: needs {self.card.hub} ({part}): {'; '.join(dict.fromkeys(reasons))}",
            where=f"task `{self.card.name}`",
            hint=f"put it into {self._wanted_folder} or go online",
        )
