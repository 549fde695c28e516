"""Which content of a model and of a task unit is current: that of the newest record, of each kind of measurement.

A record supersedes only what it measures (docs/results.md, What is current).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from bench.results.cells import MEASUREMENTS, Measurement, ResultKey, UnitKey, result_key
from bench.results.schema import CostRecord, ModelInfo, ModelRecord, TaskInfo
from bench.results.study_records import ControlRecord, RerankRecord

_Name = TypeVar("_Name")


@dataclass(frozen=True)
class Content:
    """The content that is current of a name.

    Attributes:
        fingerprint: Its fingerprint.
        since: When the first of the records was made that have had it without interruption.
        record: The newest record.
    """

    fingerprint: str
    since: str
    record: ModelRecord


@dataclass(frozen=True)
class Change:
    """Why a content is not current.

    Attributes:
        what: What is another now.
        since: Since when, ISO 8601.
    """

    what: Literal["model", "data"]
    since: str


class Newest:
    """The current content of every model name and task unit, by kind of measurement.

    Of controls, shortlists and fidelity the scores decide where there are any, since they are shown as shares of them.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[Measurement, str], Content] = {}
        self._units: dict[tuple[Measurement, UnitKey], Content] = {}

    def add(self, record: ModelRecord) -> None:
        """Take in a newer record; one in which nothing was measured decides only where there is no other."""
        kind, unit = record.record, result_key(record)[2]
        _note(self._models, (kind, record.model.name), record.model.fingerprint, record)
        _note(self._units, (kind, unit), record.task.fingerprint, record)

    def changes(self, kind: Measurement, key: ResultKey) -> list[Change]:
        """What of a content would not be current, were it measured; empty where all is."""
        name, model, unit, data = key
        found = []
        current = _known(self._models, kind, name)
        if current is not None and current.fingerprint != model:
            found.append(Change("model", current.since))
        current = _known(self._units, kind, unit)
        if current is not None and current.fingerprint != data:
            found.append(Change("data", current.since))
        return found

    def model(self, name: str) -> ModelInfo:
        """A model as its newest scores have it, else as its newest record does."""
        return _first(self._models, name).model

    def task(self, unit: UnitKey) -> TaskInfo:
        """A task unit as its newest scores have it, else as its newest record does."""
        return _first(self._units, unit).task


def _note(
    table: dict[tuple[Measurement, _Name], Content], name: tuple[Measurement, _Name], content: str, record: ModelRecord
) -> None:
    known = table.get(name)
    if known is None or _measured(record):
        since = known.since if known is not None and known.fingerprint == content else record.created
        table[name] = Content(content, since, record)


def _known(table: dict[tuple[Measurement, _Name], Content], kind: Measurement, name: _Name) -> Content | None:
    """The current content by a kind's own records, or of what goes with scores by theirs."""
    scores = None if kind == "cost" else table.get(("quality", name))
    return scores or table.get((kind, name))


def _first(table: dict[tuple[Measurement, _Name], Content], name: _Name) -> ModelRecord:
    return next(table[kind, name].record for kind in MEASUREMENTS if (kind, name) in table)


def _measured(record: ModelRecord) -> bool:
    """Whether a record holds any measurement."""
    if isinstance(record, CostRecord):
        return bool(record.figures)
    if isinstance(record, ControlRecord):
        return bool(record.controls)
    return bool(record.shortlists if isinstance(record, RerankRecord) else record.views)
