"""The tables that a run ends with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.measure import Measurement
from rich.table import Table as RichTable

from bench.cli.console import NeutralConsole, console, escape
from bench.plan import Job
from bench.report.cells import (
    AUDIT_COMMAND,
    NOISY_MARK,
    NOISY_REASON,
    number_cells,
    score_text,
    shown_text,
    view_text,
)
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS, shown_columns
from bench.report.means import MeanTable, make_means
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE, Table, make_tables
from bench.report.verdicts import few_text, loss_cells, loss_headings, method_text, rank_text
from bench.results.folds import without_folds
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.left_out import find_left_out, left_out_lines
from bench.results.store import ResultStore

_WIDEST = 10_000


def print_tables(results: Path, jobs: Sequence[Job]) -> None:
    """The leaderboards of the units that a run was about, with the models of the results folder.

    Several subsets of a task are one table, with their mean.
    """
    # Of folds the pooled result is shown.
    units = {(job.unit.task, job.unit.fold_of or job.unit.split, job.unit.subset) for job in jobs}
    index = ResultIndex(without_folds(ResultStore(results).records()))
    tables = make_tables(index, ItemReader(), units=units)
    means = {(mean.task, mean.split): mean for mean in make_means(tables)}
    for mean in means.values():
        _print(_rich_means(mean))
    for table in tables:
        if table.unit[:2] not in means:
            _print(_rich_table(table))
            for text in filter(None, [few_text(table.losses, table.items), method_text(table)]):
                console.print(escape(text), highlight=False)
            if table.encoding:
                _print(_rich_encoding(table))
            if any(row.noisy for row in table.rows):
                console.print(f"{NOISY_MARK} {NOISY_REASON}", highlight=False)
        for footnote in table.footnotes:
            where = f"{table.title}: " if table.unit[:2] in means else ""
            console.print(f"{escape(where + footnote)} ({AUDIT_COMMAND})", highlight=False)
    if any(row.leakage for table in tables for row in table.rows):
        console.print(LEAKAGE_NOTE)
    lost = [entry for entry in find_left_out(index) if any(part.unit in units for part in entry.parts)]
    for line in left_out_lines(lost):
        console.print(f"note: {escape(line)}", highlight=False, soft_wrap=True)


def _print(shown: RichTable) -> None:
    # A line that the terminal wraps can still be read, a cell cut short cannot.
    needed = max(console.width, Measurement.get(console, console.options.update(max_width=_WIDEST), shown).maximum)
    console.print()
    NeutralConsole(width=needed, force_terminal=console.is_terminal).print(shown)


def _rich_means(table: MeanTable) -> RichTable:
    shown = RichTable(
        title=f"{escape(table.title)}: {escape(table.metric)}", title_justify="left", box=None, pad_edge=False,
        header_style="bold",
    )  # fmt: skip
    for heading in ("model", "dim", "precision", "mean", *map(escape, table.subsets)):
        shown.add_column(heading, justify="left" if heading in {"model", "precision"} else "right", no_wrap=True)
    for row in table.rows:
        mean = "" if row.mean is None else f"{row.mean:.4f}"
        scores = [f"{row.scores[subset]:.4f}" if subset in row.scores else "" for subset in table.subsets]
        best = row.mean is not None and row.mean == table.best_mean
        mark = LEAKAGE_MARK if LEAKAGE_MARK in row.kind else ""
        text = _best(mean) if best else mean
        shown.add_row(escape(row.model) + mark, *view_text(row.view), text, *scores)
    return shown


def _rich_table(table: Table) -> RichTable:
    shown = RichTable(
        title=f"{escape(table.title)}: {escape(table.metric)}, n = {table.n:,}", title_justify="left", box=None,
        pad_edge=False, header_style="bold",
    )  # fmt: skip
    columns = shown_columns(table.rows, VIEW_COLUMNS)
    titles = [*loss_headings(table), *map(escape, table.shown), *(column.title for column in columns)]
    for heading in ("model", "dim", "precision", "rank", "score [95% interval]", *titles):
        shown.add_column(heading, justify="left" if heading in {"model", "precision"} else "right", no_wrap=True)
    best = table.best_score
    for row, numbers in zip(table.rows, number_cells(table.rows, columns, _best), strict=True):
        score = escape(score_text(row.score))
        line = [
            escape(row.model) + (NOISY_MARK if row.noisy else "") + (LEAKAGE_MARK if row.leakage else ""),
            *view_text(row.view),
            rank_text(row.standing),
            _best(score) if row.score is not None and row.score.value == best else score,
            *map(escape, loss_cells(table, row)),
            *(shown_text(row, name) for name in table.shown),
            *numbers,
        ]
        shown.add_row(*line)
    return shown


def _rich_encoding(table: Table) -> RichTable:
    shown = RichTable(
        title="encoding, whatever the view", title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    columns = shown_columns(table.encoding, ENCODING_COLUMNS)
    for heading in ("model", *(column.title for column in columns)):
        shown.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for row, numbers in zip(table.encoding, number_cells(table.encoding, columns, _best), strict=True):
        shown.add_row(escape(row.model) + (NOISY_MARK if row.noisy else ""), *numbers)
    return shown


def _best(text: str) -> str:
    return f"[bold green]{text}[/]"
