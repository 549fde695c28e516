"""The second file of a table, with further columns of the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Lacking:
    """Stands for a cell of a row that the second file lacks."""


LACKING = Lacking()


@dataclass(frozen=True)
class Joined:
    """The second file.

    Attributes:
        file: What messages call it.
        key: Its column to join by.
        columns: Its columns that may hold a role.
        rows: Their cells, by key.
    """

    file: str
    key: str
    columns: list[str]
    rows: Mapping[str, dict[str, Any]]

    def cells(self, key: str) -> Mapping[str, Any]:
        """The cells of a row; LACKING in each but the key's where there is none of this key."""
        lacking = dict.fromkeys(self.columns, LACKING) | ({self.key: key} if self.key in self.columns else {})
        return self.rows.get(key, lacking)


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
    places: dict[str, str] = {}

    def choose(available: list[str]) -> list[str]:
        nonlocal key, columns
        key = key_column(list(join.on.values()), available, found[0].where)
        columns = [name for name in dict.fromkeys(names) if name in available]
        return list(dict.fromkeys([key, *columns]))

    for file in found:
        for row in read_rows(file, choose, Format(join.encoding, table.delimiter, table.quoting)):
            name = identifier(row.cells[key], key, row)
            cells = {column: name if column == key else row.cells[column] for column in columns}
            if rows.setdefault(name, cells) != cells:
                raise BenchError(
                    f"duplicate {key} `{name}` with different cells (first in {places[name]})",
                    where=row.where,
                    hint="ids must be unique",
                )
            places.setdefault(name, row.place)
    return Joined(found[0].where, key, columns, rows)


def key_column(names: Sequence[str], found: list[str], where: str) -> str:
    """The column of a file that says which rows belong together.

    Raises:
        NotHereError: There is none.
    """
    column = match_columns(names, found, several=False)
    if not column:
        wanted = " or ".join(f"`{name}`" for name in names)
        raise NotHereError(f"no column {wanted} to join by", where=where, hint=listed_columns(found, *names))
    return column[0]
