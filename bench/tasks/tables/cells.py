"""What a cell of a table may hold: texts, ids and lists of texts; and which column is meant by a name."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from typing import Any

from bench.errors import BenchError
from bench.files import digest_bytes
from bench.tasks.tables.rows import Row

# Characters of a list of columns that a message shows.
SHOWN = 300


def text_id(text: str) -> str:
    """An id for a text that has none: 64 bits of its digest."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))[:16]


def match_columns(names: Sequence[str], found: Sequence[str], *, several: bool) -> list[str]:
    """The columns that the first fitting name stands for; a pattern such as `negative_*` may stand for several."""
    for name in names:
        if name in found:
            return [name]
        if several and (matches := [column for column in found if fnmatch.fnmatchcase(column, name)]):
            return matches
    return []


def identifier(value: Any, column: str, row: Row) -> str:
    """A cell as an id: a text or a whole number; 7 and "7" are the same, and so is the 7.0 of a column with gaps.

    Raises:
        BenchError: It is none.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        found = "is empty" if value is None or value == "" else f"holds {str(value)[:40]!r}, which is no id"
        raise BenchError(f"`{column}` {found}", where=row.where, hint="ids are texts or whole numbers")
    return text


def plain_text(value: Any, column: str, row: Row) -> str:
    """A cell as a text without spaces around it; a missing one is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise BenchError(f"`{column}` must be a text, found {type(value).__name__}", where=row.where)
    return value.strip()


def several_texts(value: Any, column: str, row: Row) -> list[str]:
    """The texts of a cell that holds one, a list or none; empty ones are passed over."""
    values = value if isinstance(value, list) else [value]
    return [text for item in values if (text := plain_text(item, column, row))]
