"""The second file of a table, with further columns of the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError
from bench.tasks.data import NotHereError
from bench.tasks.readers.cells import identifier, match_columns
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import FindFiles, first_found
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import read_rows
from bench.tasks.tables.section import Join, Table


@dataclass(frozen=True)
class Joined:
    """The second file.

    Attributes:
        file: What messages call it.
        columns: Its columns that may hold a role.
        rows: Their cells, by key.
    """

    file: str
    columns: list[str]
    rows: Mapping[str, dict[str, Any]]


def read_joined(table: Table, join: Join, files: FindFiles) -> Joined | None:
    """Read the second file of a table; None where there is none.

    Raises:
        NotHereError: It has no column to join by.
        BenchError: It is broken, or a key stands with different cells.
    """
    found = first_found(files, join.files)
    if not found:
        return None
    names = [name for role in table.roles for name in table.names(role)]
    key = ""
    columns: list[str] = []
    rows: dict[str, dict[str, Any]] = {}

    def choose(available: list[str]) -> list[str]:
        nonlocal key, columns
        key = key_column(join, available, found[0].where)
        columns = [name for name in dict.fromkeys(names) if name in available and name != key]
        return [key, *columns]

    for file in found:
        for row in read_rows(file, choose, Format(join.encoding, table.delimiter, table.quoting)):
            name = identifier(row.cells.pop(key), key, row)
            if rows.setdefault(name, row.cells) != row.cells:
                raise BenchError(f"duplicate {key} `{name}` with different cells", where=row.where)
    return Joined(found[0].where, columns, rows)


def key_column(join: Join, found: list[str], where: str) -> str:
    """The column of a file that says which rows belong together.

    Raises:
        NotHereError: There is none.
    """
    column = match_columns(join.on, found, several=False)
    if not column:
        wanted = " or ".join(f"`{name}`" for name in join.on)
        raise NotHereError(f"no column {wanted} to join by", where=where, hint=listed_columns(found, *join.on))
    return column[0]
