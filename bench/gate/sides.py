"""The two sides of a comparison: current results, by names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.results.acceptances import AcceptanceRecord
from bench.results.folds import without_folds
from bench.results.index import Cell, Cost, ResultIndex, UnitKey
from bench.results.left_out import LeftOut, find_left_out
from bench.results.schema import CostRecord
from bench.results.sources import holds_results
from bench.results.store import ResultStore
from bench.views import View, sort_key


@dataclass(frozen=True)
class CellKey:
    """A cell by its names."""

    model: str
    unit: UnitKey
    view: View | None

    @property
    def order(self) -> tuple[str, UnitKey, tuple[int, int]]:
        """By model and task, wide views first."""
        return self.model, self.unit, sort_key(self.view) if self.view else (0, 0)


@dataclass(frozen=True, order=True)
class CostKey:
    """The cost of a model on a task unit in an environment, by its names."""

    model: str
    unit: UnitKey
    environment: str


@dataclass
class Side:
    """The results of one side.

    Attributes:
        index: All of its results.
        cells: Its current cells.
        costs: Its current costs.
        samples: Where cost records are, by their task's name and their samples' file.
        acceptances: What was accepted on purpose.
        left_out: What is not current and therefore not compared.
    """

    index: ResultIndex
    cells: dict[CellKey, Cell]
    costs: dict[CostKey, Cost]
    samples: dict[tuple[str, str | None], Path]
    acceptances: list[AcceptanceRecord]
    left_out: list[LeftOut]

    def data(self, unit: UnitKey) -> str | None:
        """The fingerprint of a task unit's current data; None where nothing of it is current."""
        current = self.index.current.get(unit)
        return current.task.fingerprint if current else None

    @property
    def units(self) -> set[tuple[str, UnitKey]]:
        """Models and the task units that they have results on."""
        return {(key.model, key.unit) for key in self.cells} | {(key.model, key.unit) for key in self.costs}


def read_side(label: str, folder: Path) -> Side:
    """Read a results folder.

    Args:
        label: What messages call it.
        folder: The folder.

    Raises:
        BenchError: There are no results in it, or some cannot be read.
    """
    if not holds_results(folder):
        raise BenchError("no results in it", where=label, hint="make some: bench run; or name another folder")
    store = ResultStore(folder)
    records = without_folds(store.records())
    index = ResultIndex(records)
    cells = {
        CellKey(model, unit, view): cell
        for unit, current in index.current.items()
        for model, views in current.cells.items()
        for view, cell in views.items()
    }
    costs = {
        CostKey(model, unit, environment): cost
        for unit, current in index.current.items()
        for environment, models in current.costs.items()
        for model, cost in models.items()
    }
    if not cells and not costs:
        raise BenchError("no current scores and no costs in it", where=label, hint="make some: bench run")
    samples = {(record.task.name, record.samples): path for path, record in records if isinstance(record, CostRecord)}
    return Side(index, cells, costs, samples, store.acceptances(), find_left_out(index, ranked=False))
