"""What results leave out, at the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.output import say, say_json, say_text
from bench.neutral import spreadsheet_cell

if TYPE_CHECKING:
    from bench.results.left_out import LeftOut
    from bench.results.schema import UnitRecord

_KEYS = ("model", "task", "what", "command")


def chosen_left_out(
    records: Iterable[tuple[Path, UnitRecord]], models: Collection[str] = (), tasks: Collection[str] = ()
) -> list[LeftOut]:
    """What of the chosen models and tasks is left out; all by default. Of folds the pooled result counts."""
    from bench.results.folds import without_folds
    from bench.results.index import ResultIndex
    from bench.results.left_out import find_left_out

    return [
        entry
        for entry in find_left_out(ResultIndex(without_folds(records)), ranked=False)
        if (not models or entry.model in models) and (not tasks or entry.task in tasks)
    ]


def tell_left_out(found: Sequence[LeftOut], *, err: bool = False) -> None:
    """Print at most ten lines; nothing where nothing is left out."""
    from bench.results.left_out import left_out_lines

    for line in left_out_lines(found):
        say(f"note: {line}", err=err)


def print_left_out(found: Sequence[LeftOut], output: str) -> None:
    """Print all of it, as lines or as `csv` or `json`."""
    rows = [{key: getattr(entry, key) for key in _KEYS} for entry in found]
    if output == "json":
        say_json(json.dumps(rows, indent=2, ensure_ascii=False))
    elif output == "csv":
        sink = io.StringIO()
        writer = csv.DictWriter(sink, _KEYS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: spreadsheet_cell(value) for key, value in row.items()} for row in rows)
        say_text(sink.getvalue().rstrip("\n"))
    else:
        for entry in found:
            say(f"- {entry.line}")
        say(f"{len(found)} models and tasks with results that are left out", err=bool(found))
