"""Which column holds what, by the usual names of columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError, did_you_mean

# Characters of a list of columns that a message shows.
SHOWN = 300


def plain_name(name: str) -> str:
    """A column's name as names are compared: in small letters, with `_` for spaces, hyphens and dots."""
    return re.sub(r"[\s.-]+", "_", name.strip()).lower()


@dataclass(frozen=True)
class ColumnUse:
    """What the columns of a table were taken for.

    Attributes:
        name: The table, for people.
        roles: The column, or the columns' pattern, of each role.
        unused: The columns that hold no role, with what they hold where that was looked at.
    """

    name: str
    roles: Mapping[str, str]
    unused: Sequence[str]


def column_use(name: str, roles: Mapping[str, str], found: Iterable[str]) -> ColumnUse:
    """What the columns found were taken for."""
    return ColumnUse(name, roles, [column for column in found if column not in roles.values()])


def named_columns(
    roles: Mapping[str, Sequence[str]], found: Sequence[str], where: str, optional: Sequence[str] = ()
) -> dict[str, str]:
    """The column of each role.

    Args:
        roles: The usual names of each role's column, the surest first, as plain_name gives them.
        found: The columns.
        where: What they were read from, for messages.
        optional: Roles that need no column.

    Raises:
        BenchError: A role has none, with the columns found, or two of the same name but for its spelling.
    """
    plain: dict[str, list[str]] = {}
    for column in found:
        plain.setdefault(plain_name(column), []).append(column)
    columns = {}
    for role, names in roles.items():
        same = next((plain[name] for name in names if name in plain), [])
        if len(same) > 1:
            raise BenchError(
                f"the {role} can be in {' and '.join(f'`{column}`' for column in same)}",
                where=where,
                hint="give all rows the same name for it",
            )
        if same:
            columns[role] = same[0]
        elif role not in optional:
            raise BenchError(
                f"no column for {role}",
                where=where,
                hint=f"it is called {', '.join(f'`{name}`' for name in names[:4])}, ...; {listed_columns(found)}",
            )
    return columns


def listed_columns(found: Sequence[str], *wanted: str) -> str:
    """The columns found, for messages, with the one that a wanted name may mean."""
    close = next((hint for name in wanted if (hint := did_you_mean(name, found))), None)
    shown = f"columns found: {', '.join(found)[:SHOWN] or 'none'}"
    return f"{close} {shown}" if close else shown
