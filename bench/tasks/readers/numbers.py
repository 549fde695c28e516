"""Numbers as text: with a decimal point or a decimal comma, in ASCII digits."""

from __future__ import annotations

import re
from typing import Literal

Decimal = Literal[".", ","]

_POINT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:\d+,\d+|,\d+)", re.ASCII)
# Four and an eighth, or four thousand.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def is_number(text: str) -> bool:
    """Whether a text reads as a number, in either notation."""
    plain = text.strip()
    return bool(_POINT.fullmatch(plain) or _COMMA.fullmatch(plain))


def has_comma(text: str) -> bool:
    """Whether a text is a number with a decimal comma."""
    return bool(_COMMA.fullmatch(text.strip()))


def has_point(text: str) -> bool:
    """Whether a text is a number with a decimal point."""
    plain = text.strip()
    return "." in plain and bool(_POINT.fullmatch(plain))


def maybe_thousands(text: str) -> bool:
    """Whether the comma of a number can separate thousands."""
    return bool(_THOUSANDS.fullmatch(text.strip()))


def parse_number(text: str, decimal: Decimal) -> float | None:
    """The number that a text is, None where it is none."""
    plain = text.strip()
    if decimal == "," and "." not in plain:
        plain = plain.replace(",", ".", 1) if _COMMA.fullmatch(plain) else plain
        return float(plain) if _POINT.fullmatch(plain) else None
    return float(plain) if decimal == "." and _POINT.fullmatch(plain) else None
