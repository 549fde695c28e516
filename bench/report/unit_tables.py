"""The tables of one task unit in one environment, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.markdown import code, escape, pipe_table
from bench.report.cells import (
    AUDIT_COMMAND,
    NOISY_MARK,
    NOISY_REASON,
    bold,
    machine_text,
    number_cells,
    score_text,
    shown_text,
    view_text,
)
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS, shown_columns
from bench.report.inputs import input_table
from bench.report.rows import Table
from bench.report.verdicts import few_text, loss_cells, loss_headings, method_text, rank_text, tested

UNTESTED = "Ranks are by the score alone: it is no mean over items, so no test tells which models differ from the best."


def unit_blocks(table: Table, environments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The caption, the tables and what belongs below them, a block each.

    Args:
        table: The task unit.
        environments: The facts of each environment, by fingerprint.
    """
    blocks = [_caption(table, environments), _view_table(table)]
    if method := method_text(table):
        blocks.append(method)
    if table.encoding:
        blocks += ["Encoding, whatever the view:", _encoding_table(table)]
    if table.inputs:
        blocks += ["What the texts were encoded with:", input_table(table.inputs)]
    if not tested(table.rows):
        blocks.append(UNTESTED)
    blocks += note_list(table.notes)
    blocks += audit_notes(table)
    noisy = dict.fromkeys(row.model for row in table.rows if row.noisy)
    if noisy:
        blocks.append(noise_note([table.unit[0]], noisy))
    return blocks


def note_list(notes: Iterable[str]) -> list[str]:
    """Notes as one list; no block where there are none."""
    lines = [f"- {escape(note)}" for note in notes]
    return ["\n".join(lines)] if lines else []


def audit_notes(table: Table) -> list[str]:
    """What an audit of the data found that weakens scores."""
    return [f"{escape(footnote)} ({AUDIT_COMMAND})" for footnote in table.footnotes]


def noise_note(tasks: Iterable[str], models: Iterable[str]) -> str:
    """What was measured on a busy machine, and the command that measures it again."""
    return (
        f"{NOISY_MARK} {NOISY_REASON}. When it is quiet: `bench cost --force` with `--tasks` "
        f"{', '.join(map(escape, tasks))} and `--model` {', '.join(map(escape, models))}"
    )


def _caption(table: Table, environments: Mapping[str, Mapping[str, Any]]) -> str:
    text = f"Main score: {code(table.metric)} over {table.n:,} {table.items}."
    if few := few_text(table.losses, table.items):
        text += f" {few}"
    if table.environment is None:
        return f"{text} No cost measured."
    machine = machine_text(environments.get(table.environment, {}))
    return f"{text} Environment {code(table.environment)}: {escape(machine)}."


def _view_table(table: Table) -> str:
    columns = shown_columns(table.rows, VIEW_COLUMNS)
    best = table.best_score
    lines = []
    for row, numbers in zip(table.rows, number_cells(table.rows, columns), strict=True):
        score = score_text(row.score)
        lines.append(
            [
                escape(row.model) + (NOISY_MARK if row.noisy else ""),
                row.marked_kind,
                *view_text(row.view),
                rank_text(row.standing),
                bold(score) if row.score is not None and row.score.value == best else score,
                *loss_cells(table, row),
                *(shown_text(row, name) for name in table.shown),
                *numbers,
            ]
        )
    headings = ["model", "kind", "dim", "precision", "rank", escape(table.metric), *loss_headings(table)]
    headings += [*map(escape, table.shown), *(column.title for column in columns)]
    return pipe_table(lines, headings, text_columns=2)


def _encoding_table(table: Table) -> str:
    columns = shown_columns(table.encoding, ENCODING_COLUMNS)
    lines = [
        [escape(row.model) + (NOISY_MARK if row.noisy else ""), *numbers]
        for row, numbers in zip(table.encoding, number_cells(table.encoding, columns), strict=True)
    ]
    return pipe_table(lines, ["model", *(column.title for column in columns)], text_columns=1)
