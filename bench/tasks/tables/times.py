"""The column of a table that says when each row was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal as DecimalNumber
from typing import Any

from bench.errors import BenchError
from bench.tasks.data import NotHereError
from bench.tasks.readers.cells import is_missing
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.numbers import Decimal, parse_number
from bench.tasks.readers.rows import Row, read_rows
from bench.tasks.tables.section import Table

_HINT = "one column holds dates (2024-05-31), times (2024-05-31T18:30, all with a zone or all without) or numbers"
# Seconds since 1970 are beyond this number since 1973, and milliseconds a thousand times as large.
_SECONDS = 100_000_000
_LONGEST = 100
_SHOWN = 40


@dataclass(frozen=True)
class Moment:
    """When a row was made.

    Attributes:
        kind: How it is written; only moments of one kind can be compared.
        value: What is compared.
        text: As it is written, for people.
        where: Its file and place.
    """

    kind: str
    value: Any
    text: str
    where: str


def read_moments(found: Sequence[DataFile], column: str, table: Table) -> list[Moment]:
    """The moment of each row of some files, in order.

    Args:
        found: The files.
        column: The column.
        table: The card's section, which says how the files are written.

    Raises:
        NotHereError: A file has no such column.
        BenchError: A cell holds no moment, or one of another kind than the first, with its place.
    """
    moments = [_moment(row, column, table.decimal or ".") for file in found for row in _rows(file, column, table)]
    for moment in moments:
        if moment.kind != moments[0].kind:
            raise BenchError(
                f"`{column}` holds {moment.text}, {moment.kind}, and in {moments[0].where} {moments[0].text}, "
                f"{moments[0].kind}: their order is not known",
                where=moment.where,
                hint=_HINT,
            )
    _check_unit(moments, column)
    return moments


def _rows(file: DataFile, column: str, table: Table) -> list[Row]:
    def choose(found: list[str]) -> list[str]:
        if column not in found:
            raise NotHereError(
                f"no column `{column}` to split by", where=file.where, hint=listed_columns(found, column)
            )
        return [column]

    return list(read_rows(file, choose, Format(table.encoding, table.delimiter, table.quoting)))


def _moment(row: Row, column: str, decimal: Decimal) -> Moment:
    cell = row.cells[column]
    if is_missing(cell):
        raise BenchError(f"`{column}` is empty: when was this row made?", where=row.where, hint=_HINT)
    shown = str(cell).strip()[:_SHOWN]
    value = _parsed(cell.strip(), decimal) if isinstance(cell, str) else cell
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return Moment("a time without a zone", value, shown, row.where)
        return Moment("a time with a zone", value.astimezone(UTC), shown, row.where)
    if isinstance(value, date):
        return Moment("a date", value, shown, row.where)
    if isinstance(value, int | float | DecimalNumber) and not isinstance(value, bool):
        return Moment("a number", value, shown, row.where)
    raise BenchError(f"`{column}` holds {shown}, which is no date, time or number", where=row.where, hint=_HINT)


def _parsed(text: str, decimal: Decimal) -> Any:
    """A text as a number, date or time; None where it is none of them."""
    if len(text) > _LONGEST:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    number = parse_number(text, decimal)
    if number is not None:
        return number
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _check_unit(moments: Sequence[Moment], column: str) -> None:
    """Refuse numbers of which some seem to be seconds and others milliseconds."""
    if not moments or moments[0].kind != "a number":
        return
    least, most = (choose(moments, key=lambda moment: moment.value) for choose in (min, max))
    if least.value >= _SECONDS and most.value >= 100 * least.value:
        raise BenchError(
            f"`{column}` holds {most.text}, and in {least.where} {least.text}: seconds and milliseconds?",
            where=most.where,
            hint="write all in one unit",
        )
