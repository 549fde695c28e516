"""What one model has on each task unit of a side: its newest scores and costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.results.index import Cell, Cost, ResultIndex, UnitKey
from bench.results.schema import CostRecord, QualityRecord, make_view
from bench.views import View


@dataclass
class Measured:
    """The newest results of one model's current content on a task unit.

    Attributes:
        record: The newest record.
        cells: Scores by view.
        costs: Costs by environment.
    """

    record: QualityRecord | CostRecord
    cells: dict[View | None, Cell] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def full(self) -> View | None:
        """The model's whole vectors in float32; None of a baseline."""
        width = self.record.model.width
        return View(width, "float32") if width else None

    @property
    def views(self) -> set[View | None]:
        """The views of its scores; of a model without scores those that its search was measured at."""
        if self.cells:
            return set(self.cells)
        figures = [figure for cost in self.costs.values() for figure, _ in cost.figures.values()]
        return {make_view(figure.truncate_dim, figure.precision) for figure in figures} - {None} or {self.full}


def measured(index: ResultIndex, model: str) -> dict[UnitKey, Measured]:
    """What a model has on each task unit, of the newest content that it was measured on there."""
    current = index.models.get(model)
    quality = {key: cell for key, cell in index.cells.items() if key[:2] == (model, current)}
    costs = {key: cost for key, cost in index.costs.items() if key[:2] == (model, current)}
    records: list[tuple[UnitKey, QualityRecord | CostRecord]] = [(key[2], cell.record) for key, cell in quality.items()]
    records += [(key[2], cost.record) for key, cost in costs.items()]
    found = {unit: Measured(record) for unit, record in _newest(records).items()}
    for (_, _, unit, data, view), cell in quality.items():
        if data == found[unit].record.task.fingerprint:
            found[unit].cells[view] = cell
    for (_, _, unit, data, environment), cost in costs.items():
        if data == found[unit].record.task.fingerprint:
            found[unit].costs[environment] = cost
    return found


def _newest(
    records: Iterable[tuple[UnitKey, QualityRecord | CostRecord]],
) -> dict[UnitKey, QualityRecord | CostRecord]:
    newest: dict[UnitKey, QualityRecord | CostRecord] = {}
    for unit, record in records:
        if unit not in newest or record.created > newest[unit].created:
            newest[unit] = record
    return newest
