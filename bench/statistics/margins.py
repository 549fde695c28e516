"""The margin: how much of a score one is ready to lose, as a number or as a share of the reference's score."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_WRITTEN = re.compile(r"([0-9]*\.?[0-9]+)\s*(%?)")


@dataclass(frozen=True)
class Margin:
    """How much may be lost.

    Attributes:
        value: The loss itself; where relative a share of the reference's score, 0 to 1.
        relative: Which of the two it is.
    """

    value: float
    relative: bool = False

    def absolute(self, reference: float) -> float:
        """The loss of a score that it allows; 0 where it is a share of a score that is not above 0.

        Args:
            reference: The score of the reference.
        """
        return max(self.value * reference, 0.0) if self.relative else self.value

    def __str__(self) -> str:
        """As it is written: `0.01` or `2%`."""
        return f"{_decimal(100 * self.value)}%" if self.relative else _decimal(self.value)


def _decimal(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


DEFAULT_MARGIN = Margin(0.01)


def parse_margin(text: str | float) -> Margin:
    """The margin that `0.01` or `2%` means.

    Raises:
        ValueError: It is neither, or not above 0 and below 1.
    """
    found = _WRITTEN.fullmatch(_decimal(text) if isinstance(text, float) else str(text).strip())
    value = float(found[1]) if found else math.nan
    relative = found is not None and found[2] == "%"
    margin = Margin(value / 100 if relative else value, relative)
    if not 0 < margin.value < 1:
        raise ValueError(f"a margin is a loss such as 0.01, or a share of the score such as 2%, not `{text}`")
    return margin
