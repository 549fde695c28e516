"""Reading training data from files: pairs, triplets, scored pairs, labelled pairs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import safe_name
from bench.hub import HubFolder
from bench.models.recipe import ROLES, Shape, TrainingData
from bench.reading import user_path
from bench.tasks.data import NotHereError
from bench.tasks.places import DATA_VARIABLE, HubData, Place
from bench.tasks.readers.cells import match_columns, plain_text, read_number, several_texts
from bench.tasks.readers.files import DataFile, first_found, local_files, remote_files
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import Row, read_rows

# Names under which a role's column is looked for where the recipe does not name it.
_USUAL: dict[str, list[str]] = {
    "query": ["query", "anchor", "question"],
    "positive": ["positive", "answer", "document"],
    "negative": ["negative", "negative_*"],
}
_SEVERAL = ("positive", "negative")


def read_training_files(
    data: TrainingData, shape: Shape, base: Path, limit: int | None, *, download: bool
) -> dict[str, list[Any]]:
    """The rows of files as columns, by role in the order of ROLES.

    A row with several positives or negatives becomes one row for each combination of them.

    Args:
        data: Names the files and their columns.
        shape: What a row is.
        base: The folder that relative names start from, before $BENCH_DATA.
        limit: Rows to take, the first ones; None for all. No more than them is read over the network.
        download: Whether the Hub may be asked for a data set of its own; otherwise only its local cache is.

    Raises:
        NotDownloadedError: Only the Hub can have the files and may not be asked.
        NotAvailableError: They are files of a Hub data set, and no place has them.
        BenchError: There is no such file, a column is missing, or a cell does not hold what it must, with its place.
    """
    if data.hub is None:
        return _read(_files(data, base), data, shape, limit)
    names = data.files or []
    hub = HubData(
        data.hub,
        data.revision,
        folder=data.folder or safe_name(data.hub.rpartition("/")[2]),
        where="training data",
        usable=lambda folder: _holds(folder, names),
        patterns=names,
        part=limit is not None,
        download=download,
    )
    return hub.read(lambda place: _read(_files_of(place, names), data, shape, limit), ", ".join(names))


def _read(files: list[DataFile], data: TrainingData, shape: Shape, limit: int | None) -> dict[str, list[Any]]:
    rows = (row for file in files for row in _rows(file, data, shape))
    columns: dict[str, list[Any]] = {role: [] for role in ROLES[shape]}
    for row in islice(rows, limit):
        for role, value in zip(columns, row, strict=True):
            columns[role].append(value)
    return columns


def _files(data: TrainingData, base: Path) -> list[DataFile]:
    found = []
    root = os.environ.get(DATA_VARIABLE)
    folders = [base, *([user_path(root)] if root else [])]
    for name in data.files or []:
        pattern = user_path(name)
        # A pattern starts from a folder; an absolute one brings its own.
        places = [(Path(pattern.anchor), str(pattern.relative_to(pattern.anchor)))] if pattern.is_absolute() else []
        places = places or [(folder, name) for folder in folders]
        files = next((files for folder, rest in places if (files := local_files(folder, own=True)([rest]))), [])
        if not files:
            looked = " or ".join(str(folder) for folder, _ in places)
            raise BenchError(
                f"no file {name} in {looked}",
                where="training data",
                hint=f"check `files` in the recipe, or set {DATA_VARIABLE}",
            )
        found += files
    return found


def _files_of(place: Place | HubFolder, names: list[str]) -> list[DataFile]:
    """The files of a data set, in the order in which they are named, and by name where a pattern stands for several.

    Raises:
        NotHereError: One is not there.
    """
    find, where = (
        (local_files(place.path), str(place.path)) if isinstance(place, Place) else (remote_files(place), place.repo)
    )
    found = []
    for name in names:
        files = first_found(find, [name])
        if not files:
            raise NotHereError(f"no file {name}", where=where)
        found += files
    return found


def _holds(folder: Path, names: list[str]) -> bool:
    """Whether a folder has all files, with all of their parts."""
    try:
        return bool(_files_of(Place(folder), names))
    except NotHereError:
        return False


def _rows(file: DataFile, data: TrainingData, shape: Shape) -> Iterator[tuple[Any, ...]]:
    roles: dict[str, list[str]] = {}

    def choose(found: list[str]) -> list[str]:
        for role in ROLES[shape]:
            roles[role] = _columns(role, data, found, file)
        return list(dict.fromkeys(column for columns in roles.values() for column in columns))

    for row in read_rows(file, choose):
        yield from product(*(_values(role, columns, row) for role, columns in roles.items()))


def _columns(role: str, data: TrainingData, found: list[str], file: DataFile) -> list[str]:
    names = data.columns.get(role) or _USUAL.get(role, [role])
    columns = match_columns(names, found, several=role in _SEVERAL)
    if not columns:
        wanted = " or ".join(f"`{name}`" for name in names)
        raise BenchError(
            f"no column {wanted} for {role}",
            where=file.where,
            hint=f"{listed_columns(found, *names)}; name it in `columns`",
        )
    return columns


def _values(role: str, columns: list[str], row: Row) -> list[Any]:
    """What a row holds for a role: several values of positives and negatives, else one."""
    column = columns[0]
    if role == "score":
        return [read_number(row.cells[column], "score", row.where)]
    if role == "label":
        return [_label(row.cells[column], row)]
    if role in _SEVERAL:
        texts = [text for name in columns for text in several_texts(row.cells[name], name, row)]
    else:
        texts = [text] if (text := plain_text(row.cells[column], column, row)) else []
    if not texts:
        raise BenchError(f"`{column}` is empty", where=row.where, hint="give it a text, or remove the row")
    return texts


def _label(value: Any, row: Row) -> int:
    number = float(value) if isinstance(value, bool) else read_number(value, "label", row.where)
    if number not in {0.0, 1.0}:
        raise BenchError(
            f"the label is {str(value)[:40]!r}; 1 says that the two belong together, 0 that they do not",
            where=row.where,
            hint="for graded scores use the shape scored-pairs",
        )
    return int(number)
