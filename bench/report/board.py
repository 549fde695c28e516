"""Everything that pages are made from, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.report.fidelity import ModelFidelity, make_fidelities
from bench.report.funnel import Funnel, make_funnels
from bench.report.means import MeanTable, make_means
from bench.report.names import page_names
from bench.report.retention import Retention, make_retentions
from bench.report.rows import RANDOM_WEIGHTS, Row, Table, make_tables
from bench.results.folds import without_folds
from bench.results.index import ResultIndex, UnitKey
from bench.results.items import ItemReader
from bench.results.left_out import LeftOut, find_left_out
from bench.results.schema import ModelInfo, TaskInfo, UnitRecord
from bench.results.store import ResultStore
from bench.statistics.margins import Margin

_Records = Sequence[tuple[Path, UnitRecord]]

TASKS = "tasks"
MODELS = "models"
PICTURES = "pictures"


@dataclass(frozen=True)
class Written:
    """When results were written, by the records themselves.

    Attributes:
        records: How many there are, superseded ones too.
        created: When the newest was made, UTC.
        bench_version: Of the program that wrote the newest.
        older_versions: Of the programs that wrote the others, where they differ.
    """

    records: int
    created: str
    bench_version: str
    older_versions: list[str]


@dataclass(frozen=True)
class Board:
    """What results say, arranged for pages.

    Attributes:
        index: The results.
        units: The tables of each task unit, one an environment, in order.
        rows: Of each model its rows in each table that has any.
        means: Over the subsets of a task and split.
        retentions: What models keep at each dimension, of the task units that tell.
        fidelities: How far views do what the full width does, of the task units where that was measured.
        funnels: What shortlists ranked again at full width keep, likewise.
        tasks: What each task unit is, of its newest scores.
        models: What each model is, of its newest scores, by name in order.
        environments: The facts of each environment, by fingerprint.
        unscored: Of each task unit the models without a score there, with the reason.
        left_out: What is not current, and on no table.
        written: When the results were written.
        task_pages: The page of each task, its path below reports/.
        model_pages: Likewise of each model.
    """

    index: ResultIndex
    units: dict[UnitKey, list[Table]]
    rows: dict[str, list[tuple[Table, list[Row]]]]
    means: list[MeanTable]
    retentions: dict[UnitKey, Retention]
    fidelities: dict[UnitKey, list[ModelFidelity]]
    funnels: dict[UnitKey, list[Funnel]]
    tasks: dict[UnitKey, TaskInfo]
    models: dict[str, ModelInfo]
    environments: dict[str, dict[str, Any]]
    unscored: dict[UnitKey, dict[str, str]]
    left_out: list[LeftOut]
    written: Written
    task_pages: dict[str, str]
    model_pages: dict[str, str]

    @property
    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [table for tables in self.units.values() for table in tables]


def read_board(results: Path, max_loss: Margin | None = None) -> Board:
    """Read a results folder.

    Args:
        results: The folder.
        max_loss: The margin of all tasks; their own by default.

    Raises:
        BenchError: No results, or files in them that cannot be read.
    """
    store = ResultStore(results)
    records = without_folds(store.records())
    index = ResultIndex(records)
    tables = make_tables(index, ItemReader(), max_loss)
    if not tables:
        raise BenchError("no results to report", where=str(results), hint="make some: bench run")
    units: dict[UnitKey, list[Table]] = {}
    for table in tables:
        units.setdefault(table.unit, []).append(table)
    left_out = find_left_out(index)
    return Board(
        index=index,
        units=units,
        rows=_rows_by_model(tables),
        means=make_means(tables),
        retentions={retention.unit: retention for retention in make_retentions(index)},
        fidelities=make_fidelities(index),
        funnels=make_funnels(index),
        tasks={unit: current.task for unit, current in index.current.items()},
        models=index.models,
        environments=store.environments(),
        unscored=_unscored(tables, index.models, left_out),
        left_out=left_out,
        written=_written(records),
        task_pages=_pages(TASKS, (task for task, _, _ in units)),
        model_pages=_pages(MODELS, index.models),
    )


def _pages(folder: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{folder}/{page}.md" for name, page in page_names(names).items()}


def _rows_by_model(tables: Sequence[Table]) -> dict[str, list[tuple[Table, list[Row]]]]:
    found: dict[str, list[tuple[Table, list[Row]]]] = {}
    for table in tables:
        in_table: dict[str, list[Row]] = {}
        for row in table.rows:
            in_table.setdefault(row.model, []).append(row)
        for model, rows in in_table.items():
            found.setdefault(model, []).append((table, rows))
    return found


def _unscored(
    tables: Sequence[Table], models: Mapping[str, ModelInfo], left_out: Iterable[LeftOut]
) -> dict[UnitKey, dict[str, str]]:
    """Of each task unit the models without a score there, with the reason."""
    reasons = {
        (lost.unit, entry.model): lost.reason for entry in left_out for lost in entry.parts if lost.kind == "quality"
    }
    found: dict[UnitKey, dict[str, str]] = {}
    for table in tables:
        scored = {row.model for row in table.rows if row.score is not None}
        for name, model in sorted(models.items()):
            if name in scored:
                continue
            reason = reasons.get((table.unit, name))
            why = f"left out: {reason}" if reason else RANDOM_WEIGHTS if model.drawn else "not scored"
            found.setdefault(table.unit, {})[name] = why
    return found


def _written(records: _Records) -> Written:
    newest = records[-1][1]
    versions = {record.bench_version for _, record in records}
    return Written(len(records), newest.created, newest.bench_version, sorted(versions - {newest.bench_version}))
