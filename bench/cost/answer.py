"""What a probe process answers, and what the answers of several processes come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from pydantic import BaseModel

from bench.cost.timing import PERCENTILES, Timing, outliers, percentile
from bench.results.schema import Detail, Figure, FigureKey, figure_key
from bench.views import Precision, View


class Timed(BaseModel):
    """Calls of one operation, timed in one process.

    Attributes:
        name: What was timed; figures are called `<name>_p50_ms` and so on.
        milliseconds: Of each call, in order.
        cold_ms: Of the very first call, which is kept apart.
        warm_up: Calls made and thrown away in between.
        truncate_dim: Of the view, where it belongs to one.
        precision: Likewise.
        detail: As in Figure.
    """

    name: str
    milliseconds: list[float]
    cold_ms: float | None = None
    warm_up: int = 0
    truncate_dim: int | None = None
    precision: Precision | None = None
    detail: Detail = {}

    @property
    def key(self) -> FigureKey:
        """What the calls of several processes are put together by."""
        return figure_key(self.name, self.truncate_dim, self.precision, self.detail)

    @classmethod
    def of(cls, name: str, timing: Timing, view: View | None = None, **detail: str | int) -> Timed:
        """The calls of a Timing."""
        return cls(
            name=name,
            milliseconds=timing.samples_ms,
            cold_ms=timing.cold_ms,
            warm_up=timing.warm_up,
            truncate_dim=view.truncate_dim if view else None,
            precision=view.precision if view else None,
            detail=detail,
        )


class Answer(BaseModel):
    """What one probe process found.

    Attributes:
        timed: What was timed.
        figures: What was measured otherwise, or computed.
        settings: How.
        not_measured: What could not be measured, and why.
    """

    timed: list[Timed] = []
    figures: list[Figure] = []
    settings: dict[str, Any] = {}
    not_measured: dict[str, str] = {}

    def add(self, name: str, value: float | None, view: View | None = None, n: int = 1, **detail: str | int) -> None:
        """Add a figure; one that could not be measured (None) is left out."""
        if value is not None:
            place = {} if view is None else {"truncate_dim": view.truncate_dim, "precision": view.precision}
            self.figures.append(Figure(name=name, value=value, n=n, detail=detail, **place))


@dataclass
class Combined:
    """The answers of several processes put together.

    Attributes:
        figures: All figures.
        timed: All timed calls, with the number of the process that made them, from 0.
        settings: How the last process measured.
        not_measured: What could not be measured, and why.
    """

    figures: list[Figure] = field(default_factory=list)
    timed: list[tuple[int, Timed]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)


def combine(answers: Sequence[Answer]) -> Combined:
    """Put the answers of several processes of one probe together.

    Percentiles are those of all calls together, each only where there are enough of them; of other figures the
    median of the processes counts. The spread between processes is that of their own values.

    Args:
        answers: In the order in which the processes ran.
    """
    found = Combined()
    timed: dict[FigureKey, list[Timed]] = {}
    others: dict[FigureKey, list[Figure]] = {}
    for number, answer in enumerate(answers):
        found.settings |= answer.settings
        found.not_measured |= answer.not_measured
        for calls in answer.timed:
            found.timed.append((number, calls))
            timed.setdefault(calls.key, []).append(calls)
        for figure in answer.figures:
            others.setdefault(figure.key, []).append(figure)
    for parts in timed.values():
        found.figures += _percentiles(parts)
    for same in others.values():
        values = [figure.value for figure in same]
        found.figures.append(same[0].model_copy(update={"value": median(values), "spread": spread(values)}))
    return found


def spread(values: Sequence[float | None]) -> float | None:
    """Largest less smallest over the median; None of fewer than two values, or where a process has none."""
    known = [value for value in values if value is not None]
    if len(known) < max(2, len(values)) or median(known) <= 0:
        return None
    return (max(known) - min(known)) / median(known)


def _percentiles(parts: Sequence[Timed]) -> list[Figure]:
    """The figures of the same calls in several processes."""
    first = parts[0]
    calls = [value for part in parts for value in part.milliseconds]

    def figure(name: str, value: float, n: int, between: float | None = None) -> Figure:
        return Figure(
            name=f"{first.name}_{name}",
            value=value,
            n=n,
            truncate_dim=first.truncate_dim,
            precision=first.precision,
            detail=first.detail,
            spread=between,
        )

    found = []
    for p in PERCENTILES:
        value = percentile(calls, p)
        if value is not None:
            between = spread([percentile(part.milliseconds, p) for part in parts])
            found.append(figure(f"p{p}_ms", value, len(calls), between))
    if calls:
        found.append(figure("max_ms", max(calls), len(calls)))
        found.append(figure("outliers", outliers(calls), len(calls)))
    cold = [part.cold_ms for part in parts if part.cold_ms is not None]
    if cold:
        found.append(figure("cold_ms", median(cold), len(cold), spread(cold)))
    return found
