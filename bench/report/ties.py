"""Where MTEB's order of tied documents gives another score than the expectation over their orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.results.schema import ViewScores
from bench.views import View

# Differences up to this are not mentioned: scores are shown with four decimals.
_SHOWN = 1e-4
_LISTED = 5


@dataclass(frozen=True)
class _Difference:
    """One metric of one row in MTEB's order, and that less the expectation."""

    model: str
    view: View | None
    metric: str
    value: float
    by: float

    @property
    def rank(self) -> tuple[bool, float, str, str]:
        """What is listed first: float32, which published scores are of, then the largest."""
        coarse = self.view is not None and self.view.precision != "float32"
        return coarse, -abs(self.by), self.model, self.metric

    def __str__(self) -> str:
        row = self.model if self.view is None else f"{self.model} at {self.view}"
        return f"{row}: {self.metric} {self.value:.4f} ({self.by:+.4f})"


def tie_notes(rows: Iterable[tuple[str, View | None, ViewScores]], metrics: Sequence[str]) -> list[str]:
    """A note on the scores that MTEB's order of ties changes by more than 0.0001; none where there are none.

    Args:
        rows: Model, view and scores of each row.
        metrics: The metrics that are shown.
    """
    found = [
        _Difference(model, view, metric, scores.mteb[metric], by)
        for model, view, scores in rows
        for metric in metrics
        if metric in scores.mteb and metric in scores.metrics
        if abs(by := scores.mteb[metric] - scores.metrics[metric].value) > _SHOWN
    ]
    if not found:
        return []
    found.sort(key=lambda difference: difference.rank)
    listed = "; ".join(map(str, found[:_LISTED]))
    rest = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    why = "Documents with equal scores: a score is the mean over all their orders, where MTEB ranks them by id"
    return [f"{why}. In MTEB's order: {listed}{rest}"]
