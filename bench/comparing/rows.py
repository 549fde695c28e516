"""The difference between two cells of one task unit, and the queries behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.errors import BenchError
from bench.results.claims import Loss
from bench.results.index import Cell, UnitKey
from bench.results.items import ItemReader, Items, as_columns, shared_clusters
from bench.results.standings import Standing
from bench.statistics.paired import paired_test
from bench.views import View

LEVEL = 0.05
CONFIDENCE = 0.95
_SHOWN_DIGITS = 8


@dataclass(frozen=True)
class Point:
    """One side of a row.

    Attributes:
        model: Name.
        view: The view, None for a baseline.
        cell: Its scores; None where there are none.
        score: Its score by the row's metric, likewise.
        standing: Where its model stands on the leaderboard of its source, at the view that stands for it alone.
    """

    model: str
    view: View | None
    cell: Cell | None = None
    score: float | None = None
    standing: Standing | None = None


@dataclass(frozen=True)
class Change:
    """One query, pair or item on both sides.

    Attributes:
        id: Its id.
        a: What it contributes to A's score: of a query its own metric, of a pair its influence on the correlation.
        b: To B's.
    """

    id: str
    a: float
    b: float


@dataclass(frozen=True)
class Paired:
    """What the items of two cells say of their difference.

    Attributes:
        n: Items.
        clusters: Observations: items that depend on each other, such as equal queries, count as one.
        ci_low: Low end of the 95% interval of the mean difference; None where one observation is all there is.
        ci_high: Its high end.
        p: Two-sided p-value of no difference.
        p_holm: The same, corrected for the pairs of models of the task; None where those cannot be read.
        won: Items that B scores better on; None where items have no score of their own.
        tied: Items that both score the same.
        lost: Items that A scores better on.
        changed: Items that differ most, the largest difference first.
    """

    n: int
    clusters: int
    ci_low: float | None
    ci_high: float | None
    p: float
    p_holm: float | None
    won: int | None = None
    tied: int | None = None
    lost: int | None = None
    changed: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """Two cells of one task unit.

    Attributes:
        unit: The task unit.
        type: The type of its task.
        metric: What is compared; more is better.
        a: One side.
        b: The other.
        paired: What the items say; None where the scores are no means of items, or there is nothing to compare.
        reason: Why there is no difference, or no interval of it.
        same: Whether both are scores of one model on the same data and equal for every item: nothing to compare.
        pairs: How many pairs of models p is corrected for.
        loss: What B loses against A; None where nothing can be tested.
    """

    unit: UnitKey
    type: str
    metric: str
    a: Point
    b: Point
    paired: Paired | None = None
    reason: str | None = None
    same: bool = False
    pairs: int = 1
    loss: Loss | None = None

    @property
    def difference(self) -> float | None:
        """B's score less A's; None where they cannot be compared."""
        if self.a.score is None or self.b.score is None:
            return None
        return self.b.score - self.a.score

    @property
    def verdict(self) -> str | None:
        """`better`, `worse`: B than A, at a level of 0.05 over all pairs; `unclear`; None without a test."""
        if self.paired is None or self.difference is None or self.paired.p_holm is None:
            return None
        if self.paired.p_holm > LEVEL:
            return "unclear"
        return "better" if self.difference > 0 else "worse"


class RowMaker:
    """Makes rows; a table that cannot be read costs its row its interval.

    Args:
        queries: How many of the items that changed most a row keeps.
    """

    def __init__(self, queries: int) -> None:
        self._queries = queries
        # One each: a reader keeps one table.
        self._readers = ItemReader(), ItemReader()

    def row(self, unit: UnitKey, metric: str, a: Point, b: Point) -> Row:
        """The row of two cells.

        Args:
            unit: Their task unit.
            metric: The metric.
            a: One side; both have a cell.
            b: The other.
        """
        first, second = _cell(a), _cell(b)
        row = Row(unit, first.record.task.type, metric, a, b)
        data = first.record.task.fingerprint, second.record.task.fingerprint
        if data[0] != data[1]:
            reason = f"not comparable: the task's data changed ({data[0][:8]}, {data[1][:8]})"
            return replace(row, a=replace(a, score=None), b=replace(b, score=None), reason=reason)
        scores = [point.record.views[point.position].metrics.get(metric) for point in (first, second)]
        lacking = [side for side, score in zip("AB", scores, strict=True) if score is None]
        if lacking:
            return replace(row, reason=f"not comparable: no `{metric}` in {' and '.join(lacking)}")
        a, b = (replace(point, score=score.value) for point, score in zip((a, b), scores, strict=True) if score)
        row = replace(row, a=a, b=b)
        try:
            items = [reader.read(cell, metric) for reader, cell in zip(self._readers, (first, second), strict=True)]
            known = [found for found in items if found is not None]
            if len(known) < len(items):
                return replace(row, reason="no interval: the score is no mean of items")
            return self._with_items(row, known, first, second)
        except BenchError as error:
            return replace(row, reason=f"no interval: {error.one_line}")

    def _with_items(self, row: Row, items: Sequence[Items], first: Cell, second: Cell) -> Row:
        columns = as_columns(items)
        differences = columns[:, 1] - columns[:, 0]
        same_model = first.record.model.fingerprint == second.record.model.fingerprint
        same = same_model and row.a.view == row.b.view and not differences.any()
        test = paired_test(differences[:, None], shared_clusters(items))
        low, high = (float(end[0]) for end in test.interval(CONFIDENCE))
        known = bool(np.isfinite(low) and np.isfinite(high))
        order = np.lexsort((np.arange(len(differences)), -np.abs(differences).round(_SHOWN_DIGITS)))[: self._queries]
        paired = Paired(
            n=len(differences),
            clusters=test.freedom + 1,
            ci_low=low if known else None,
            ci_high=high if known else None,
            p=float(test.p[0]),
            p_holm=float(test.p[0]),
            changed=[
                Change(items[0].ids[at], float(columns[at, 0]), float(columns[at, 1]))
                for at in order
                if differences[at]
            ],
        )
        if row.type != "sts":
            won, lost = int((differences > 0).sum()), int((differences < 0).sum())
            paired = replace(paired, won=won, tied=len(differences) - won - lost, lost=lost)
        return replace(row, paired=paired, same=same)


def _cell(point: Point) -> Cell:
    if point.cell is None:
        raise ValueError("a row is made of two cells")
    return point.cell
