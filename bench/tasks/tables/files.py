"""The files that a table's rows are read from, wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bench.files import path_exists
from bench.hub import HubFolder
from bench.tasks.data import NotHereError

# How the Hub names the parts of a large file.
_PART = re.compile(r"-\d{5}-of-(\d{5})\.")


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, on this machine or elsewhere.

    Attributes:
        name: Its name within the data set; the suffix says what format it has.
        open: Opens it for bytes, seekable where it is Parquet.
        place: The folder or data set it belongs to, for messages.
    """

    name: str
    open: Callable[[], BinaryIO]
    place: str = ""

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"{self.place}/{self.name}" if self.place else self.name

    @property
    def suffix(self) -> str:
        """The name's end from the last dot, in small letters."""
        return Path(self.name).suffix.lower()


# The files of a data set that match any of some glob patterns, by name.
FindFiles = Callable[[list[str]], list[DataFile]]


def local_files(path: Path) -> FindFiles:
    """The files of a folder; a single file stands for a folder that holds it alone."""

    def find(patterns: list[str]) -> list[DataFile]:
        folder = path.parent if path.is_file() else path
        found = {match for pattern in patterns for match in _matches(folder, pattern)}
        if path.is_file():
            found &= {path}
        return [DataFile(match.relative_to(folder).as_posix(), _opener(match), str(folder)) for match in sorted(found)]

    return find


def remote_files(folder: HubFolder) -> FindFiles:
    """The files of a data set on the Hub."""

    def find(patterns: list[str]) -> list[DataFile]:
        names = dict.fromkeys(name for pattern in patterns for name in folder.glob(pattern))
        return [DataFile(name, partial(folder.open, name), folder.repo) for name in sorted(names)]

    return find


def first_found(files: FindFiles, alternatives: Sequence[str]) -> list[DataFile]:
    """The files of the first pattern that matches any.

    Raises:
        NotHereError: Some parts of a file that is divided into parts are missing.
    """
    found = next((found for pattern in alternatives if (found := files([pattern]))), [])
    for file in found:
        part = _PART.search(file.name)
        if part and len(found) < int(part.group(1)):
            raise NotHereError(f"{len(found)} of {int(part.group(1))} parts are here", where=file.where)
    return found


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def _matches(folder: Path, pattern: str) -> list[Path]:
    # A name may hold characters that mean something in a pattern.
    if path_exists(folder / pattern):
        return [folder / pattern] if (folder / pattern).is_file() else []
    return [match for match in folder.glob(pattern) if match.is_file()]
