"""The rows of delimited text, and how it is written: delimiter, quoting, the line `sep=;`."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.errors import BenchError
from bench.reading import MOST_LINE
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.numbers import is_number
from bench.tasks.readers.streams import UTF8, opened, read_lines

# `standard`: cells may be in double quotes, quotes in them are doubled (RFC 4180). `none`: a quote is a character.
Quoting = Literal["standard", "none"]

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_CELL = MOST_LINE
_BLOCK = 1 << 20
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}


@dataclass(frozen=True)
class Format:
    """What is known of how text files are written; what is None is recognised.

    Attributes:
        encodings: Encodings that they may have, in order; a byte order mark overrules them.
        delimiter: The character between cells.
        quoting: Whether cells may be quoted.
    """

    encodings: Sequence[str] = UTF8
    delimiter: str | None = None
    quoting: Quoting | None = None


UNKNOWN = Format()


@dataclass(frozen=True)
class Dialect:
    """How one file of delimited text is written.

    Attributes:
        delimiter: The character between cells.
        quoting: Whether cells may be quoted.
        skipped: Lines before the rows: 1 where the first is `sep=;`.
    """

    delimiter: str
    quoting: Quoting
    skipped: int = 0

    def __str__(self) -> str:
        """The dialect for people."""
        name = _NAMES.get(self.delimiter, repr(self.delimiter))
        return f"delimiter {name}" + (", no quoting" if self.quoting == "none" else "")


def read_delimited(file: DataFile, text: Format, dialect: Dialect | None = None) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with the lines that they start in; lines without a cell are passed over.

    Args:
        file: The file.
        text: What is known of it.
        dialect: How it is written; recognised by default.

    Raises:
        BenchError: The file cannot be read or is broken, with the line.
    """
    dialect = dialect or recognise_dialect(file, text)
    lines = itertools.islice(read_lines(file, text.encodings), dialect.skipped, None)
    yield from _rows(lines, dialect, file.where)


def recognise_dialect(file: DataFile, text: Format) -> Dialect:
    """How a file is written, as far as `text` leaves it open.

    The delimiter is one that the first row holds and that divides every row into as many cells. Quoting is standard,
    unless rows with quotes only come out with as many cells without it, or could be read either way and a quoted cell
    would hold the delimiter and a line end: then columns of numbers decide, and without any, a tab as the delimiter.

    Raises:
        BenchError: The file cannot be read, or more than one delimiter fits.
    """
    first, stated = _first_line(file, text)
    skipped = 1 if stated else 0
    delimiter = text.delimiter or stated
    if delimiter and text.quoting:
        return Dialect(delimiter, text.quoting, skipped)
    default = "\t" if file.parts.format == "tsv" else ","
    order = sorted(_DELIMITERS, key=lambda mark: mark != default)
    marks = [delimiter] if delimiter else [mark for mark in order if mark in first] or [default]
    quoted = text.quoting is None and _holds_quotes(file)
    dialects = [Dialect(mark, text.quoting or "standard", skipped) for mark in marks]
    if len(dialects) == 1 and not quoted:
        return dialects[0]
    found = [fitting for dialect in dialects if (fitting := _fitting(file, text, dialect, first, quoted=quoted))]
    if len(found) > 1:
        names = " and ".join(_NAMES[dialect.delimiter] for dialect in found)
        raise BenchError(
            f"the delimiter can be {names}",
            where=file.where,
            hint="say which: --delimiter, or `delimiter` in the card's `table`",
        )
    if found:
        return found[0]
    # Nothing fits: the reader says in which line.
    return replace(dialects[0], quoting=text.quoting or ("none" if marks[0] == "\t" else "standard"))


def _first_line(file: DataFile, text: Format) -> tuple[str, str | None]:
    """The first row's line, and the delimiter that a line `sep=;` before it states."""
    lines = (line for line in read_lines(file, text.encodings) if line.strip())
    first = next(lines, "")
    plain = first.strip("\r\n").strip('"')
    if plain[:4].lower() == "sep=" and len(plain) == 5:
        return next(lines, ""), plain[4]
    return first, None


def _holds_quotes(file: DataFile) -> bool:
    # In every encoding that is read a quote is or holds this byte.
    with opened(file) as handle:
        return any(b'"' in block for block in iter(lambda: handle.read(_BLOCK), b""))


@dataclass
class _Shape:
    """What the rows of a file look like in one dialect.

    Attributes:
        even: Whether it can be read so, each row with as many cells as the first.
        spanning: Whether a row goes over several lines.
        doubled: Whether a row over several lines holds a quote that was doubled.
        numeric: The columns of numbers alone.
        wrapped: Whether a cell begins and ends with a quote.
    """

    even: bool = True
    spanning: bool = False
    doubled: bool = False
    numeric: set[int] = field(default_factory=set)
    wrapped: bool = False

    @classmethod
    def of(cls, file: DataFile, text: Format, dialect: Dialect) -> _Shape:
        shape = cls()
        try:
            rows = (cells for _, cells in read_delimited(file, text, dialect))
            width = len(next(rows, []))
            words: set[int] = set()
            for cells in rows:
                if len(cells) != width:
                    return cls(even=False)
                full = {n for n, cell in enumerate(cells) if cell}
                shape.numeric |= full - words
                words |= {n for n in full - words if not is_number(cells[n])}
                shape.numeric -= words
                spanning = [cell for cell in cells if "\n" in cell]
                shape.spanning |= bool(spanning)
                shape.doubled |= any('"' in cell for cell in spanning)
                shape.wrapped |= any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)
        except BenchError:
            return cls(even=False)
        return shape


def _fitting(file: DataFile, text: Format, dialect: Dialect, first: str, *, quoted: bool) -> Dialect | None:
    """The dialect with the quoting in which rows come out even, None where none does."""
    standard = _Shape.of(file, text, dialect)
    if not quoted or (standard.even and not standard.spanning):
        return dialect if standard.even else None
    unquoted = replace(dialect, quoting="none")
    plain = _Shape.of(file, text, unquoted)
    if '"' in first or standard.doubled or not plain.even:
        return dialect if standard.even else None
    if not standard.even:
        # Some cells in quotes and some quotes out of place: which are part of the text?
        return None if plain.wrapped and dialect.delimiter != "\t" else unquoted
    # Each line can be a row of its own, or a few cells hold line ends and delimiters.
    if standard.numeric:
        return unquoted if standard.numeric <= plain.numeric else dialect
    return unquoted if dialect.delimiter == "\t" else dialect


def _rows(lines: Iterable[str], dialect: Dialect, where: str) -> Iterator[tuple[int, list[str]]]:
    plain = dialect.quoting == "none"
    reader = csv.reader(
        lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL, strict=True
    )
    line = dialect.skipped + 1
    while True:
        try:
            cells = _next(reader)
        except csv.Error as error:
            raise BenchError(
                f"broken CSV: {error}",
                where=f"{where}, line {line}",
                hint='lines end in LF or CRLF; a cell with line ends, delimiters or quotes is quoted: "a ""b"""'
                "; where none does, say --quoting none, or `quoting: none` in the card's `table`",
            ) from error
        if cells is None:
            return
        # A quoted cell may hold line ends: a row is named by the line that it starts in.
        start, line = line, dialect.skipped + reader.line_num + 1
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield start, cells


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    # The limit is the whole process's: it is lifted for a row at a time.
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)
