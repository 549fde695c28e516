"""The parts of records: scores of a view, a control or a shortlist, fidelity of a view; and a model's cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from bench.results.common import Finding
from bench.results.schema import (
    CostRecord,
    Figure,
    FigureKey,
    ModelRecord,
    QualityRecord,
    UnitRecord,
    ViewScores,
    figure_key,
)
from bench.results.study_records import ControlRecord, ControlScores, FidelityRecord, RerankRecord, ShortlistScores
from bench.views import View

UnitKey = tuple[str, str, str]  # task, split, subset
ResultKey = tuple[str, str, UnitKey, str]  # model, its fingerprint, unit, its fingerprint
# What a record measures, by the name in its key `record`; scores first.
Measurement: TypeAlias = Literal["quality", "control", "rerank", "fidelity", "cost"]
MEASUREMENTS: tuple[Measurement, ...] = ("quality", "control", "rerank", "fidelity", "cost")
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

    @property
    def scores(self) -> ControlScores:
        """Its scores."""
        return self.record.controls[self.position]


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
        replaced: Figures of earlier setups, by their keys; some have been measured again.
    """

    record: CostRecord
    figures: dict[FigureKey, tuple[Figure, CostRecord]] = field(default_factory=dict)
    probes: set[str] = field(default_factory=set)
    replaced: dict[FigureKey, tuple[Figure, CostRecord]] = field(default_factory=dict)

    def add(self, record: CostRecord) -> None:
        """Take in a newer record; figures of another setup (device, batch size) are not mixed with it."""
        if record.setup != self.record.setup:
            self.replaced |= self.figures
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


def result_key(record: ModelRecord) -> ResultKey:
    """The names and fingerprints of a record's model and task unit."""
    return record.model.name, record.model.fingerprint, unit_key(record), record.task.fingerprint


def unit_title(unit: UnitKey) -> str:
    """A task unit in words."""
    task, split, subset = unit
    return f"{task} ({split})" if subset == "default" else f"{task} {subset} ({split})"


def other_content(cost: Cost, scored: Finding) -> str:
    """That a cost was measured on another model or other data than the scores beside it; empty where it was not."""
    pairs = (
        ("model", cost.record.model.fingerprint, scored.model.fingerprint),
        ("data", cost.record.task.fingerprint, scored.task.fingerprint),
    )
    found = [f"{what} {old[:8]} (the scores are of {new[:8]})" for what, old, new in pairs if old != new]
    return f"costs were measured on {' and '.join(found)}" if found else ""
