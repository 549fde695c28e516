"""One result over all queries from the results of models each of which was trained without a fold of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import __version__, environment
from bench.errors import BenchError
from bench.files import digest_json
from bench.plan import Job
from bench.quality.evaluate import Scores, query_means
from bench.records import item_columns, task_info, view_scores
from bench.results.folds import FOLDS
from bench.results.index import Cell, ResultIndex, ResultKey
from bench.results.items import CLUSTER, ITEM_KEYS, metric_column
from bench.results.schema import QualityRecord
from bench.results.store import ResultStore, read_items
from bench.tasks.data import RetrievalData
from bench.tasks.unit import TaskUnit
from bench.views import View

# Means that differ by less than this differ by the order of their sums alone.
_ROUNDING = 1e-9


def pool_folds(name: str, jobs: Sequence[Job], unit: TaskUnit, store: ResultStore, index: ResultIndex) -> Path | None:
    """Write the result of a model over all queries of a task, each scored by the model trained without its fold.

    Args:
        name: The model's name.
        jobs: The jobs of the models of each fold, in the order of the folds.
        unit: The split that has all queries.
        store: Where it is written.
        index: The results, those of the folds among them.

    Returns:
        The record's file; None where the pooled result is there and up to date.

    Raises:
        BenchError: No view has a score in every fold, or the folds' results are not those of the split's queries.
    """
    folds = [_cells(job, index) for job in jobs]
    views = [view for view in folds[0] if all(view in cells for cells in folds)]
    where = f"model `{name}` on {unit.label}"
    if not views:
        lacking = ", ".join(job.unit.split for job, cells in zip(jobs, folds, strict=True) if not cells)
        raise BenchError(f"no pooled score: no view has one in every fold (none in {lacking or 'common'})", where=where)
    fingerprints = [job.model.fingerprint for job in jobs]
    key: ResultKey = (name, digest_json(fingerprints), (unit.task, unit.split, unit.subset), unit.fingerprint)
    cells = {view: [found[view] for found in folds] for view in views}
    # A later record of the name with another fingerprint hides a result that is there.
    hidden = bool(index.changes("quality", key))
    todo = [view for view in views if hidden or not _up_to_date(index.cells.get((*key, view)), cells[view])]
    if not todo:
        return None
    scored = [(view, _scores(cells[view], unit, where)) for view in todo]
    first = cells[todo[0]][0].record
    source = f"{FOLDS}{len(jobs)} models, each trained without one"
    record = QualityRecord(
        bench_version=__version__,
        created=store.stamp(),
        environment=environment.fingerprint(),
        model=first.model.model_copy(update={"name": name, "fingerprint": key[1], "source": source}),
        task=task_info(unit),
        inputs=first.inputs,
        encoding=None,
        views=[view_scores(view, scores, unit) for view, scores in scored],
        items="",
        pooled=fingerprints,
    )
    return store.write_quality(record, item_columns(unit, scored))


def _cells(job: Job, index: ResultIndex) -> dict[View, Cell]:
    """The results of a job's views."""
    unit = (job.unit.task, job.unit.split, job.unit.subset)
    key = (job.model.entry.name, job.model.fingerprint, unit, job.unit.fingerprint)
    found = {view: index.cells.get((*key, view)) for view in job.cells if view is not None}
    return {view: cell for view, cell in found.items() if cell is not None}


def _up_to_date(pooled: Cell | None, folds: Sequence[Cell]) -> bool:
    return pooled is not None and all(cell.record.created < pooled.record.created for cell in folds)


def _scores(cells: Sequence[Cell], unit: TaskUnit, where: str) -> Scores:
    """The scores of one view over all queries."""
    data = unit.data
    if not isinstance(data, RetrievalData):
        raise BenchError("only queries are divided into folds", where=where)
    tables = [_queries(cell) for cell in cells]
    ids = [name for table in tables for name in table[ITEM_KEYS["retrieval"]].to_pylist()]
    if sorted(ids) != sorted(data.query_ids):
        raise BenchError(
            "the folds' results are not those of the task's queries, each once",
            where=where,
            hint="score them again: bench run --force",
        )
    rows = {name: row for row, name in enumerate(ids)}
    order = np.array([rows[name] for name in data.query_ids])
    names = [name for name in cells[0].scores.metrics if metric_column(name) in tables[0].column_names]
    items = {name: np.concatenate([table[metric_column(name)].to_numpy() for table in tables])[order] for name in names}
    clusters = data.clusters
    metrics = query_means(items, clusters)
    sizes = np.array([len(table) for table in tables])
    values = {name: [cell.scores.mteb.get(name, cell.scores.metrics[name].value) for cell in cells] for name in names}
    mteb = {name: float(np.average(found, weights=sizes)) for name, found in values.items()}
    differing: Mapping[str, float] = {
        name: value for name, value in mteb.items() if abs(value - metrics[name].value) > _ROUNDING
    }
    return Scores(metrics, data.query_ids, dict(items), clusters, dict(differing))


def _queries(cell: Cell) -> pa.Table:
    """The scores of a cell's queries."""
    table = read_items(cell.path, cell.record)
    scores = cell.scores
    of_view = pc.and_(
        pc.equal(table["truncate_dim"], scores.truncate_dim), pc.equal(table["precision"], scores.precision)
    )
    return table.filter(of_view).drop_columns([CLUSTER])
