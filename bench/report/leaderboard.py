"""reports/leaderboard.md: a table a task and a summary over tasks, from results alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import BenchError
from bench.files import write_text
from bench.markdown import escape, pipe_table
from bench.report.cells import (
    AUDIT_COMMAND,
    NOISY_MARK,
    NOISY_REASON,
    machine_text,
    number_text,
    score_text,
    shown_text,
    view_text,
)
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS, is_best, shown_columns
from bench.report.means import MeanTable, make_means
from bench.report.rows import LEAKAGE_NOTE, Table, make_tables
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.views import View, sort_key

_Key: TypeAlias = tuple[str, View | None]  # model, view


@dataclass(frozen=True)
class _Cell:
    """One score of the summary."""

    kind: str
    score: float | None


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
    means = make_means(tables)
    parts = ["# Leaderboard", _intro(), "## All tasks", _summary(tables, means)]
    if any(row.leakage for table in tables for row in table.rows):
        parts.append(f"{LEAKAGE_NOTE}.")
    for mean in means:
        parts += [f"## {escape(mean.title)}", _mean_caption(mean), _mean_table(mean)]
    for table in tables:
        parts.append(f"## {escape(table.title)}")
        parts.append(_caption(table, environments))
        parts.append(_table(table))
        if table.encoding:
            parts += ["Encoding, whatever the view:", _encoding_table(table)]
        parts += [f"- {escape(note)}" for note in table.notes]
        parts += [f"{escape(footnote)} ({AUDIT_COMMAND})" for footnote in table.footnotes]
        if any(row.noisy for row in table.rows):
            parts.append(_noise_note(table))
    parts += ["## Columns", _legend()]
    return "\n\n".join(parts) + "\n"


def _intro() -> str:
    return (
        "Made by `bench report` from `results/`; do not edit. Scores carry a 95% bootstrap interval; "
        "**bold** is the best of a column. Cost figures hold for the environment named above their table."
    )


def _summary(tables: list[Table], means: list[MeanTable]) -> str:
    """Main scores of every model and view, a column a task; of a task with several subsets their mean."""
    of_subsets = {(mean.task, mean.split) for mean in means}
    single = {table.unit: table for table in tables if table.unit[:2] not in of_subsets}
    columns: list[tuple[str, float | None, dict[_Key, _Cell]]] = []
    for table in single.values():
        heading = f"{escape(table.title)} {escape(table.metric)}"
        scored = [(row, row.score.value) for row in table.rows if row.score is not None]
        found = {(row.model, row.view): _Cell(row.marked_kind, score) for row, score in scored}
        columns.append((heading, table.best_score, found))
    for mean in means:
        heading = f"{escape(mean.title)} {escape(mean.metric)}"
        averaged = {(row.model, row.view): _Cell(row.kind, row.mean) for row in mean.rows}
        columns.append((heading, mean.best_mean, averaged))
    # Each model stands where its best view stands on the first task that has it.
    order: dict[str, int] = {}
    kinds: dict[_Key, str] = {}
    for _, _, found in columns:
        for (model, view), cell in found.items():
            order.setdefault(model, len(order))
            kinds.setdefault((model, view), cell.kind)
    lines = []
    for model, view in sorted(kinds, key=lambda key: (order[key[0]], sort_key(key[1]) if key[1] else (0, 0))):
        line = [escape(model), kinds[model, view], *view_text(view)]
        for _, best, found in columns:
            score = found[model, view].score if (model, view) in found else None
            text = "" if score is None else f"{score:.4f}"
            line.append(f"**{text}**" if text and score == best else text)
        lines.append(line)
    headings = [heading for heading, _, _ in columns]
    return pipe_table(lines, ["model", "kind", "dim", "precision", *headings], text_columns=4)


def _mean_caption(table: MeanTable) -> str:
    text = f"Main score: `{table.metric}`; the mean is unweighted, over {', '.join(map(escape, table.subsets))}."
    lacking = sorted({row.model for row in table.rows if row.mean is None})
    if lacking:
        text += f" No mean where a subset is missing: {', '.join(map(escape, lacking))}."
    return text


def _mean_table(table: MeanTable) -> str:
    lines = []
    for row in table.rows:
        mean = "" if row.mean is None else f"{row.mean:.4f}"
        scores = [f"{row.scores[subset]:.4f}" if subset in row.scores else "" for subset in table.subsets]
        bold = f"**{mean}**" if mean and row.mean == table.best_mean else mean
        lines.append([escape(row.model), row.kind, *view_text(row.view), bold, *scores])
    headings = ["model", "kind", "dim", "precision", "mean", *map(escape, table.subsets)]
    return pipe_table(lines, headings, text_columns=4)


def _caption(table: Table, environments: dict[str, dict[str, Any]]) -> str:
    text = f"Main score: `{table.metric}` over {table.n:,} {table.items}."
    if table.environment is None:
        return f"{text} No cost measured."
    machine = machine_text(environments.get(table.environment, {}))
    return f"{text} Environment `{table.environment}`: {escape(machine)}."


def _table(table: Table) -> str:
    columns = shown_columns(table.rows, VIEW_COLUMNS)
    lines = []
    for row in table.rows:
        score = score_text(row.score)
        mark = NOISY_MARK if row.noisy else ""
        line = [
            escape(row.model) + mark,
            row.marked_kind,
            *view_text(row.view),
            f"**{score}**" if table.is_best_score(row) else score,
            *(shown_text(row, name) for name in table.shown),
        ]
        for column in columns:
            text = number_text(column, getattr(row, column.key))
            line.append(f"**{text}**" if is_best(table.rows, row, column) else text)
        lines.append(line)
    headings = ["model", "kind", "dim", "precision", escape(table.metric), *map(escape, table.shown)]
    headings += [column.title for column in columns]
    return pipe_table(lines, headings, text_columns=2)


def _encoding_table(table: Table) -> str:
    columns = shown_columns(table.encoding, ENCODING_COLUMNS)
    lines = []
    for row in table.encoding:
        line = [escape(row.model) + (NOISY_MARK if row.noisy else "")]
        for column in columns:
            text = number_text(column, getattr(row, column.key))
            line.append(f"**{text}**" if is_best(table.encoding, row, column) else text)
        lines.append(line)
    return pipe_table(lines, ["model", *(column.title for column in columns)], text_columns=1)


def _noise_note(table: Table) -> str:
    """What was measured on a busy machine, and the command that measures it again."""
    names = ", ".join(escape(name) for name in dict.fromkeys(row.model for row in table.rows if row.noisy))
    return (
        f"{NOISY_MARK} {NOISY_REASON}. When it is quiet: `bench cost --force` with `--tasks` "
        f"{escape(table.unit[0])} and `--model` {names}"
    )


def _legend() -> str:
    lines = [f"- **{column.title}**: {column.help}." for column in (*VIEW_COLUMNS, *ENCODING_COLUMNS)]
    lines.append("- An empty cell was not measured, or has no meaning for the model.")
    return "\n".join(lines)
