"""A task card for data that lies somewhere: look at it, load it, and only then write the card."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.config import dump_yaml
from bench.errors import UsageError
from bench.files import write_new
from bench.paths import is_file, is_folder, path_exists
from bench.regular import special_kind
from bench.tasks.add_articles import articles_task
from bench.tasks.beir import beir_use, is_beir, splits_of
from bench.tasks.card import CARD_NAME, TaskCard
from bench.tasks.catalog import Task
from bench.tasks.mteb_data import MtebData
from bench.tasks.plain import markup_found
from bench.tasks.readers.delimited import Format, Quoting
from bench.tasks.readers.files import DataFile, first_found, listed, local_files
from bench.tasks.readers.named import ColumnUse, plain_name
from bench.tasks.readers.names import foreign
from bench.tasks.readers.numbers import Decimal
from bench.tasks.tables.new_split import split_section, undivided
from bench.tasks.tables.profile import profile
from bench.tasks.tables.recognise import check_unused, named_column, recognise
from bench.tasks.tables.repeated import Repeated
from bench.tasks.tables.section import ALL, Encoding, Shape
from bench.tasks.tables.split import TEST, TRAIN, Split
from bench.tasks.tables.stated import stated_dialect, table_use
from bench.tasks.unit import TaskUnit

# The split that is scored is the first of these that the data has.
_SCORED = (TEST, "dev", "validation", "val")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Wishes:
    """What the user says about the data; the rest is recognised.

    Attributes:
        shape: The table's shape.
        columns: Columns by role.
        encoding: Encoding of CSV.
        delimiter: Delimiter of CSV.
        quoting: Whether cells of CSV may be quoted.
        decimal: The decimal mark of numbers written as text.
        lists: Whether lists that are written as text are several texts.
        ignored: Columns that are not to be used.
        relevant_from: The least relevance of a relevant document.
        queries: The file of queries and clicks, where the data is a file of articles.
        on: The columns that join the two.
        repeated: What the label is of a pair of query and document that several rows hold.
        split: How the rows are divided into splits.
        card: Further keys of the card.
    """

    shape: Shape | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: Encoding | None = None
    delimiter: str | None = None
    quoting: Quoting | None = None
    decimal: Decimal | None = None
    lists: bool | None = None
    ignored: frozenset[str] = frozenset()
    relevant_from: float | None = None
    queries: Path | None = None
    on: str | None = None
    repeated: Repeated | None = None
    split: Split | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_table(self) -> bool:
        """Whether anything is said that only a table has."""
        said = (
            self.shape, self.encoding, self.delimiter, self.quoting, self.decimal, self.lists, self.relevant_from,
            self.queries, self.on, self.repeated, self.split,
        )  # fmt: skip
        return bool(self.columns or self.ignored) or any(value is not None for value in said)


@dataclass(frozen=True)
class NewTask:
    """A task that is loaded and whose card is not yet written.

    Attributes:
        path: Where the card will stand.
        content: What will stand in it.
        shape: The shape that was recognised, where the data is a table.
        use: What the columns of each table were taken for.
        units: What is scored, with its data loaded.
        training: The pairs to train with, where there are any.
        markup: Sentences on texts that hold HTML.
    """

    path: Path
    content: dict[str, Any]
    shape: Shape | None
    use: list[ColumnUse]
    units: list[TaskUnit]
    training: TaskUnit | None
    markup: list[str]

    @property
    def text(self) -> str:
        """The card as it will stand in its file."""
        return dump_yaml(self.content, width=110)

    def write(self) -> None:
        """Write the card.

        Raises:
            UsageError: There is one by now.
            BenchError: The folder cannot be written.
        """
        if not write_new(self.path, self.text.encode()):
            raise UsageError("there is a card already", where=str(self.path), hint="choose another --name")


def new_task(data: Path, name: str, folder: Path, known: Mapping[str, object], wishes: Wishes) -> NewTask:
    """Make a task of a BEIR folder or of tables, and load it.

    Args:
        data: A BEIR folder, a file, or a folder with a file a split.
        name: The task's name.
        folder: The folder that cards lie in.
        known: The tasks that are there, by name.
        wishes: What the user says about the data.

    Raises:
        UsageError: The name is taken or no name, there is no data, or it cannot be told what it is.
        UndecidedColumnError: A column that is not used looks like labels.
        BenchError: The data is broken, with its place.
    """
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` is no name for a task", hint="at most 100 letters, digits, `_`, `-` and `.`")
    if name in known or path_exists(path) or path_exists(folder / name / CARD_NAME):
        raise UsageError(f"there is a task `{name}` already", hint="choose another --name, or delete its card")
    if not path_exists(data):
        raise UsageError("no such file or folder", where=str(data), hint="check the path")
    kind = special_kind(data)
    if kind is not None:
        raise UsageError(
            f"neither a file nor a folder ({kind}): a task is read again at every run",
            where=str(data),
            hint="save it as a file",
        )
    data = data.resolve()
    shape = None
    if wishes.queries is not None:
        found = articles_task(data, wishes.queries, wishes)
        data, section, use = found.folder, found.section, found.use
        shape = section["table"]["shape"]
    elif wishes.on is not None:
        raise UsageError("--on joins two files: --queries is missing", hint="--queries FILE names the clicks")
    elif is_folder(data) and is_beir(data):
        if wishes.of_table:
            raise UsageError(
                "a BEIR folder is no table: it has no shape, columns, encoding, delimiter, least relevance or split to "
                "choose",
                where=str(data),
                hint="leave these options out, or name the file that they are about",
            )
        section = _beir(data)
        use = beir_use(data, section.get("splits", [TEST])[0])
    else:
        section, use = _table(data, wishes)
        shape = section["table"]["shape"]
    content = {"name": name, **section, "path": str(data), **wishes.card}
    task = Task(_card(content), folder)
    units = task.units(download=False)
    markup = [sentence for unit in units for sentence in _markup(unit)]
    content["path"] = _card_path(data, folder)
    return NewTask(path, _ordered(content), shape, use, units, task.training(), markup)


def _markup(unit: TaskUnit) -> Iterable[str]:
    _ = unit.info
    return () if isinstance(unit.data, MtebData) else markup_found(unit.data)


def _card(content: dict[str, Any]) -> TaskCard:
    try:
        return TaskCard.model_validate(content)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        key = ".".join(map(str, detail["loc"]))
        raise UsageError(f"{key}: {detail['msg'].removeprefix('Value error, ')}") from error


def _beir(folder: Path) -> dict[str, Any]:
    splits = splits_of(folder)
    chosen = next((split for split in _SCORED if split in splits), splits[0] if splits else TEST)
    return {"type": "retrieval"} | ({"splits": [chosen]} if chosen != TEST else {})


def _table(data: Path, wishes: Wishes) -> tuple[dict[str, Any], list[ColumnUse]]:
    splits = _splits(data)
    scored = next(split for split in (*_SCORED, TRAIN) if split in splits)
    # Rows that are scored are no training rows, whatever their file is called.
    files = {TEST if split == TRAIN == scored else split: pattern for split, pattern in splits.items()}
    scored = TEST if scored == TRAIN else scored
    if wishes.split is not None:
        files, scored = undivided(data, splits), ALL
    text = Format((wishes.encoding or "utf-8",), wishes.delimiter, wishes.quoting)
    looked = {split: profile(first_found(local_files(data), [pattern]), text) for split, pattern in files.items()}
    for column in wishes.ignored:
        if not any(plain_name(column) in map(plain_name, part.kinds) for part in looked.values()):
            named_column(looked[scored], column)
    split, ignored = wishes.split, wishes.ignored
    if split is not None and split.time is not None:
        column = named_column(looked[scored], split.time)
        split, ignored = split.model_copy(update={"time": column}), ignored | {column}
    recognised = recognise(looked[scored], wishes.shape, wishes.columns, ignored)
    if wishes.shape is None:
        for part in looked.values():
            check_unused(part, recognised, ignored)
    table: dict[str, Any] = {"shape": recognised.shape, "files": files, "columns": recognised.columns}
    further = {
        "encoding": wishes.encoding,
        **stated_dialect(list(looked.values()), wishes.delimiter, wishes.quoting),
        "decimal": wishes.decimal,
        "lists": (recognised.lists or None) if wishes.lists is None else wishes.lists,
        "repeated": wishes.repeated,
        "relevant_from": wishes.relevant_from,
    }
    table |= {key: value for key, value in further.items() if value is not None}
    if split is not None:
        table |= split_section(split, recognised.shape)
    section: dict[str, Any] = {"type": "sts" if recognised.shape == "pairs" else "retrieval"}
    time = {} if split is None or split.time is None else {"time": split.time}
    columns = recognised.columns | time
    use = [table_use(files[name], part, columns, lists=recognised.lists) for name, part in looked.items()]
    return section | ({"splits": [scored]} if scored not in {TEST, ALL} else {}) | {"table": table}, use


def _splits(data: Path) -> dict[str, str]:
    """Name or pattern of the files of each split."""
    if is_file(data):
        return {TEST: data.name}
    everything = [file for folder in (data, data / "data") for file in listed(folder, data)]
    tables = [file for file in everything if file.parts.tabular]
    names = {}
    for split in (TRAIN, *_SCORED):
        found = [file for file in tables if re.match(rf"{split}(?![A-Za-z])", Path(file.name).name)]
        if found:
            names[split] = found[0].name if len(found) == 1 else _pattern(data, split, found)
    if not names and len({file.parts.stem for file in tables}) == 1:
        return {TEST: tables[0].name if len(tables) == 1 else _pattern(data, Path(tables[0].parts.stem).name, tables)}
    if not names:
        shown = ", ".join(file.name for file in tables[:5]) or "none"
        other = next(((file.name, known) for file in everything if (known := foreign(file.name))), None)
        raise UsageError(
            "no BEIR folder, and no file that is called test, dev or train",
            where=str(data),
            hint=f"{other[0]} is {other[1][0]}, which is not read: {other[1][1]}"
            if other and not tables
            else f"name one file; tables found: {shown}",
        )
    return names


def _pattern(data: Path, split: str, files: list[DataFile]) -> str:
    """The glob pattern of the parts of a split."""
    suffix = files[0].parts.suffix
    pattern = (Path(files[0].name).parent / f"{split}[-_.0-9]*{suffix}").as_posix()
    names = [file.name for file in files]
    # Files that share no pattern are no parts of one table: perhaps the same rows in another format.
    if not all(fnmatch.fnmatchcase(name, pattern) for name in names):
        raise UsageError(
            f"several files can be the split `{split}`: {', '.join(names[:5])}",
            where=str(data),
            hint=f"name one of them, or call its parts {split}-1{suffix}, {split}-2{suffix}, ...",
        )
    return pattern


def _card_path(data: Path, folder: Path) -> str:
    """The data's path as the card writes it: relative where both lie in one project, so that it can move."""
    home = folder.resolve()
    if data.is_relative_to(home.parent):
        return Path(os.path.relpath(data, home)).as_posix()
    return str(data)


def _ordered(content: dict[str, Any]) -> dict[str, Any]:
    """The keys in the order in which people read a card."""
    order = [key for key in TaskCard.model_fields if key in content]
    return {key: content[key] for key in order}
