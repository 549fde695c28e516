"""Which results a rule is about, and what to say of a rule that is about none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from bench.errors import did_you_mean
from bench.gate.rules import FULL, MAIN, MEAN, Rule
from bench.gate.sides import Side
from bench.results.index import Cell, UnitKey
from bench.views import View

_WILD = "*?["
_SHOWN = 10


def any_matches(patterns: Sequence[str], name: str) -> bool:
    """Whether one of the patterns is the name or matches it."""
    return any(pattern == name or fnmatchcase(name, pattern) for pattern in patterns)


def covers_unit(rule: Rule, model: str, unit: UnitKey) -> bool:
    """Whether a rule is about a model on a task unit."""
    task, split, subset = unit
    return (
        any_matches(rule.models, model)
        and any_matches(rule.tasks, task)
        and any_matches(rule.splits, split)
        and (rule.subsets == MEAN or any_matches(rule.subsets, subset))
    )


def covers_view(rule: Rule, view: View | None, width: int | None) -> bool:
    """Whether a rule is about a view of a model so wide; a baseline's only one has no dimensions to name."""
    if view is None:
        return rule.truncate_dims is None and rule.precisions is None
    dims = [width if dim == FULL else dim for dim in rule.truncate_dims or [view.truncate_dim]]
    return view.truncate_dim in dims and any_matches(rule.precisions or ["*"], view.precision)


def unknown_patterns(rule: Rule, sides: Sequence[Side]) -> list[str]:
    """A sentence for each of a rule's names that no result of either side has."""
    units = set().union(*(side.units for side in sides))
    keys = [key for side in sides for key in side.cells]
    known: dict[str, set[str]] = {
        "models": {model for model, _ in units},
        "tasks": {unit[0] for _, unit in units},
        "splits": {unit[1] for _, unit in units},
        "subsets": {unit[2] for _, unit in units},
        "precisions": {key.view.precision for key in keys if key.view},
        "truncate_dims": {str(key.view.truncate_dim) for key in keys if key.view},
        "metric": {name for side in sides for cell in side.cells.values() for name in _metrics(cell)},
        "figure": {name for side in sides for cost in side.costs.values() for name, *_ in cost.figures},
    }
    wanted: dict[str, Iterable[object]] = {
        "models": rule.models,
        "tasks": rule.tasks,
        "splits": rule.splits,
        "subsets": [] if rule.subsets == MEAN else rule.subsets,
        "precisions": rule.precisions or [],
        "truncate_dims": [dim for dim in rule.truncate_dims or [] if dim != FULL],
        "metric": [] if rule.metric == MAIN else [rule.metric],
        "figure": rule.figure or [],
    }
    return [
        f"no result has `{key}: {value}`; {_nearest(str(value), known[key])}"
        for key, values in wanted.items()
        for value in values
        if str(value) != "*" and not any(any_matches([str(value)], name) for name in known[key])
    ]


def _metrics(cell: Cell) -> Iterable[str]:
    return cell.record.views[cell.position].metrics


def _nearest(name: str, known: set[str]) -> str:
    guess = did_you_mean(name.strip(_WILD), sorted(known))
    if guess:
        return guess
    shown = sorted(known)[:_SHOWN]
    return f"there are: {', '.join(shown)}{', ...' if len(known) > _SHOWN else ''}" if shown else "there are none"
