"""What the columns of a table hold, looked at to its end."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from bench.errors import UsageError
from bench.tasks.readers.cells import is_boolean, is_missing, looks_structured, written_list
from bench.tasks.readers.delimited import Dialect, Format, recognise_dialect
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.numbers import has_point, is_number
from bench.tasks.readers.rows import read_rows
from bench.tasks.readers.streams import encoding_of

Kind = Literal["text", "number", "boolean", "list", "empty", "other"]

# A scale from 0 to 10 has as many values.
_FEW = 11
# A longer text is no label.
_LABEL = 40


@dataclass
class Column:
    """What one column holds.

    Attributes:
        counts: How many cells are of which kind.
        written: Texts that are lists of texts as JSON or Python write them.
        values: The different cells, as long as they are few and short.
        many: Whether they were too many or too long to keep.
    """

    counts: dict[Kind, int] = field(default_factory=dict)
    written: int = 0
    values: dict[str, int] = field(default_factory=dict)
    many: bool = False

    def add(self, value: Any) -> None:
        """Take one cell into account."""
        if is_missing(value):
            return
        kind = _kind(value)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if isinstance(value, str) and looks_structured(value):
            self.written += written_list(value) is not None
        if not self.many:
            text = _value(value)
            self.values[text] = self.values.get(text, 0) + 1
            self.many = len(self.values) > _FEW or len(text) > _LABEL
            if self.many:
                self.values.clear()

    @property
    def kind(self) -> Kind:
        """What the column holds as a whole."""
        kinds = set(self.counts)
        if not kinds:
            return "empty"
        if self.lists or ("list" in kinds and kinds <= {"list", "text"}):
            return "list"
        if len(kinds) == 1:
            return kinds.pop()
        if kinds == {"number", "boolean"}:
            return "number"
        # A text may look like a number.
        return "text" if kinds <= {"text", "number", "boolean"} else "other"

    @property
    def lists(self) -> bool:
        """Whether every text is a list that is written as text."""
        return self.written > 0 and self.written == self.counts.get("text")

    @property
    def few(self) -> bool:
        """Whether it holds few different numbers or booleans, some of them more than once."""
        if self.many or self.kind not in {"number", "boolean"}:
            return self.letters
        return self.kind == "boolean" or len(self.values) < sum(self.counts.values())

    @property
    def letters(self) -> bool:
        """Whether it holds booleans as single letters."""
        return bool(self.values) and {value.lower() for value in self.values} <= {"y", "n", "t", "f"}

    @property
    def positive(self) -> bool:
        """Whether every cell holds the same number above 0, or true: as a label it says no more than its row."""
        if len(self.values) != 1:
            return False
        value = next(iter(self.values)).lower()
        return value in {"true", "yes", "y", "t"} or (is_number(value) and value[0] not in "0-,.+")

    @property
    def binary(self) -> bool:
        """Whether it holds 0 and 1 alone."""
        return self.kind == "number" and not self.many and set(self.values) <= {"0", "1"}


@dataclass(frozen=True)
class Profile:
    """What a look at all rows of the files of a table shows.

    Attributes:
        where: The first file, for messages.
        columns: What each column holds.
        rows: How many rows there are.
        dialect: How delimited text is written, where all files are in the same dialect; None of other formats.
        usual: The delimiter that files of this name have by default.
        encoding: The encoding of text, where it is the same.
    """

    where: str
    columns: dict[str, Column]
    rows: int
    dialect: Dialect | None
    usual: str
    encoding: str | None

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds."""
        return {name: column.kind for name, column in self.columns.items()}

    def holds_lists(self, column: str) -> bool:
        """Whether a column, or one of a pattern, holds lists that are written as text."""
        return any(found.lists for name, found in self.columns.items() if fits(name, column))

    def described(self) -> str:
        """The columns with what they hold, for messages."""
        return ", ".join(f"{name} ({kind})" for name, kind in self.kinds.items())


def fits(name: str, column: str) -> bool:
    """Whether a column is the one of a name, or one of a pattern such as `negative_*`."""
    return name == column or (column.endswith("*") and fnmatch.fnmatchcase(name, column))


def profile(files: Sequence[DataFile], text: Format) -> Profile:
    """Look at all rows of the files of a table.

    Raises:
        UsageError: There are no rows.
        BenchError: A file cannot be read or is broken.
    """
    columns: dict[str, Column] = {}
    rows = 0
    dialects = set()
    encodings = set()
    for file in files:
        if file.parts.format in {"csv", "tsv"}:
            dialects.add(recognise_dialect(file, text))
        if file.parts.format != "parquet":
            encodings.add(encoding_of(file, text.encodings))

        def choose(found: list[str]) -> list[str]:
            for name in found:
                columns.setdefault(name, Column())
            return found

        for row in read_rows(file, choose, text):
            rows += 1
            for name, value in row.cells.items():
                columns[name].add(value)
    if not rows:
        raise UsageError(
            "no rows", where=files[0].where, hint="a table has a heading with the columns' names and rows below"
        )
    same = next(iter(dialects)) if len(dialects) == 1 else None
    usual = "\t" if files[0].parts.format == "tsv" else ","
    return Profile(files[0].where, columns, rows, same, usual, next(iter(encodings)) if len(encodings) == 1 else None)


def _value(cell: Any) -> str:
    """A cell as one of few values: 1.0 is 1."""
    text = str(cell).strip()
    return f"{float(text):g}" if has_point(text) else text


def _kind(value: Any) -> Kind:
    if is_boolean(value):
        return "boolean"
    if isinstance(value, str):
        return "number" if is_number(value) else "text"
    if isinstance(value, list):
        return "list"
    return "number" if isinstance(value, int | float | Decimal) else "other"
