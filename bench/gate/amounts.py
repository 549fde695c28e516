"""Amounts in rules: absolute (`0.01`) or relative (`2%`)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator

_PERCENT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*%")


@dataclass(frozen=True)
class Amount:
    """How much worse something may get.

    Attributes:
        value: In the metric's own unit, or a share of the baseline's value.
        relative: Whether it is a share.
    """

    value: float
    relative: bool

    def __str__(self) -> str:
        return f"{100 * self.value:.6g}%" if self.relative else f"{self.value:g}"

    def of(self, baseline: float) -> float:
        """The amount in the metric's own unit; a share is one of the baseline's size, whatever its sign."""
        return self.value * abs(baseline) if self.relative else self.value


def read_amount(value: Any) -> Amount:
    """An amount as it stands in a file.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, Amount):
        return value
    share = _share(value)
    amount = share if share is not None else _number(value)
    if amount is None or amount < 0:
        raise ValueError("must be a number such as 0.01, or a share such as 2%; not below 0")
    if amount >= 1:
        raise ValueError("allows the whole score to be lost: scores are at most 1, write two points as 0.02")
    return Amount(amount, relative=share is not None)


def read_increase(value: Any) -> Amount:
    """A share, always with its sign: `0.1` could be read as milliseconds.

    Raises:
        ValueError: It is none.
    """
    amount = value if isinstance(value, Amount) else None
    share = _share(value)
    if share is not None:
        amount = Amount(share, relative=True)
    if amount is None or not amount.relative:
        raise ValueError("must be a share of the baseline's figure such as 10%")
    return amount


def read_share(value: Any) -> float:
    """A share of the full width's score, `97%` or `0.97`.

    Raises:
        ValueError: It is none.
    """
    share = _share(value)
    if share is None:
        share = _number(value)
    if share is None or not 0 < share <= 1:
        raise ValueError("must be a share of the full width's score such as 97% or 0.97")
    return share


def _share(value: Any) -> float | None:
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return _number(float(found[1]) / 100) if found else None


def _number(value: Any) -> float | None:
    """A number as one that can be reckoned with, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


Tolerance = Annotated[Amount, PlainValidator(read_amount)]
Increase = Annotated[Amount, PlainValidator(read_increase)]
Share = Annotated[float, PlainValidator(read_share)]
