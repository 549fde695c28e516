"""A model's current results: for readers as tables, for the Hub as the entries of a card's model-index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.markdown import escape, pipe_table
from bench.report.cells import AUDIT_COMMAND, number_text, score_text, shown_text, view_text
from bench.report.columns import VIEW_COLUMNS
from bench.report.rows import Table, make_tables
from bench.results.index import Cell, ResultIndex, unit_key
from bench.results.schema import AuditRecord, QualityRecord, TaskInfo, UnitRecord
from bench.views import sort_key

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

# What sentence-transformers' cards call them, after its InformationRetrievalEvaluator and EmbeddingSimilarityEvaluator.
_TASKS = {"retrieval": "Information Retrieval", "sts": "Semantic Similarity"}
_MTEB_TASKS = {"PairClassification": "Binary Classification"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHOWN = [column for column in VIEW_COLUMNS if column.key in {"share", "bytes_per_vector"}]
_DECIMALS = 6


def own_results(records: Sequence[tuple[Path, UnitRecord]], name: str, fingerprint: str) -> ResultIndex:
    """The current quality of one model, with the audits of the data that it was scored on.

    Args:
        records: All records, oldest first.
        name: The model's name.
        fingerprint: Its fingerprint: results of another model that had the name are left out.
    """
    index = ResultIndex(records)

    def is_own(record: UnitRecord) -> bool:
        if isinstance(record, AuditRecord):
            return True
        same = (record.model.name, record.model.fingerprint) == (name, fingerprint)
        return same and isinstance(record, QualityRecord) and not index.superseded(record)

    return ResultIndex((path, record) for path, record in records if is_own(record))


def score_tables(index: ResultIndex) -> str:
    """The results as Markdown: a table a task and split, a row a view."""
    return "\n\n".join(_table(table) for table in make_tables(index))


def _table(table: Table) -> str:
    lines = [
        [
            *view_text(row.view),
            score_text(row.score),
            *(shown_text(row, name) for name in table.shown),
            *(number_text(column, getattr(row, column.key)) for column in _SHOWN),
        ]
        for row in table.rows
    ]
    headings = ["dim", "precision", escape(table.metric), *map(escape, table.shown), *(c.title for c in _SHOWN)]
    parts = [f"### {escape(table.title)}", f"Main score: {escape(table.metric)} over {table.n:,} {table.items}."]
    parts.append(pipe_table(lines, headings, text_columns=2))
    parts += [f"- {escape(note)}" for note in table.notes]
    parts += [f"{escape(footnote)} ({AUDIT_COMMAND})" for footnote in table.footnotes]
    return "\n\n".join(parts)


def eval_results(index: ResultIndex) -> list[EvalResult]:
    """The results as huggingface_hub has them: of each task unit and view the main metric and those it shows."""
    cells = sorted(index.cells.values(), key=_place)
    units = {unit_key(cell.record): cell.record.task for cell in cells}
    # Results of one data set, subset and split are one entry there, whatever the tasks are called.
    shared = Counter(_data_of(task) for task in units.values())
    return [result for cell in cells for result in _results(cell, alone=shared[_data_of(cell.record.task)] == 1)]


def _place(cell: Cell) -> tuple[tuple[str, str, str], tuple[int, int]]:
    view = cell.record.views[cell.position].view
    return unit_key(cell.record), sort_key(view) if view else (0, 0)


def _data_of(task: TaskInfo) -> tuple[str | None, str, str]:
    return task.dataset, task.subset, task.split


def _results(cell: Cell, *, alone: bool) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    task, scores = cell.record.task, cell.record.views[cell.position]
    kind = task_name(task)
    return [
        EvalResult(
            task_type=kind.lower().replace(" ", "-"),
            task_name=kind,
            dataset_type=_line(task.dataset if task.dataset and alone else task.name),
            dataset_name=_line(task.name),
            dataset_config=_line(task.subset),
            dataset_split=_line(task.split),
            dataset_revision=_line(task.revision) if task.revision else None,
            metric_type=_line(metric),
            metric_name=f"{_line(metric)}, {scores.truncate_dim} dims, {scores.precision}",
            metric_value=round(scores.metrics[metric].value, _DECIMALS),
            metric_args={"truncate_dim": scores.truncate_dim, "precision": scores.precision},
        )
        for metric in dict.fromkeys([task.main_metric, *task.shown])
        if metric in scores.metrics
    ]


def task_name(task: TaskInfo) -> str:
    """A type of task as sentence-transformers' cards call it; MTEB's other types in words."""
    if task.mteb_type is None:
        return _TASKS.get(task.type, task.type)
    return _MTEB_TASKS.get(task.mteb_type, _WORD.sub(" ", _line(task.mteb_type)))


def _line(text: str) -> str:
    """Text from a file on one line."""
    return " ".join(text.split())
