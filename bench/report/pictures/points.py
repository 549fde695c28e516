"""Quality against a cost: the points of a picture, their Pareto front, and which models are told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.report.pictures.scales import spans_a_decade
from bench.report.pictures.styles import MODEL_STYLES
from bench.report.rows import Row
from bench.statistics.pareto import pareto_front
from bench.views import Precision, View, sort_key


@dataclass(frozen=True)
class Point:
    """One view of a model at what it costs."""

    model: str
    view: View | None
    cost: float
    score: float

    @property
    def precision(self) -> Precision | None:
        """The view's; None of a baseline."""
        return self.view.precision if self.view else None


@dataclass(frozen=True)
class Panel:
    """Quality against one cost.

    Attributes:
        key: Its name among the panels of a picture, of letters and digits.
        heading: What it is of.
        cost: What the cost is, with its unit.
        quality: The metric.
        points: By model, then views from wide to narrow.
        levels: Scores of models that have no such cost, by model.
        of_model: Whether the cost is the model's, whatever the view.
    """

    key: str
    heading: str
    cost: str
    quality: str
    points: tuple[Point, ...]
    levels: Mapping[str, float] = field(default_factory=dict)
    of_model: bool = False

    @property
    def log(self) -> bool:
        """Whether costs span more than a decade."""
        return spans_a_decade([point.cost for point in self.points])

    @property
    def front(self) -> list[Point]:
        """The points that no other beats, from cheap to dear."""
        return front_of(self.points)

    @property
    def scores(self) -> list[float]:
        """All scores that it shows."""
        return [*(point.score for point in self.points), *self.levels.values()]


def front_of(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats in cost and score, from cheap to dear."""
    on_front = pareto_front(np.array([point.cost for point in points]), np.array([point.score for point in points]))
    found = [point for point, on in zip(points, on_front, strict=True) if on]
    return sorted(found, key=lambda point: (point.cost, point.model, _view_order(point.view)))


def make_points(rows: Iterable[Row], cost: Callable[[Row], float | None]) -> tuple[Point, ...]:
    """The points of the rows that have a score and a cost, both finite; their order is not that of the rows."""
    found = []
    for row in rows:
        value = cost(row)
        if row.score is not None and value is not None and math.isfinite(value) and math.isfinite(row.score.value):
            found.append(Point(row.model, row.view, value, row.score.value))
    return tuple(sorted(found, key=lambda point: (point.model, _view_order(point.view))))


def make_levels(rows: Iterable[Row], points: Iterable[Point]) -> dict[str, float]:
    """Scores of the baselines that have none of the points, by model."""
    placed = {point.model for point in points}
    found = {
        row.model: row.score.value
        for row in rows
        if row.view is None and row.score is not None and row.model not in placed and math.isfinite(row.score.value)
    }
    return dict(sorted(found.items()))


def highlighted(panels: Sequence[Panel]) -> list[str]:
    """The models that are told apart, best first: all where styles are enough, otherwise those on a front."""
    best: dict[str, float] = {}
    fronts: dict[str, int] = {}
    for panel in panels:
        for model, score in [*((point.model, point.score) for point in panel.points), *panel.levels.items()]:
            best[model] = max(best.get(model, -math.inf), score)
        for model in {point.model for point in panel.front}:
            fronts[model] = fronts.get(model, 0) + 1
    chosen = sorted(best)
    if len(chosen) > len(MODEL_STYLES):
        chosen = sorted(fronts, key=lambda model: (-fronts[model], -best[model], model))[: len(MODEL_STYLES)]
    return sorted(chosen, key=lambda model: (-best[model], model))


def model_count(panels: Iterable[Panel]) -> int:
    """How many models the panels show."""
    return len({name for panel in panels for name in (*(point.model for point in panel.points), *panel.levels)})


def _view_order(view: View | None) -> tuple[int, int]:
    return sort_key(view) if view else (0, 0)
