"""Where a data set of the Hub may lie: its folder in $BENCH_DATA, the Hub's local cache, the Hub, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TypeVar

from bench.errors import BenchError
from bench.hub import HubFolder, NotDownloadedError, remote_folder, snapshot, unreachable
from bench.paths import is_folder, path_exists
from bench.reading import user_path
from bench.tasks.data import NotHereError

DATA_VARIABLE = "BENCH_DATA"

Found = TypeVar("Found")


class NotAvailableError(BenchError):
    """No place that may be asked has the data."""


@dataclass(frozen=True)
class Place:
    """A folder or file that may hold data.

    Attributes:
        path: The folder or file.
        revision: The commit, where it came from the Hub.
    """

    path: Path
    revision: str | None = None


@dataclass(frozen=True)
class HubData:
    """A data set of the Hub, which may lie on this machine too.

    Attributes:
        repo: `owner/name`.
        revision: Branch, tag or commit; None for the newest.
        folder: Name of its folder in $BENCH_DATA.
        where: Who wants it, for messages.
        usable: Whether a folder in the Hub's cache holds what is needed, so far as names tell.
        patterns: Patterns of the files to download; None for all.
        part: Whether little of it is needed, so that it is read where it is and not downloaded.
        download: Whether the Hub may be asked; otherwise only its local cache is.
    """

    repo: str
    revision: str | None
    folder: str
    where: str
    usable: Callable[[Path], bool]
    patterns: list[str] | None = None
    part: bool = False
    download: bool = True

    def read(self, read: Callable[[Place | HubFolder], Found], wanted: str = "", others: Iterable[Place] = ()) -> Found:
        """What a function reads from the first place that has it.

        Args:
            read: Reads a place, or raises NotHereError.
            wanted: What of the data set is read, for messages.
            others: Places of the user's own, asked before the Hub.

        Raises:
            NotDownloadedError: Only the Hub can have it and may not be asked.
            NotAvailableError: No place has it.
            BenchError: The place that has it holds broken data, or the network broke.
        """
        reasons = self._no_root()
        hints = []
        for place in chain(self._in_data_folder(), others):
            try:
                return read(place)
            except NotHereError as error:
                reasons.append(f"{error.where}: {error.message}")
                hints.append(error.hint)
        if isinstance(self._hub, NotDownloadedError):
            raise self._hub
        if isinstance(self._hub, BenchError):
            raise self._not_available(wanted, [*reasons, self._hub.message], hints)
        try:
            return self._read_hub(read, self._hub)
        except NotHereError as error:
            where = f"{error.where}: " if isinstance(self._hub, Place) else ""
            raise self._not_available(wanted, [*reasons, f"{where}{error.message}"], [*hints, error.hint]) from error

    def _no_root(self) -> list[str]:
        """A variable that leads nowhere is worth a word: whoever set it believes the data is there."""
        root = os.environ.get(DATA_VARIABLE)
        return [f"${DATA_VARIABLE} is no folder: {root}"] if root and not is_folder(user_path(root)) else []

    def _in_data_folder(self) -> Iterator[Place]:
        root = os.environ.get(DATA_VARIABLE)
        if root and path_exists(folder := user_path(root) / self.folder):
            yield Place(folder.resolve())

    def _read_hub(self, read: Callable[[Place | HubFolder], Found], hub: Place | HubFolder) -> Found:
        if isinstance(hub, Place):
            return read(hub)
        try:
            return read(hub)
        except BenchError:
            raise
        except Exception as error:
            # The network may break while rows are read, with errors of no common type.
            raise unreachable(hub.repo, error, self.where, self._otherwise) from error

    @cached_property
    def _hub(self) -> Place | HubFolder | BenchError:
        """The Hub's files, or why they cannot be had: asked once, since a Hub that does not answer takes its time."""
        try:
            folder = snapshot(
                self.repo,
                "dataset",
                revision=self.revision,
                # What is needed in part only is downloaded in part, if the whole is not here.
                download=self.download and not self.part,
                usable=self.usable,
                where=self.where,
                otherwise=self._otherwise,
                allow=self.patterns,
            )
        except NotDownloadedError:
            pass
        except BenchError as error:
            return error
        else:
            return Place(folder, folder.name)
        try:
            return remote_folder(
                self.repo,
                revision=self.revision,
                download=self.download,
                where=self.where,
                otherwise=self._otherwise,
            )
        except BenchError as error:
            return error

    @property
    def _wanted_folder(self) -> str:
        return f"{os.environ.get(DATA_VARIABLE) or f'${DATA_VARIABLE}'}/{self.folder}"

    @property
    def _otherwise(self) -> str:
        return f"put the data into {self._wanted_folder}"

    def _not_available(self, wanted: str, reasons: list[str], hints: list[str | None]) -> NotAvailableError:
        """The error for data that no place has; what a place lacks that is there says more than where to put it."""
        part = f" ({wanted})" if wanted else ""
        found = next((hint for hint in hints if hint), None)
        return NotAvailableError(
            f"not available: needs {self.repo}{part}: {'; '.join(dict.fromkeys(reasons))}",
            where=self.where,
            hint=f"{found}; or go online" if found else f"put it into {self._wanted_folder} or go online",
        )
