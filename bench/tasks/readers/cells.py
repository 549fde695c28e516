"""What a cell may hold: ids, texts, lists of texts, labels and scores, by one rule for every format and layout.

docs/tasks.md has the rule as a table.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import json
import math
import tokenize
import warnings
from collections.abc import Iterable, Sequence
from decimal import Decimal as DecimalNumber
from typing import Any

from bench.errors import BenchError
from bench.files import digest_bytes
from bench.tasks.readers.numbers import Decimal, has_comma, has_point, maybe_thousands, parse_number
from bench.tasks.readers.rows import Row

# Characters of a cell that a message shows.
_CELL = 40
# From here on not every whole number has a float of its own.
_EXACT = 1 << 53
_BOOLEANS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
# What begins a list or an object as Python or JSON write it, and what ends it.
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


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


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN, no text or spaces alone."""
    return value is None or (isinstance(value, str) and not value.strip()) or (value != value)  # noqa: PLR0124


def identifier(value: Any, column: str, row: Row) -> str:
    """A cell as an id: a text as it is, or a whole number in digits; 7 is 7.0 of a column with gaps, and "7".

    Raises:
        BenchError: It is none.
    """
    if isinstance(value, str) and not is_missing(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float | DecimalNumber) and not is_missing(value) and value == (whole := int_of(value)):
        if isinstance(value, float) and abs(value) >= _EXACT:
            raise BenchError(
                f"`{column}` holds {value:g}, too large for a number with a fraction part to be exact",
                where=row.where,
                hint="write ids as texts or as integers",
            )
        return str(whole)
    raise BenchError(f"`{column}` {_found(value)}", where=row.where, hint="ids are texts or whole numbers")


def int_of(value: float | DecimalNumber) -> int | None:
    """The whole number below a finite one, None of an infinite one."""
    return int(value) if math.isfinite(value) else None


def plain_text(value: Any, column: str, row: Row) -> str:
    """A cell as a text, unchanged; a missing one is empty.

    Raises:
        BenchError: It holds something else.
    """
    if not isinstance(value, str) and not is_missing(value):
        raise BenchError(
            f"`{column}` {_found(value)}, where a text belongs",
            where=row.where,
            hint="write it as a text, or name another column",
        )
    return value if isinstance(value, str) and value.strip() else ""


def needed_text(value: Any, column: str, row: Row, *, allow_empty: bool) -> str:
    """A cell that must be a text, unchanged.

    Raises:
        BenchError: It is null, or empty where `allow_empty` is False, or holds something else.
    """
    text = plain_text(value, column, row)
    if value is None:
        raise BenchError(
            f"`{column}` is null or not there",
            where=row.where,
            hint='give it a text, or remove the row; an empty text is "", which `allow_empty: true` in the card allows',
        )
    if not text and not allow_empty:
        raise BenchError(
            f"`{column}` is empty",
            where=row.where,
            hint="give it a text, remove the row, or set `allow_empty: true` in the task card",
        )
    return text


def items(value: Any, column: str, row: Row, lists: bool | None = None) -> list[Any]:
    """What a cell that may hold several holds: the items of a list, or the cell itself.

    Args:
        value: The cell.
        column: Its column.
        row: Its row.
        lists: Whether lists that are written as text are lists; None refuses them.

    Raises:
        BenchError: It is a text with the brackets of a list, and no list or not said to be one.
    """
    if isinstance(value, str) and lists is not False and looks_structured(value):
        if lists is None:
            raise BenchError(
                f"`{column}` holds {_short(value)}: one text, or several that are written as a list?",
                where=row.where,
                hint="say --lists or --no-lists to bench tasks add, or `lists: true` or `false` in the card's `table`; "
                "in JSON Lines and Parquet a list is a list",
            )
        found = written_list(value)
        if found is None:
            raise BenchError(
                f"`{column}` holds {_short(value)}, which is no list of texts as JSON or Python write it",
                where=row.where,
                hint='write lists as JSON: ["a", "b"]',
            )
        return found
    return value if isinstance(value, list) else [value]


