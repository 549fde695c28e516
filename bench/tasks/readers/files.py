"""The files of a data set, wherever they lie: by name, by pattern, or by stem; a table in parts is whole or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO

from bench.errors import BenchError
from bench.hub import HubFolder
from bench.inside import OutsideError, inside
from bench.paths import entries, is_file, is_folder, matching, path_exists
from bench.regular import open_regular
from bench.tasks.data import NotHereError
from bench.tasks.readers.names import FileName, foreign

_SHOWN = 5


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, on this machine or elsewhere.

    Attributes:
        name: Its name within the data set.
        open: Opens it for bytes as they are stored, seekable.
        place: The folder or data set that it belongs to, for messages.
    """

    name: str
    open: Callable[[], BinaryIO]
    place: str = ""

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"{self.place}/{self.name}" if self.place else self.name

    @cached_property
    def parts(self) -> FileName:
        """What its name says."""
        return FileName.of(self.name)


# The files of a data set that match any of some glob patterns, by name.
FindFiles = Callable[[list[str]], list[DataFile]]


def local_files(path: Path, *, own: bool = False) -> FindFiles:
    """The files of a folder; a single file stands for a folder that holds it alone.

    Args:
        path: The folder or file.
        own: Whether the patterns are paths of the user's own, whose links may lead anywhere; those that a card or a
            data set states may not lead out of the folder.
    """

    def find(patterns: list[str]) -> list[DataFile]:
        alone = is_file(path)
        folder = path.parent if alone else path
        found = {match for pattern in patterns for match in _matches(folder, pattern)}
        if alone:
            found &= {path}
        elif not own:
            _check_inside(folder, found)
        return [local_file(match, folder) for match in sorted(found)]

    return find


def _check_inside(folder: Path, found: set[Path]) -> None:
    for match in sorted(found):
        try:
            inside(folder, match.relative_to(folder).as_posix())
        except OutsideError as error:
            raise BenchError(error.message, where=str(folder), hint=error.hint) from error


def local_file(path: Path, folder: Path | None = None) -> DataFile:
    """A file of this machine, named within a folder, its own by default."""
    folder = folder or path.parent
    return DataFile(path.relative_to(folder).as_posix(), partial(open_regular, path), str(folder))


def remote_files(folder: HubFolder) -> FindFiles:
    """The files of a data set on the Hub."""

    def find(patterns: list[str]) -> list[DataFile]:
        names = dict.fromkeys(name for pattern in patterns for name in folder.glob(pattern))
        return [DataFile(name, partial(folder.open, name), folder.repo) for name in sorted(names)]

    return find


def first_found(files: FindFiles, alternatives: Sequence[str]) -> list[DataFile]:
    """The files of the first pattern that matches any; a name also matches its compressed file.

    Raises:
        NotHereError: Parts of a table are missing.
        BenchError: A table is there in two formats, or in parts of two divisions.
    """
    tries = (try_ for name in alternatives for try_ in (name, f"{name}.gz", f"{name}.zst"))
    return whole_tables(next((found for pattern in tries if (found := files([pattern]))), []))


def whole_tables(files: list[DataFile]) -> list[DataFile]:
    """The same files, if each table among them is there once and whole.

    Raises:
        NotHereError: Parts of a table are missing.
        BenchError: A table is there in two formats, or in parts of two divisions.
    """
    for same in _by_stem(files):
        kinds = {(file.parts.format, file.parts.compression, file.parts.part and file.parts.part[1]) for file in same}
        numbers = [file.parts.part for file in same if file.parts.part]
        if len(kinds) > 1 or len(set(numbers)) < len(numbers):
            raise BenchError(
                f"the same table is there more than once: {_shown([file.name for file in same])}",
                where=same[0].place,
                hint="which one is meant? remove the others, or name one file",
            )
        if missing := _missing_parts(same):
            raise NotHereError(
                f"{len(same)} of {len(same) + len(missing)} parts are here",
                where=same[0].where,
                hint=f"a part is not the whole table; missing: {_shown(missing)}",
            )
    return files


def lacks_parts(files: list[DataFile]) -> bool:
    """Whether parts of any table are missing."""
    return any(_missing_parts(same) for same in _by_stem(files))


def _by_stem(files: list[DataFile]) -> Iterable[list[DataFile]]:
    tables: dict[str, list[DataFile]] = {}
    for file in files:
        tables.setdefault(file.parts.stem, []).append(file)
    return tables.values()


def _missing_parts(files: list[DataFile]) -> list[str]:
    """The names of the parts that a table lacks."""
    first = files[0]
    if first.parts.part is None:
        return []
    number, count = first.parts.part
    numbers = {file.parts.part[0] for file in files if file.parts.part}
    # Most writers count from 0, some from 1.
    start = 1 if 0 not in numbers and count in numbers else 0
    digits = _digits(first)
    written = f"{number:0{digits}d}-of-"
    missing = sorted(set(range(start, start + count)) - numbers)
    return [first.name.replace(written, f"{other:0{digits}d}-of-") for other in missing]


def _digits(file: DataFile) -> int:
    """How many digits the number of a part is written with."""
    before = file.name[: file.name.rindex("-of-")]
    return len(before) - len(before.rstrip("0123456789"))


def find_table(folder: Path, stems: Iterable[str], *, text: bool = False) -> list[DataFile]:
    """The files of the first stem that a folder has a table of: one file, or all of its parts.

    Args:
        folder: The folder.
        stems: Names without part, format and compression, with folders: `qrels/test`.
        text: Whether files without names of columns will do: TREC's formats, or a name without suffix.

    Raises:
        NotHereError: Parts of a table are missing.
        BenchError: A table is there in two formats; a folder cannot be read.
    """
    for stem in stems:
        found = [file for file in listed((folder / stem).parent, folder) if file.parts.stem == stem]
        fitting = [file for file in found if file.parts.tabular or (text and _is_text(file))]
        if fitting:
            return whole_tables(fitting)
    return []


def _is_text(file: DataFile) -> bool:
    return file.parts.format == "text" or (file.parts.format is None and "." not in Path(file.name).name)


def listed(folder: Path, base: Path) -> list[DataFile]:
    """The files of one folder, named within another; none where there is no such folder.

    Raises:
        BenchError: It cannot be read.
    """
    return [local_file(path, base) for path in entries(folder) if is_file(path)] if is_folder(folder) else []


def foreign_hint(folder: Path, *stems: str) -> str | None:
    """What a file of one of these stems is whose format is not read, and how to convert it."""
    for stem in stems:
        place = (folder / stem).parent
        for path in entries(place) if is_folder(place) else []:
            if path.name.split(".")[0] == Path(stem).name and (found := foreign(path.name)):
                return f"{path.relative_to(folder).as_posix()} is {found[0]}, which is not read: {found[1]}"
    return None


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)


def _matches(folder: Path, pattern: str) -> list[Path]:
    # A name may hold characters that mean something in a pattern.
    if path_exists(folder / pattern):
        return [folder / pattern] if is_file(folder / pattern) else []
    return matching(folder, pattern)
