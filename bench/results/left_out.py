"""What is left out because it is not current, why, and the command that brings it back."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bench.results.cells import (
    MEASUREMENTS,
    ControlCell,
    FidelityCell,
    Measurement,
    RerankCell,
    ResultKey,
    UnitKey,
    unit_key,
)
from bench.results.index import Current, ResultIndex
from bench.results.newest import Change
from bench.results.schema import ModelRecord

MOST = 10
_NOUNS: dict[Measurement, tuple[str, str]] = {
    "quality": ("{} view", "{} views"),
    "control": ("{} control", "{} controls"),
    "rerank": ("{} shortlist", "{} shortlists"),
    "fidelity": ("the fidelity of {} view", "the fidelity of {} views"),
    "cost": ("{} cost figure", "{} cost figures"),
}
_OPTIONS: dict[Measurement, str] = {"control": "--controls", "rerank": "--rerank", "fidelity": "--fidelity"}
_LISTED = 3
_Name: TypeAlias = tuple[str, Measurement, UnitKey, Hashable]  # model, what was measured, task unit, part


@dataclass(frozen=True)
class Lost:
    """One part of results that was measured once, and of which nothing is current.

    Attributes:
        kind: What was measured.
        unit: On which task unit.
        part: The view, cut or shortlist; of a cost figure its environment and key.
        reason: Why it is left out.
    """

    kind: Measurement
    unit: UnitKey
    part: Hashable
    reason: str


@dataclass(frozen=True)
class LeftOut:
    """What of one model on one task is left out.

    Attributes:
        model: The model's name.
        task: The task's name.
        parts: What it is.
    """

    model: str
    task: str
    parts: tuple[Lost, ...]

    @property
    def what(self) -> str:
        """How much of what is left out, and why."""
        reasons: dict[str, dict[Measurement, int]] = defaultdict(lambda: dict.fromkeys(MEASUREMENTS, 0))
        for lost in self.parts:
            reasons[lost.reason][lost.kind] += 1
        return "; ".join(f"{_counted(counts)} left out: {reason}" for reason, counts in reasons.items())

    @property
    def text(self) -> str:
        """All but the command."""
        return f"{self.model} on {self.task}{self._where}: {self.what}"

    @property
    def command(self) -> str:
        """What measures it again."""
        kinds = {lost.kind for lost in self.parts}
        names = f"--tasks {_quoted(self.task)} --model {_quoted(self.model)}"
        options = [option for kind, option in _OPTIONS.items() if kind in kinds]
        return " ".join(["bench cost" if kinds == {"cost"} else "bench run", names, *options])

    @property
    def line(self) -> str:
        """The whole in a line."""
        return f"{self.text}; {self.command}"

    @property
    def _where(self) -> str:
        """The subsets, of a task that has such."""
        subsets = list(dict.fromkeys(lost.unit[2] for lost in self.parts))
        if subsets == ["default"]:
            return ""
        return f" ({', '.join(subsets)})" if len(subsets) <= _LISTED else f" ({len(subsets)} subsets)"


def find_left_out(index: ResultIndex, *, ranked: bool = True) -> list[LeftOut]:
    """What was measured once and is not shown, a group a model and task; scores before costs.

    What newer results of the same model, task unit and view (or cut, shortlist, cost figure) replace is none of it.

    Args:
        index: The results.
        ranked: Whether what lacks the task's main metric is left out too, as on leaderboards.
    """
    shown = set(_shown(index.ranked if ranked else index.current))
    lost: dict[_Name, tuple[str, str]] = {}
    for name, created, reason in [*_superseded(index), *(_unranked(index) if ranked else ())]:
        if name not in shown and created >= lost.get(name, ("", ""))[0]:
            lost[name] = created, reason
    groups: dict[tuple[str, str], list[Lost]] = {}
    for (model, kind, unit, part), (_, reason) in lost.items():
        groups.setdefault((model, unit[0]), []).append(Lost(kind, unit, part, reason))
    found = [LeftOut(model, task, tuple(parts)) for (model, task), parts in groups.items()]
    return sorted(found, key=_order)


def left_out_lines(found: Iterable[LeftOut]) -> list[str]:
    """A line each, at most MOST, and then how many more there are."""
    return first_lines([entry.line for entry in found])


def first_lines(lines: Sequence[str]) -> list[str]:
    """At most MOST lines, and then how many more there are and what lists them."""
    more = [f"and {len(lines) - MOST} more (bench results --left-out)"] if len(lines) > MOST else []
    return [*lines[:MOST], *more]


def _order(entry: LeftOut) -> tuple[int, str, str]:
    return min(MEASUREMENTS.index(lost.kind) for lost in entry.parts), entry.task, entry.model


def _shown(units: Mapping[UnitKey, Current]) -> Iterator[_Name]:
    """Every part that is shown, by its names."""
    for unit, current in units.items():
        tables: dict[Measurement, Mapping[str, Mapping[Any, object]]] = {
            "quality": current.cells,
            "control": current.controls,
            "rerank": current.reranked,
            "fidelity": current.fidelity,
        }
        for kind, models in tables.items():
            yield from ((model, kind, unit, part) for model, parts in models.items() for part in parts)
        for environment, costs in current.costs.items():
            for model, cost in costs.items():
                yield from ((model, "cost", unit, (environment, key)) for key in cost.figures)


def _superseded(index: ResultIndex) -> Iterator[tuple[_Name, str, str]]:
    """Every part that is not current, when it was made, and why it is left out."""
    for record, part in _parts(index):
        if changes := index.superseded(record):
            yield (*_whose(record), part), record.created, _reason(record, changes)
    for (*_, environment), cost in index.costs.items():
        if not index.superseded(cost.record):
            reason = f"measured with another device or batch size, before {_day(cost.record.created)}"
            for key, (_, record) in cost.replaced.items():
                yield (*_whose(record), (environment, key)), record.created, reason


def _unranked(index: ResultIndex) -> Iterator[tuple[_Name, str, str]]:
    """Every current score, for those that are not shown."""
    for record, part in _parts(index):
        unit = unit_key(record)
        if record.record not in {"fidelity", "cost"} and not index.superseded(record):
            metric = index.current[unit].task.main_metric
            yield (*_whose(record), part), record.created, f"the task is ranked by {metric} now, which they lack"


def _whose(record: ModelRecord) -> tuple[str, Measurement, UnitKey]:
    return record.model.name, record.record, unit_key(record)


def _parts(index: ResultIndex) -> Iterator[tuple[ModelRecord, Hashable]]:
    """Every part, the newest of each content, with its record."""
    for (*_, view), cell in index.cells.items():
        yield cell.record, view
    studies: tuple[Mapping[ResultKey, Mapping[Any, ControlCell | RerankCell | FidelityCell]], ...]
    studies = (index.controls, index.reranked, index.fidelity)
    for parts in (parts for table in studies for parts in table.values()):
        yield from ((found.record, part) for part, found in parts.items())
    for (*_, environment), cost in index.costs.items():
        for key, (_, record) in (cost.replaced | cost.figures).items():
            yield record, (environment, key)


def _reason(record: ModelRecord, changes: Sequence[Change]) -> str:
    """Why what stands in a record is left out, in words."""
    if any(record.created > found.since for found in changes):
        # A study of a content that was not scored, or not since.
        other = " and ".join("another model" if found.what == "model" else "other data" for found in changes)
        return f"the scores are of {other} since {max(_day(found.since) for found in changes)}"
    names = {"model": "the model", "data": "the task's data"}
    told = " and ".join(f"{names[found.what]} changed on {_day(found.since)}" for found in changes)
    new = " and ".join(found.what for found in changes)
    return f"{told} (newer {'costs' if record.record == 'cost' else 'scores'} are of the new {new})"


def _day(created: str) -> str:
    return created[:10]


def _counted(counts: dict[Measurement, int]) -> str:
    found = [_NOUNS[kind][count > 1].format(count) for kind, count in counts.items() if count]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def _quoted(name: str) -> str:
    """A name from a file as one word on one line."""
    return shlex.quote(" ".join(name.split()))