def several_texts(value: Any, column: str, row: Row, lists: bool | None = None) -> list[str]:
    """The texts among the items of a cell (see items); missing ones are passed over.

    Raises:
        BenchError: One is no text.
    """
    return [text for item in items(value, column, row, lists) if (text := plain_text(item, column, row))]


def looks_structured(text: str) -> bool:
    """Whether a text has the brackets and quotes of a list or an object."""
    plain = text.strip()
    if len(plain) < 2 or _BRACKETS.get(plain[0]) != plain[-1]:
        return False
    inner = plain[1:-1].strip()
    if not inner:
        return plain[0] == "["
    if inner[0] not in "'\"" or (plain[0] == "(" and "," not in inner):
        return False
    return plain[0] == "{" or inner.rstrip(", \n\t")[-1:] in {"'", '"'}


def written_list(text: str) -> list[str] | None:
    """The texts of a list written as text by JSON or Python, None where it is none; nothing in it is run."""
    plain = text.strip()
    if not looks_structured(plain) or plain[0] == "{":
        return None
    try:
        value = json.loads(plain)
    except (ValueError, RecursionError):
        value = _literal(plain)
    return list(value) if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value) else None


def _literal(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
        strings = sum(token.type == tokenize.STRING for token in tokenize.generate_tokens(io.StringIO(text).readline))
    except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    # NumPy writes no commas, and Python would put its items together.
    return value if isinstance(value, list | tuple) and len(value) == strings else None


def decimal_mark(cells: Iterable[tuple[Any, Row]], what: str) -> Decimal:
    """The decimal mark of a column: a comma where some numbers have one and none has a point.

    Raises:
        BenchError: The column has both, or commas that may separate thousands.
    """
    comma = point = plain = None
    for value, row in cells:
        if isinstance(value, str):
            if has_point(value):
                point = point or (value, row)
            elif has_comma(value):
                comma = comma or (value, row)
                plain = plain or not maybe_thousands(value)
    if comma is None:
        return "."
    value, row = comma
    if point is not None:
        raise BenchError(
            f"the {what} {_short(value)} has a comma, and {_short(point[0])} in {point[1].place} has a point",
            where=row.where,
            hint="write all of them in one way",
        )
    if not plain:
        raise BenchError(
            f"the {what} {_short(value)}: is the comma a decimal comma, or does it separate thousands?",
            where=row.where,
            hint="say `decimal: ','` in the card's `table`, or --decimal ,; or write the numbers without commas",
        )
    return ","


def read_number(value: Any, what: str, where: str, decimal: Decimal = ".") -> float:
    """A cell as a finite number.

    Raises:
        BenchError: It is missing or none.
    """
    number = _number(value, decimal)
    if number is None or not math.isfinite(number):
        empty = value is None or not str(value).strip()
        raise BenchError(
            f"the {what} is empty" if empty else f"the {what} {_short(value)} is not a number",
            where=where,
            hint=f"give it a number, remove the row, or name another column: --{what}-column",
        )
    return number


def read_label(value: Any, what: str, where: str, decimal: Decimal = ".") -> float | None:
    """A cell as a label: a number, or true and false, yes and no as 1 and 0; None where it is missing.

    Raises:
        BenchError: It is none.
    """
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (known := _BOOLEANS.get(value.strip().lower())) is not None:
        return known
    return read_number(value, what, where, decimal)


def is_boolean(value: Any) -> bool:
    """Whether a cell is true or false, as such or in words."""
    return isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in _BOOLEANS)


def _number(value: Any, decimal: Decimal) -> float | None:
    if isinstance(value, str):
        return parse_number(value, decimal)
    if isinstance(value, bool) or not isinstance(value, int | float | DecimalNumber):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _found(value: Any) -> str:
    if is_missing(value):
        return "is empty" if value is not None else "is null or not there"
    names = {bool: "a boolean", list: "a list", dict: "an object", bytes: "bytes"}
    return f"holds {_short(value)}, {names.get(type(value), f'of type {type(value).__name__}')}"


def _short(value: Any) -> str:
    text = str(value)
    return repr(text[:_CELL] + "..." * (len(text) > _CELL))
