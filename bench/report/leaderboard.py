"""reports/leaderboard.md: a table a task and a summary over tasks, from results alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.errors import BenchError
from bench.files import write_text
from bench.report.cells import AUDIT_COMMAND, NOISY_MARK, is_best, number_text, score_text, shown_columns, view_text
from bench.report.rows import COLUMNS, Row, Table, make_tables
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.views import View, sort_key

# An underscore between letters or digits marks nothing in GitHub's Markdown.
_SPECIAL = re.compile(r"([\\`*{}\[\]<>|#!~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def write_leaderboard(results: Path, reports: Path) -> Path:
    """Write the leaderboard.

    Args:
        results: The results folder.
        reports: The folder to write to.

    Returns:
        The file.

    Raises:
        BenchError: No results, or files in them that cannot be read.
    """
    path = reports / "leaderboard.md"
    write_text(path, render_leaderboard(results))
    return path


def render_leaderboard(results: Path) -> str:
    """The leaderboard as Markdown (see write_leaderboard)."""
    store = ResultStore(results)
    tables = make_tables(ResultIndex(store.records()))
    if not tables:
        raise BenchError("no results to report", where=str(results), hint="make some: bench run")
    environments = store.environments()
    parts = ["# Leaderboard", _intro(), "## All tasks", _summary(tables)]
    for table in tables:
        parts.append(f"## {escape(table.title)}")
        parts.append(_caption(table, environments))
        parts.append(_table(table))
        parts += [f"- {escape(note)}" for note in table.notes]
        parts += [f"{escape(footnote)} ({AUDIT_COMMAND})" for footnote in table.footnotes]
        if any(row.noisy for row in table.rows):
            parts.append(f"{NOISY_MARK} measured on a busy machine: run `bench run --force` again when it is quiet.")
    parts += ["## Columns", _legend()]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text from a file, so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _intro() -> str:
    return (
        "Made by `bench report` from `results/`; do not edit. Scores carry a 95% bootstrap interval; "
        "**bold** is the best of a column. Cost figures hold for the environment named above their table."
    )


def _summary(tables: list[Table]) -> str:
    """Main scores of every model and view, a column a task; quality does not depend on the environment."""
    units = {table.unit: table for table in tables}
    rows: dict[tuple[str, View | None], dict[Any, Row]] = {}
    for unit, table in units.items():
        for row in table.rows:
            rows.setdefault((row.model, row.view), {})[unit] = row
    # Each model stands where its best view stands on the first task that has it.
    order = {name: place for place, (name, _) in reversed(list(enumerate(rows)))}
    lines = []
    for (name, _), found in sorted(
        rows.items(), key=lambda item: (order[item[0][0]], sort_key(item[0][1]) if item[0][1] else (0, 0))
    ):
        first = next(iter(found.values()))
        line = [escape(name), first.kind, *view_text(first)]
        for unit, table in units.items():
            text = f"{found[unit].score.value:.4f}" if unit in found else ""
            line.append(f"**{text}**" if unit in found and found[unit].score.value == table.best_score else text)
        lines.append(line)
    headings = [f"{escape(table.title)} {escape(table.metric)}" for table in units.values()]
    return _markdown(lines, ["model", "kind", "dim", "precision", *headings], text_columns=4)


def _caption(table: Table, environments: dict[str, dict[str, Any]]) -> str:
    text = f"Main score: `{table.metric}` over {table.n:,} {'queries' if 'ndcg' in table.metric else 'pairs'}."
    if table.environment is None:
        return f"{text} No cost measured."
    facts = environments.get(table.environment, {})
    machine = [str(facts[key]) for key in ("cpu", "os") if key in facts]
    if "cores" in facts:
        machine.insert(1, f"{facts['cores']} cores")
    machine += [str(gpu.get("name", "GPU")) for gpu in facts.get("gpus", [])]
    machine += [f"{name}={value}" for name, value in sorted(facts.get("variables", {}).items())]
    return f"{text} Environment `{table.environment}`: {escape(', '.join(machine)) or 'not described'}."


def _table(table: Table) -> str:
    columns = shown_columns(table)
    lines = []
    for row in table.rows:
        score = score_text(row.score)
        mark = NOISY_MARK if row.noisy else ""
        line = [
            escape(row.model) + mark,
            row.kind,
            *view_text(row),
            f"**{score}**" if row.score.value == table.best_score else score,
        ]
        for column in columns:
            text = number_text(column, getattr(row, column.key))
            line.append(f"**{text}**" if is_best(table, row, column) else text)
        lines.append(line)
    headings = ["model", "kind", "dim", "precision", escape(table.metric), *(column.title for column in columns)]
    return _markdown(lines, headings, text_columns=2)


def _legend() -> str:
    lines = [f"- **{column.title}**: {column.help}." for column in COLUMNS]
    lines.append("- An empty cell was not measured, or has no meaning for the model.")
    return "\n".join(lines)


def _markdown(lines: list[list[str]], headings: list[str], text_columns: int) -> str:
    align = ["left"] * text_columns + ["right"] * (len(headings) - text_columns)
    return tabulate(lines, headers=headings, tablefmt="pipe", colalign=align, disable_numparse=True)
