"""What each query, pair or item of a cell contributes to its main score, for comparisons item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import BenchError
from bench.metrics import SIMILARITIES
from bench.results.index import Cell
from bench.results.schema import QualityRecord
from bench.results.store import read_items
from bench.statistics.influence import pearson_influence, spearman_influence

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# What the rows of a quality record are called, by the type of task.
ITEM_KEYS = {"retrieval": "query_id", "sts": "pair_id", "mteb": "item_id"}
# Numbers from 0 of the groups of items that are no observations of their own, such as queries with the same text.
CLUSTER = "cluster"
GOLD = "gold"
# By how much the mean of the items may differ from the score that they belong to.
_ROUNDING = 1e-6
_INFLUENCES = {"spearman": spearman_influence, "pearson": pearson_influence}


@dataclass(frozen=True)
class Items:
    """The items of one cell.

    Attributes:
        ids: Of the queries, pairs or items, in ascending order.
        clusters: Which cluster each belongs to, from 0 without gaps, shape (n,).
        values: What each contributes to the score, which is their mean: of retrieval the query's own metric, of sts the
            pair's influence on the correlation. Shape (n,).
    """

    ids: list[str]
    clusters: Int64
    values: Float64


class ItemReader:
    """Reads the items of cells, each table once while its cells follow one another."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._wanted: tuple[str, ...] = ()
        self._table = pa.table({})

    def read(self, cell: Cell, metric: str | None = None) -> Items | None:
        """The items of a cell.

        Args:
            cell: The cell.
            metric: One of its metrics; its task's main one by default.

        Returns:
            None where the score is no mean of the items, as of some types that mteb scores.

        Raises:
            BenchError: The record's table is missing, damaged, or lacks the view or the metric.
        """
        record = cell.record
        metric = metric or record.task.main_metric
        key = ITEM_KEYS[record.task.type]
        correlation = metric.rpartition("_") if record.task.type == "sts" else None
        columns = [metric] if correlation is None else [correlation[0], GOLD]
        if correlation is not None and (correlation[0] not in SIMILARITIES or correlation[2] not in _INFLUENCES):
            raise BenchError(f"no correlation is called `{metric}`", where=str(cell.path))
        rows = self._rows(cell, (key, *columns))
        values = [rows.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in columns]
        found = values[0] if correlation is None else _INFLUENCES[correlation[2]](*values)
        score = record.views[cell.position].metrics[metric].value
        if not len(found) or not abs(found.mean() - score) <= _ROUNDING:
            return None
        order = pc.array_sort_indices(rows.column(key).combine_chunks()).to_numpy()
        ids = rows.column(key).take(pa.array(order)).to_pylist()
        if CLUSTER in rows.column_names:
            clusters = np.unique(rows.column(CLUSTER).to_numpy()[order], return_inverse=True)[1]
        else:
            clusters = np.arange(len(ids))
        return Items(ids, clusters.astype(np.int64), found[order])

    def _rows(self, cell: Cell, columns: tuple[str, ...]) -> pa.Table:
        """The rows of a cell's view."""
        record, scores = cell.record, cell.record.views[cell.position]
        if (cell.path, columns) != (self._path, self._wanted):
            self._table = _read(cell.path, record, columns)
            self._path, self._wanted = cell.path, columns
        table = self._table
        if len(record.views) > 1:
            mask = pc.and_(
                pc.equal(table.column("truncate_dim"), scores.truncate_dim),
                pc.equal(table.column("precision"), scores.precision),
            )
            table = table.filter(mask)
        if not table.num_rows:
            raise BenchError(
                f"the table of this record lacks the view {scores.view}", where=str(cell.path), hint="run with --force"
            )
        return table


def _read(path: Path, record: QualityRecord, columns: Sequence[str]) -> pa.Table:
    table = read_items(path, record)
    missing = [name for name in ("truncate_dim", "precision", *columns) if name not in table.column_names]
    if missing:
        raise BenchError(
            f"the table of this record lacks the column `{missing[0]}`", where=str(path), hint="run with --force"
        )
    kept = ["truncate_dim", "precision", *columns]
    return table.select([*kept, CLUSTER] if CLUSTER in table.column_names else kept)


def as_columns(items: Sequence[Items]) -> Float64:
    """The values of several cells side by side, one row an item and one column a cell, shape (n, m).

    Raises:
        BenchError: The cells are not of the same items.
    """
    first = items[0].ids
    if any(found.ids is not first and found.ids != first for found in items):
        raise BenchError(
            "results of one task's data are not of the same queries or pairs",
            hint="score the task again: bench run --force",
        )
    return np.column_stack([found.values for found in items])
