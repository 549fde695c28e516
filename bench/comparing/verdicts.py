"""Verdicts on pairs, the same as the leaderboard's: one test, one correction, whatever else is compared.

Each task and each view is judged on its own. Within a task p is corrected by Holm for the pairs of models: of one
source all pairs of its models, as on its leaderboard; of two sources the models that both have. A pair at another view
takes the place of the same models' pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.comparing.operands import Side
from bench.comparing.rows import LEVEL, Paired, Point, Row
from bench.errors import BenchError
from bench.results.claims import loss_alone, unit_margin
from bench.results.index import ResultIndex, UnitKey
from bench.results.items import ItemReader
from bench.results.standings import Pair, PairTests, Standings, make_pair, unit_standings
from bench.statistics.margins import Margin


class Judge:
    """Gives rows their verdicts.

    Args:
        a: One side.
        b: The other.
        max_loss: The margin asked for; the tasks' own by default.
    """

    def __init__(self, a: Side, b: Side, max_loss: Margin | None) -> None:
        # The one source of both sides, which has a leaderboard.
        self._index = a.index if a.index is b.index else None
        self._max_loss = max_loss
        self._reader = ItemReader()
        self._found: dict[tuple[UnitKey, str], Standings | BenchError] = {}

    def judged(self, rows: Sequence[Row]) -> list[Row]:
        """Rows with places, corrected p-values and losses; rows of which both sides are the same result have none."""
        across = _across(rows) if self._index is None else {}
        found = []
        for row in rows:
            if row.paired is None or row.same:
                found.append(row)
                continue
            try:
                family = across.get((row.unit, row.metric))
                found.append(self._on_one_source(row, row.paired) if family is None else self._across(row, family))
            except BenchError as error:
                paired = replace(row.paired, p_holm=None)
                found.append(replace(row, paired=paired, reason=f"no verdict: {error.one_line}"))
        return found

    def margin(self, row: Row) -> Margin | None:
        """How much a row may lose, by the newest record of both sides; None where there is nothing to lose."""
        records = [point.cell.record for point in (row.a, row.b) if point.cell is not None]
        newest = max(records, key=lambda record: record.created, default=None)
        return None if newest is None else unit_margin(newest.task, self._max_loss)

    def _across(self, row: Row, family: PairTests) -> Row:
        p = family.corrected(row.a.model, row.b.model, row.paired.p if row.paired else None)
        return self._with_loss(_with_p(row, p, len(family.p)))

    def _on_one_source(self, row: Row, paired: Paired) -> Row:
        table = self._standings(row)
        names, tests = (row.a.model, row.b.model), table.tests
        row = replace(row, a=_placed(row.a, table), b=_placed(row.b, table))
        if names[0] == names[1] or make_pair(*names) not in tests.p:
            return self._with_loss(_with_p(row, paired.p, 1))
        leading = row.a.standing is not None and row.b.standing is not None
        row = _with_p(row, tests.corrected(*names, None if leading else paired.p), len(tests.p))
        limit = self._limit(row)
        if not leading or limit is None:
            return self._with_loss(row)
        return replace(row, loss=table.losses(names[0], limit).get(names[1]))

    def _with_loss(self, row: Row) -> Row:
        """The row with what B loses on its own."""
        limit = self._limit(row)
        if limit is None or row.a.cell is None or row.b.cell is None:
            return row
        differs = row.paired is not None and row.paired.p_holm is not None and row.paired.p_holm <= LEVEL
        loss = loss_alone(row.a.cell, row.b.cell, row.metric, self._reader, limit, differs=differs)
        return replace(row, loss=loss)

    def _limit(self, row: Row) -> float | None:
        margin = self.margin(row)
        return None if margin is None or row.a.score is None else margin.absolute(row.a.score)

    def _standings(self, row: Row) -> Standings:
        """The leaderboard of a row's task unit by the row's metric."""
        key = row.unit, row.metric
        if key not in self._found:
            try:
                index = self._index or ResultIndex([])
                self._found[key] = unit_standings(index, *key, self._reader)
            except BenchError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, BenchError):
            raise found
        return found


def _with_p(row: Row, p: float, pairs: int) -> Row:
    return replace(row, paired=replace(row.paired, p_holm=p) if row.paired else None, pairs=pairs)


def _placed(point: Point, table: Standings) -> Point:
    """A side with its model's place, where it is the cell that stands for the model."""
    stands = point.cell is not None and table.cells.get(point.model) == point.cell
    return replace(point, standing=table.standings[point.model]) if stands else point


def _across(rows: Iterable[Row]) -> Mapping[tuple[UnitKey, str], PairTests]:
    """Of each task unit the models that two sources have: the p-value of each pair's first row, its widest view."""
    found: dict[tuple[UnitKey, str], dict[Pair, float]] = {}
    for row in rows:
        if row.paired is not None and not row.same:
            found.setdefault((row.unit, row.metric), {}).setdefault(make_pair(row.a.model, row.b.model), row.paired.p)
    return {key: PairTests(p) for key, p in found.items()}
