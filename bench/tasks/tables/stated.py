"""What a new card states of how its tables are written, and what people are shown of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.tasks.readers.delimited import Quoting
from bench.tasks.readers.named import ColumnUse
from bench.tasks.tables.profile import Profile
from bench.tasks.tables.recognise import unused_columns


def stated_dialect(
    tables: Sequence[Profile], delimiter: str | None, quoting: Quoting | None
) -> dict[str, str | Quoting | None]:
    """What the card says of how its CSV files are written: what is not as usual, and the same in all of them.

    Args:
        tables: What a look at the files shows.
        delimiter: The delimiter, where the user says it.
        quoting: Whether cells may be quoted, where the user says it.
    """
    found = {(table.dialect, table.usual) for table in tables}
    dialect, usual = next(iter(found))
    if len(found) > 1 or dialect is None:
        return {"delimiter": delimiter, "quoting": quoting}
    return {
        "delimiter": delimiter or (dialect.delimiter if dialect.delimiter != usual else None),
        "quoting": quoting or (dialect.quoting if dialect.quoting == "none" else None),
    }


def table_use(name: str, table: Profile, columns: Mapping[str, str], *, lists: bool = False) -> ColumnUse:
    """What the columns of a table were taken for.

    Args:
        name: The table's file.
        table: What a look at it shows.
        columns: Column, or pattern of columns, by role.
        lists: Whether columns of lists that are written as text are marked as such.
    """
    roles = {
        role: f"{column} (lists)" if lists and table.holds_lists(column) else column for role, column in columns.items()
    }
    unused = [f"{column} ({table.kinds[column]})" for column in unused_columns(table, columns)]
    described = ", ".join(str(part) for part in (table.dialect, table.encoding) if part)
    return ColumnUse(f"{name} ({described})" if described else name, roles, unused)
