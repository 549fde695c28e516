"""What results there are, and which of them are current.

A result belongs to fingerprints. Of one model name the fingerprint of its newest record is current, likewise of
one task unit; results of other fingerprints are kept but superseded, and no leaderboard shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.results.schema import CostRecord, QualityRecord, make_view
from bench.views import View

UnitKey = tuple[str, str, str]  # task, split, subset


@dataclass(frozen=True)
class Cell:
    """One view's quality: the record it stands in and its place there."""

    path: Path
    record: QualityRecord
    position: int


def unit_key(record: QualityRecord | CostRecord) -> UnitKey:
    """The task unit's names."""
    return record.task.name, record.task.split, record.task.subset


class ResultIndex:
    """Results by identity.

    Args:
        records: Quality and cost records, oldest first.
    """

    def __init__(self, records: Iterable[tuple[Path, QualityRecord | CostRecord]]) -> None:
        self.models: dict[str, str] = {}
        self.units: dict[UnitKey, str] = {}
        self.cells: dict[tuple[str, str, UnitKey, str, View | None], Cell] = {}
        self.costs: dict[tuple[str, str, UnitKey, str, str], tuple[Path, CostRecord]] = {}
        for path, record in records:
            model, unit = record.model, unit_key(record)
            self.models[model.name] = model.fingerprint
            self.units[unit] = record.task.fingerprint
            key = (model.name, model.fingerprint, unit, record.task.fingerprint)
            if isinstance(record, CostRecord):
                self.costs[*key, record.environment] = (path, record)
                continue
            for position, scores in enumerate(record.views):
                self.cells[*key, make_view(scores.truncate_dim, scores.precision)] = Cell(path, record, position)

    def superseded(self, record: QualityRecord | CostRecord) -> bool:
        """Whether a later record has the same names and another content."""
        return not self.is_current(
            record.model.name, record.model.fingerprint, unit_key(record), record.task.fingerprint
        )

    def is_current(self, model: str, fingerprint: str, unit: UnitKey, task_fingerprint: str) -> bool:
        """Whether these fingerprints are the newest of their names."""
        return self.models.get(model) == fingerprint and self.units.get(unit) == task_fingerprint
