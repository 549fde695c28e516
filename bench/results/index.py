"""What results there are, and which of them are current (bench.results.newest has the rule)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bench.results.cells import (
    Cell,
    ControlCell,
    Cost,
    FidelityCell,
    Measurement,
    RerankCell,
    ResultKey,
    UnitKey,
    result_key,
    unit_key,
    unit_title,
)
from bench.results.newest import Change, Newest
from bench.results.schema import (
    AuditRecord,
    CostRecord,
    ModelInfo,
    ModelRecord,
    TaskInfo,
    UnitRecord,
    make_view,
)
from bench.results.study_records import ControlRecord, FidelityRecord, RerankRecord
from bench.views import ControlledView, Shortlist, View

# The parts of records are known from here too.
__all__ = [
    "Cell", "ControlCell", "Cost", "Current", "FidelityCell", "RerankCell", "ResultIndex", "ResultKey", "UnitKey",
    "unit_key", "unit_title",
]  # fmt: skip
_Part = TypeVar("_Part")
_Scored = TypeVar("_Scored", Cell, ControlCell, RerankCell)
_Found = TypeVar("_Found", ControlCell, RerankCell, FidelityCell)


@dataclass
class Current:
    """The current results of one task unit, by model.

    Attributes:
        task: The task unit, as its newest current scores have it, else as its newest record does.
        cells: Scores by view.
        controls: Scores under controls.
        fidelity: Fidelity by view.
        reranked: Scores of shortlists that are ranked again.
        costs: Costs by environment, then by model; they may be of another content than the scores (other_content).
    """

    task: TaskInfo
    cells: dict[str, dict[View | None, Cell]] = field(default_factory=dict)
    controls: dict[str, dict[ControlledView, ControlCell]] = field(default_factory=dict)
    fidelity: dict[str, dict[View, FidelityCell]] = field(default_factory=dict)
    reranked: dict[str, dict[Shortlist, RerankCell]] = field(default_factory=dict)
    costs: dict[str, dict[str, Cost]] = field(default_factory=dict)

    @property
    def ranked(self) -> Current:
        """The same without scores that lack the main metric: an older record may have been ranked by another."""
        metric = self.task.main_metric
        return replace(
            self,
            cells=_with(metric, self.cells),
            controls=_with(metric, self.controls),
            reranked=_with(metric, self.reranked),
        )


def _with(metric: str, table: Mapping[str, Mapping[_Part, _Scored]]) -> dict[str, dict[_Part, _Scored]]:
    """The parts that have a metric, by model."""
    kept = {
        model: {part: found for part, found in parts.items() if metric in found.scores.metrics}
        for model, parts in table.items()
    }
    return {model: parts for model, parts in kept.items() if parts}


class ResultIndex:
    """Results by identity: all that there are, what is `current`, and what of that is `ranked`.

    Args:
        records: All but those of environments, oldest first.
    """

    def __init__(self, records: Iterable[tuple[Path, UnitRecord]]) -> None:
        self.cells: dict[tuple[str, str, UnitKey, str, View | None], Cell] = {}
        self.controls: dict[ResultKey, dict[ControlledView, ControlCell]] = {}
        self.fidelity: dict[ResultKey, dict[View, FidelityCell]] = {}
        self.reranked: dict[ResultKey, dict[Shortlist, RerankCell]] = {}
        self.costs: dict[tuple[str, str, UnitKey, str, str], Cost] = {}
        self.audits: dict[tuple[UnitKey, str], AuditRecord] = {}
        self._newest = Newest()
        self._names: set[str] = set()
        self.units: set[UnitKey] = set()
        for path, record in records:
            if isinstance(record, AuditRecord):
                # Which data is current is for scores to say: an audit may be of data that nothing was scored on yet.
                self.audits[unit_key(record), record.task.fingerprint] = record
                continue
            self._names.add(record.model.name)
            self.units.add(unit_key(record))
            self._newest.add(record)
            self._add(path, record)

    def _add(self, path: Path, record: ModelRecord) -> None:
        key = result_key(record)
        if isinstance(record, CostRecord):
            self.costs.setdefault((*key, record.environment), Cost(record)).add(record)
        elif isinstance(record, ControlRecord):
            known = self.controls.setdefault(key, {})
            known |= {scores.cut: ControlCell(path, record, row) for row, scores in enumerate(record.controls)}
        elif isinstance(record, RerankRecord):
            lists = self.reranked.setdefault(key, {})
            lists |= {scores.key: RerankCell(path, record, row) for row, scores in enumerate(record.shortlists)}
        elif isinstance(record, FidelityRecord):
            kept = self.fidelity.setdefault(key, {})
            kept |= {scores.view: FidelityCell(path, record, row) for row, scores in enumerate(record.views)}
        else:
            for position, scores in enumerate(record.views):
                self.cells[*key, make_view(scores.truncate_dim, scores.precision)] = Cell(path, record, position)

    @cached_property
    def models(self) -> dict[str, ModelInfo]:
        """All models by name, each as its newest scores have it, else as its newest record does."""
        return {name: self._newest.model(name) for name in sorted(self._names)}

    @cached_property
    def current(self) -> dict[UnitKey, Current]:
        """The current results of each task unit that has any."""
        found: dict[UnitKey, Current] = {}

        def of(unit: UnitKey) -> Current:
            return found.setdefault(unit, Current(self._newest.task(unit)))

        for (model, _, unit, _, view), cell in self.cells.items():
            if not self.superseded(cell.record):
                of(unit).cells.setdefault(model, {})[view] = cell
        for unit, model, controls in self._current_parts(self.controls):
            of(unit).controls[model] = controls
        for unit, model, views in self._current_parts(self.fidelity):
            of(unit).fidelity[model] = views
        for unit, model, lists in self._current_parts(self.reranked):
            of(unit).reranked[model] = lists
        for (model, _, unit, _, environment), cost in self.costs.items():
            if not self.superseded(cost.record):
                of(unit).costs.setdefault(environment, {})[model] = cost
        for current in found.values():
            records = [cell.record for cells in current.cells.values() for cell in cells.values()]
            if records:
                current.task = max(records, key=lambda record: record.created).task
        return dict(sorted(found.items()))

    @cached_property
    def ranked(self) -> dict[UnitKey, Current]:
        """What leaderboards show: the current results, of scores those that have the unit's main metric."""
        return {unit: current.ranked for unit, current in self.current.items()}

    def _current_parts(
        self, table: Mapping[ResultKey, Mapping[_Part, _Found]]
    ) -> Iterator[tuple[UnitKey, str, dict[_Part, _Found]]]:
        """The current parts of a study; of a model on a task unit one content is current."""
        for (model, _, unit, _), parts in table.items():
            kept = {part: found for part, found in parts.items() if not self.superseded(found.record)}
            if kept:
                yield unit, model, kept

    def audit(self, unit: UnitKey) -> AuditRecord | None:
        """The newest audit of a task unit's current data."""
        return self.audits.get((unit, self._newest.task(unit).fingerprint)) if unit in self.units else None

    def changes(self, kind: Measurement, key: ResultKey) -> list[Change]:
        """What of a content would not be current, were it measured; empty where all is."""
        return self._newest.changes(kind, key)

    def superseded(self, record: ModelRecord) -> list[Change]:
        """Why a record is not current: later records of what it measures are of another model or other data."""
        return self.changes(record.record, result_key(record))
