"""What one model has on each task unit of a side: its newest scores and costs."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.results.index import Cell, Cost, ResultIndex, UnitKey
from bench.results.schema import CostRecord, QualityRecord, make_view
from bench.views import View


@dataclass
class Measured:
    """The current results of one model on a task unit.

    Attributes:
        record: The newest record of its scores; without any, of its costs.
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
    """The current results of a model on each task unit that it has any of."""
    found = {}
    for unit, current in index.current.items():
        cells = current.cells.get(model, {})
        costs = {environment: models[model] for environment, models in current.costs.items() if model in models}
        # Costs may be of an earlier build: what is compared first is the scores.
        records: list[QualityRecord | CostRecord] = [cell.record for cell in cells.values()]
        records = records or [cost.record for cost in costs.values()]
        if records:
            found[unit] = Measured(max(records, key=lambda record: record.created), dict(cells), costs)
    return found
