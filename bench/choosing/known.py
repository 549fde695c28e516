"""What is known of a quantity: its value, or bounds that follow from what was measured at another size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bench.choosing.constraints import Constraint

Verdict = Literal["met", "broken", "unknown"]


@dataclass(frozen=True)
class Known:
    """What is known of one quantity of one candidate.

    Attributes:
        value: The figure to show; None where there is none at all.
        low: What it is at least.
        high: What it is at most; equal to `low` where the value itself is known.
        documents: For how many documents `value` holds; None where that does not matter.
        computed: Whether it was worked out and not measured.
        why: Why the quantity itself is not known; None where it is.
        command: What measures it; None where nothing does.
    """

    value: float | None
    low: float = -math.inf
    high: float = math.inf
    documents: int | None = None
    computed: bool = False
    why: str | None = None
    command: str | None = None

    @classmethod
    def exactly(cls, value: float, documents: int | None = None, *, computed: bool = False) -> Known:
        """A quantity that is known."""
        return cls(value, value, value, documents, computed)

    @classmethod
    def missing(cls, why: str, command: str | None = None) -> Known:
        """A quantity of which nothing is known."""
        return cls(None, why=why, command=command)

    def at_least(self, low: float) -> Known:
        """The same with another lower bound, where that says more; a known value stays."""
        return self if self.low == self.high else replace(self, low=max(self.low, low))

    def plus(self, other: Known) -> Known:
        """The sum of two quantities."""
        values = [known.value for known in (self, other) if known.value is not None]
        return Known(
            sum(values) if values else None,
            self.low + other.low,
            self.high + other.high,
            self.documents or other.documents,
            self.computed or other.computed,
            self.why or other.why,
            self.command or other.command,
        )

    def verdict(self, constraint: Constraint) -> Verdict:
        """Whether a constraint is met, as far as is known."""
        if constraint.is_most:
            met, broken = self.high <= constraint.limit, self.low > constraint.limit
        else:
            met, broken = self.low >= constraint.limit, self.high < constraint.limit
        return "met" if met else "broken" if broken else "unknown"

    def needs(self, constraint: Constraint, *, proven: bool) -> float:
        """The limit that this quantity would just keep to.

        Args:
            constraint: The constraint.
            proven: Whether it is to be known to keep to it; else only not known to break it.
        """
        return self.high if constraint.is_most == proven else self.low


def at_size(found: Mapping[int, float], documents: int, why: str, command: str | None, *, grows: bool) -> Known:
    """What figures measured at some numbers of documents tell of another number.

    Nothing is extrapolated. Where the quantity can only grow with the documents, fewer bound it from below and more
    from above.

    Args:
        found: The figures by number of documents.
        documents: The number that is asked for.
        why: Why it is not known, where there is no figure at all.
        command: What would measure it.
        grows: Whether it can only grow with the documents.
    """
    if documents in found:
        return Known.exactly(found[documents], documents or None)
    if not found:
        return Known.missing(why, command)
    fewer = [size for size in found if size < documents]
    more = [size for size in found if size > documents]
    shown = max(fewer) if fewer else min(more)
    low = max((found[size] for size in fewer), default=0.0) if grows else 0.0
    high = min((found[size] for size in more), default=math.inf) if grows else math.inf
    sizes = ", ".join(f"{size:,}" for size in sorted(found) if size)
    # A larger corpus may have been measured faster than a smaller one by chance: then neither bound holds.
    if low > high:
        low, high = 0.0, math.inf
    return Known(found[shown], low, high, shown or None, why=f"measured at {sizes} documents", command=command)
