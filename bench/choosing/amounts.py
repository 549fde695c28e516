"""Sizes, durations, numbers of documents and shares, as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from bench.errors import UsageError

Amount: TypeAlias = str | float

_SIZES = {"b": 1} | {
    f"{letter}{middle}b": base**power
    for base, middle in ((1000, ""), (1024, "i"))
    for power, letter in enumerate("kmgt", start=1)
}
_DURATIONS = {
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),
    "μs": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
}
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_MOST_DOCUMENTS = 10**12
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:_[0-9]+)*)?\.?[0-9]*(?:e[+-]?[0-9]{1,3})?)\s*([a-zµμ%]*)\s*", re.IGNORECASE)


def read_size(option: str, value: Amount) -> float:
    """Bytes of a size such as `2GB` (10^9 bytes each), `500 MB`, `1GiB` (2^30 bytes) or `1.5e9`.

    Args:
        option: What it was given for, for messages.
        value: The text, or bytes as a number.

    Raises:
        UsageError: It is no size, or not above 0.
    """
    hint = f"{option} 2GB (10^9 bytes each) or {option} 2GiB (2^30 bytes each)"
    return _positive(option, value, {"": 1} | _SIZES, "size", hint)


def read_duration(option: str, value: Amount) -> float:
    """Milliseconds of a duration such as `20ms`, `0.5 s` or `300us`; a bare number in a text is refused.

    Args:
        option: As for read_size.
        value: The text, or milliseconds as a number.

    Raises:
        UsageError: It is no duration, or not above 0.
    """
    units = _DURATIONS if isinstance(value, str) else {"": Decimal(1)}
    return _positive(option, value, units, "duration", f"{option} 20ms, {option} 0.5s or {option} 300us")


def read_count(option: str, value: Amount) -> int:
    """A number of documents such as `10_000_000` or `10M`.

    Args:
        option: As for read_size.
        value: The text or the number.

    Raises:
        UsageError: It is no whole number from 1 to 10^12.
    """
    hint = f"{option} 10_000_000 or {option} 10M"
    found = _positive(option, value, _COUNTS, "number of documents", hint)
    if found != int(found) or not 1 <= found <= _MOST_DOCUMENTS:
        raise UsageError(f"{option}: `{value}` is not a whole number of documents from 1 to 10^12", hint=hint)
    return int(found)


def read_share(option: str, value: Amount, low: float = 0.0) -> float:
    """A share or score such as `0.97` or `97%`.

    Args:
        option: As for read_size.
        value: The text or the number.
        low: The least that it may be.

    Raises:
        UsageError: It is no number from `low` to 1.
    """
    found = float(_number(option, value, {"": 1, "%": Decimal("0.01")}, "number", f"{option} 0.97"))
    if not low <= found <= 1:
        hint = f"{option} {found / 100:g}" if 1 < found <= 100 else f"{option} 0.97"
        raise UsageError(f"{option}: `{value}` is not from {low:g} to 1", hint=hint)
    return found


def _positive(option: str, value: Amount, units: Mapping[str, int | Decimal], what: str, hint: str) -> float:
    found = float(_number(option, value, units, what, hint))
    if not 0 < found < math.inf:
        raise UsageError(f"{option}: `{value}` is not a {what} above 0", hint=hint)
    return found


def _number(option: str, value: Amount, units: Mapping[str, int | Decimal], what: str, hint: str) -> Decimal:
    """A number with its unit, exactly."""
    found = _NUMBER.fullmatch(value if isinstance(value, str) else repr(float(value)))
    digits, unit = (found[1], found[2].lower()) if found else ("", "")
    if not any(character.isdigit() for character in digits.lower().partition("e")[0]) or unit not in units:
        raise UsageError(f"{option}: `{value}` is not a {what}", hint=hint)
    return Decimal(digits.replace("_", "")) * units[unit]
