"""What results there are, and which of them are current.

A result belongs to fingerprints. Of one model name the fingerprint of its newest record is current, likewise of
one task unit; results of other fingerprints are kept but superseded, and no leaderboard shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.results.schema import (
    AuditRecord,
    CostRecord,
    Figure,
    FigureKey,
    ModelRecord,
    QualityRecord,
    UnitRecord,
    ViewScores,
    figure_key,
    make_view,
)
from bench.results.study_records import ControlRecord, FidelityRecord, RerankRecord, ShortlistScores
from bench.views import ControlledView, Shortlist, View

UnitKey = tuple[str, str, str]  # task, split, subset
ResultKey = tuple[str, str, UnitKey, str]  # model, its fingerprint, unit, its fingerprint
MEDIANS_OF_VIEWS = ("search_p50_ms", "rerank_p50_ms")


@dataclass(frozen=True)
class Cell:
    """One view's quality: the record it stands in and its place there."""

    path: Path
    record: QualityRecord
    position: int

    @property
    def scores(self) -> ViewScores:
        """Its scores."""
        return self.record.views[self.position]


@dataclass(frozen=True)
class ControlCell:
    """One cut's quality under a control: the record it stands in and its place there."""

    path: Path
    record: ControlRecord
    position: int


@dataclass(frozen=True)
class RerankCell:
    """The quality of one shortlist that is ranked again: the record it stands in and its place there."""

    path: Path
    record: RerankRecord
    position: int

    @property
    def scores(self) -> ShortlistScores:
        """Its scores."""
        return self.record.shortlists[self.position]


@dataclass(frozen=True)
class FidelityCell:
    """One view's fidelity: the record it stands in and its place there."""

    path: Path
    record: FidelityRecord
    position: int


@dataclass
class Cost:
    """The cost of one model on one task unit in one environment: the newest of each figure, of one setup.

    Attributes:
        record: The newest record.
        figures: By their keys: the figure and the record it stands in.
        probes: The probes that ran, and those that cannot run here.
    """

    record: CostRecord
    figures: dict[FigureKey, tuple[Figure, CostRecord]] = field(default_factory=dict)
    probes: set[str] = field(default_factory=set)

    def add(self, record: CostRecord) -> None:
        """Take in a newer record; figures of another setup (device, batch size) are not mixed with it."""
        if record.setup != self.record.setup:
            self.figures.clear()
            self.probes.clear()
        self.record = record
        self.probes |= {*record.settings, *record.not_measured}
        for figure in record.figures:
            self.figures[figure.key] = (figure, record)

    def value(self, name: str, view: View | None = None, **detail: str | int) -> float | None:
        """A figure's value, None where it was not measured."""
        key = figure_key(name, view.truncate_dim if view else None, view.precision if view else None, detail)
        found = self.figures.get(key)
        return found[0].value if found else None

    @property
    def noisy(self) -> bool:
        """Whether any figure was taken on a busy machine."""
        return any(record.noise.noisy for _, record in self.figures.values())

    def noisy_at(self, view: View | None, shortlist: int | None = None) -> bool:
        """Whether the row of a view is noisy: any figure was taken on a busy machine, or processes disagree here.

        Args:
            view: The view; None of a baseline.
            shortlist: Documents that are ranked again, whose latency counts too; None where none are.
        """
        dim, precision = place = (view.truncate_dim, view.precision) if view else (None, None)
        cascade = None if shortlist is None else figure_key("cascade_p50_ms", dim, precision, {"shortlist": shortlist})
        return self.noisy or any(
            not figure.steady
            for key, (figure, _) in self.figures.items()
            if (figure.name in MEDIANS_OF_VIEWS and (figure.truncate_dim, figure.precision) == place) or key == cascade
        )


def unit_key(record: UnitRecord) -> UnitKey:
    """The task unit's names."""
    return record.task.name, record.task.split, record.task.subset


def unit_title(unit: UnitKey) -> str:
    """A task unit in words."""
    task, split, subset = unit
    return f"{task} ({split})" if subset == "default" else f"{task} {subset} ({split})"


class ResultIndex:
    """Results by identity.

    Args:
        records: All but those of environments, oldest first.
    """

    def __init__(self, records: Iterable[tuple[Path, UnitRecord]]) -> None:
        self.models: dict[str, str] = {}
        self.units: dict[UnitKey, str] = {}
        self.cells: dict[tuple[str, str, UnitKey, str, View | None], Cell] = {}
        self.controls: dict[ResultKey, dict[ControlledView, ControlCell]] = {}
        self.fidelity: dict[ResultKey, dict[View, FidelityCell]] = {}
        self.reranked: dict[ResultKey, dict[Shortlist, RerankCell]] = {}
        self.costs: dict[tuple[str, str, UnitKey, str, str], Cost] = {}
        self.audits: dict[tuple[UnitKey, str], AuditRecord] = {}
        for path, record in records:
            unit = unit_key(record)
            if isinstance(record, AuditRecord):
                # Which data is current is for scores to say: an audit may be of data that nothing was scored on yet.
                self.audits[unit, record.task.fingerprint] = record
                continue
            model = record.model
            self.models[model.name] = model.fingerprint
            self.units[unit] = record.task.fingerprint
            key = (model.name, model.fingerprint, unit, record.task.fingerprint)
            if isinstance(record, CostRecord):
                self.costs.setdefault((*key, record.environment), Cost(record)).add(record)
                continue
            if isinstance(record, ControlRecord):
                known = self.controls.setdefault(key, {})
                known |= {scores.cut: ControlCell(path, record, row) for row, scores in enumerate(record.controls)}
                continue
            if isinstance(record, RerankRecord):
                lists = self.reranked.setdefault(key, {})
                lists |= {scores.key: RerankCell(path, record, row) for row, scores in enumerate(record.shortlists)}
                continue
            if isinstance(record, FidelityRecord):
                kept = self.fidelity.setdefault(key, {})
                kept |= {scores.view: FidelityCell(path, record, row) for row, scores in enumerate(record.views)}
                continue
            for position, scores in enumerate(record.views):
                self.cells[*key, make_view(scores.truncate_dim, scores.precision)] = Cell(path, record, position)

    def audit(self, unit: UnitKey) -> AuditRecord | None:
        """The newest audit of a task unit's current data."""
        return self.audits.get((unit, self.units.get(unit, "")))

    def superseded(self, record: ModelRecord) -> bool:
        """Whether a later record has the same names and another content."""
        return not self.is_current(
            record.model.name, record.model.fingerprint, unit_key(record), record.task.fingerprint
        )

    def is_current(self, model: str, fingerprint: str, unit: UnitKey, task_fingerprint: str) -> bool:
        """Whether these fingerprints are the newest of their names."""
        return self.models.get(model) == fingerprint and self.units.get(unit) == task_fingerprint
