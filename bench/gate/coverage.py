"""Verdicts on coverage: what the baseline has must still be there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bench.gate.checks import Check, Identity, Subject
from bench.gate.matching import covers_unit, covers_view
from bench.gate.rules import Rule
from bench.gate.sides import CellKey, Side


def coverage_checks(rules: Sequence[Rule], baseline: Side, candidate: Side) -> tuple[list[Check], frozenset[CellKey]]:
    """The checks of all rules on coverage, and the cells that they watch."""
    checks = []
    watched = set()
    for rule in rules:
        if not rule.coverage:
            continue
        for key in sorted(baseline.cells, key=lambda key: key.order):
            width = baseline.cells[key].record.model.width
            if covers_unit(rule, key.model, key.unit) and covers_view(rule, key.view, width):
                watched.add(key)
                checks.append(_check(rule, key, baseline, candidate))
    return checks, frozenset(watched)


def _check(rule: Rule, key: CellKey, baseline: Side, candidate: Side) -> Check:
    found = Check(
        Subject(rule, key.model, key.unit, key.view),
        "pass",
        "it is still there",
        identity=Identity(_model(candidate, key), candidate.data(key.unit)),
    )
    if key in candidate.cells:
        return found
    models = {cell.model for cell in candidate.cells}
    left_out = _left_out(candidate, key)
    if left_out is not None:
        reason = f"its results are left out: {left_out}"
    elif key.model not in models:
        reason = "the model has no current results"
    elif (key.model, key.unit) not in {(cell.model, cell.unit) for cell in candidate.cells}:
        changed = _model(candidate, key) != _model(baseline, key)
        reason = f"the model{' changed and' if changed else ''} has no current results on this task"
    else:
        reason = "this view was not scored"
    command = f"bench run --model {shlex.quote(key.model)} --tasks {shlex.quote(key.unit[0])}"
    return found.judged("missing", reason, f"{command}; if it is meant so: bench baseline update")


def _model(side: Side, key: CellKey) -> str | None:
    info = side.index.models.get(key.model)
    return info.fingerprint if info else None


def _left_out(side: Side, key: CellKey) -> str | None:
    """Why the cell is left out, where there are results of it that are not current."""
    wanted = "quality", key.unit, key.view
    parts = [lost for entry in side.left_out if entry.model == key.model for lost in entry.parts]
    return next((lost.reason for lost in parts if (lost.kind, lost.unit, lost.part) == wanted), None)
