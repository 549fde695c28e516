"""What `bench reproduce` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby

from bench.cli.output import say, say_json, say_text
from bench.exchange.compare import Comparison, NotCompared, Row
from bench.markdown import plain_table

_BEYOND_MARK = "!"
# mteb writes some hundred of these a task.
_NAUC = "nauc_"


def print_json(comparisons: Sequence[Comparison], tolerance: float) -> None:
    """Everything, as one JSON list with an object a model."""
    content = [
        {
            "model": comparison.model,
            "published_model": comparison.published_model,
            "tolerance": tolerance,
            "rows": [{**asdict(row), "difference": row.difference} for row in comparison.rows],
            "not_compared": [asdict(entry) for entry in comparison.not_compared],
            "notes": comparison.notes,
        }
        for comparison in comparisons
    ]
    say_json(json.dumps(content, indent=2, ensure_ascii=False))


def print_comparisons(comparisons: Sequence[Comparison], tolerance: float, *, every: bool) -> None:
    """A line a task, split and subset; the metrics that differ, or every one; what is not compared; the verdict."""
    for comparison in comparisons:
        say(f"{comparison.model} beside the published {comparison.published_model or 'model'}", "")
        if comparison.rows:
            _print_table(("task", "split", "metrics", "differ", "largest", "of"), _summary(comparison.rows))
        shown = comparison.rows if every else comparison.beyond
        if shown:
            _print_table(("task", "split", "metric", "published", "ours", "difference", ""), map(_line, shown))
        for entry in _grouped(comparison.not_compared):
            say(f"not compared: {entry}")
        for note in comparison.notes:
            say(f"note: {note}")
        count, beyond = len(comparison.rows), len(comparison.beyond)
        if not count:
            say("nothing could be compared")
        elif beyond:
            say(f"{beyond} of {count} values differ by more than {tolerance:g} ({_BEYOND_MARK})")
        else:
            say(f"all {count} values are within {tolerance:g}")


def _print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    numbers = {"metrics", "differ", "largest", "published", "ours", "difference"}
    alignment = ["right" if heading in numbers else "left" for heading in headings]
    say_text(plain_table(list(rows), headings, alignment) + "\n")


def _summary(rows: Sequence[Row]) -> list[list[str]]:
    units: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        units.setdefault((row.task, row.split, row.subset), []).append(row)
    lines = []
    for unit, found in units.items():
        worst = max(found, key=lambda row: abs(row.difference))
        beyond = sum(row.beyond for row in found)
        lines.append(
            [unit[0], _part(*unit[1:]), str(len(found)), str(beyond), f"{worst.difference:+.6f}", worst.metric]
        )
    return lines


def _line(row: Row) -> list[str]:
    values = [f"{row.published:.6f}", f"{row.ours:.6f}", f"{row.difference:+.6f}"]
    return [row.task, _part(row.split, row.subset), row.metric, *values, _BEYOND_MARK if row.beyond else ""]


def _part(split: str, subset: str) -> str:
    return split if subset == "default" else f"{split} {subset}"


def _grouped(entries: Iterable[NotCompared]) -> list[str]:
    """Published values that stand alone, in lines: subsets with the same reason together."""

    def key(entry: NotCompared) -> tuple[str, str, str]:
        names = dict.fromkeys(f"{_NAUC}*" if name.startswith(_NAUC) else name for name in entry.metrics)
        return entry.task, entry.reason, "all metrics" if entry.whole else ", ".join(names)

    lines = []
    for (task, reason, names), group in groupby(sorted(entries, key=key), key):
        found = list(group)
        count = sum(len(entry.metrics) for entry in found)
        units = ", ".join(_part(entry.split, entry.subset) for entry in found)
        lines.append(f"{task} ({units}): {reason}: {count} value{'s' if count > 1 else ''}, {names}")
    return lines
