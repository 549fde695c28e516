"""What an answer does not rest on: results that are left out, and costs of another model or other data."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results.cells import other_content
from bench.results.index import ResultIndex, UnitKey
from bench.results.left_out import find_left_out, left_out_lines


def content_notes(index: ResultIndex, unit: UnitKey, models: Sequence[str] = ()) -> list[str]:
    """Notes on the results of a task unit: what is left out, and costs of another content than the scores.

    Args:
        index: The results.
        unit: The task unit.
        models: Only these; all by default.
    """
    current = index.ranked[unit]
    notes = []
    for costs in current.costs.values():
        for name, cost in costs.items():
            record = next((cell.record for cell in current.cells.get(name, {}).values()), None)
            if record is not None and (apart := other_content(cost, record)) and (not models or name in models):
                notes.append(f"{name}: {apart}")
    return [*dict.fromkeys(notes), *_unit_lines(index, unit, models)]


def left_out_hint(index: ResultIndex, task: str, model: str | None = None) -> str | None:
    """What of a task, or of one model on it, is left out and how it comes back; None where nothing is."""
    found = [entry for entry in find_left_out(index) if entry.task == task and model in {None, entry.model}]
    return found[0].line if found else None


def _unit_lines(index: ResultIndex, unit: UnitKey, models: Sequence[str] = ()) -> list[str]:
    """What of a task unit is left out, a line a model."""
    return left_out_lines(
        entry
        for entry in find_left_out(index)
        if any(lost.unit == unit for lost in entry.parts) and (not models or entry.model in models)
    )
