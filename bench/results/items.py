"""What each query, pair or item of a cell contributes to its score, for comparisons item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import BenchError, did_you_mean
from bench.metrics import SIMILARITIES
from bench.results.digests import damaged_table
from bench.results.index import Cell, RerankCell
from bench.results.schema import QualityRecord, make_view
from bench.results.store import read_items, table_path
from bench.results.study_records import RerankRecord
from bench.statistics.influence import pearson_influence, spearman_influence

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# What the rows of a quality record are called, by the type of task.
ITEM_KEYS = {"retrieval": "query_id", "sts": "pair_id", "mteb": "item_id"}
# Numbers of the groups of items that are no observations of their own, such as queries with the same text.
CLUSTER = "cluster"
GOLD = "gold"
SHORTLIST = "shortlist"
# What tells the view that a row belongs to.
_VIEW = ("truncate_dim", "precision")
# By how much the mean of the items may differ from the score that they belong to.
ROUNDING = 1e-6
INFLUENCES = {"spearman": spearman_influence, "pearson": pearson_influence}
# Tables kept, so that two runs can be read in turns.
_KEPT = 4


# truncate_dim, precision and length of shortlist, where there are such.
_Place = tuple[int | None, str | None, int | None]


def metric_column(metric: str) -> str:
    """The column of a metric; one that is called as the view's columns are, such as precision, stands apart."""
    return f"metric_{metric}" if metric in _VIEW else metric


@dataclass(frozen=True)
class Items:
    """The items of one cell.

    Attributes:
        ids: Of the queries, pairs or items, in ascending order. Cells of the same items share one list.
        clusters: Which cluster each belongs to, from 0 without gaps, shape (n,); each its own where the record does not
            tell.
        values: What each contributes to the score, which is their mean: of retrieval the query's own metric, of sts the
            pair's influence on the correlation. Shape (n,).
    """

    ids: list[str]
    clusters: Int64
    values: Float64


@dataclass(frozen=True)
class _Table:
    """What is needed of one record's table.

    Attributes:
        ids: A row's id.
        clusters: A row's cluster; None where the record does not tell.
        values: The columns asked for, those that there are.
        rows: Rows of each view, by truncate_dim, precision and length of shortlist.
    """

    ids: pa.Array
    clusters: Int64 | None
    values: dict[str, Float64]
    rows: dict[_Place, Int64]


@dataclass(frozen=True)
class _Order:
    """The items of a view as they stand in its table, and in order.

    Attributes:
        found: Ids in the table's order.
        found_clusters: Their clusters, as the table numbers them.
        rows: Rows that put them in ascending order of ids.
        ids: Ids in this order.
        clusters: Clusters in this order, from 0 without gaps.
    """

    found: pa.Array
    found_clusters: Int64 | None
    rows: Int64
    ids: list[str]
    clusters: Int64


class ItemReader:
    """Reads the items of cells, each table once while its cells follow one another."""

    def __init__(self) -> None:
        self._tables: dict[tuple[Path, tuple[str, ...]], _Table] = {}
        self._order: _Order | None = None

    def read(self, cell: Cell | RerankCell, metric: str | None = None) -> Items | None:
        """The items of a cell.

        Args:
            cell: The cell.
            metric: One of its metrics, of a shortlist the main one alone; its task's main one by default.

        Returns:
            None where the score is no mean of the items, as of some types that mteb scores.

        Raises:
            BenchError: The cell has no such metric; the record's table is missing, damaged, or lacks the view or the
                metric. A table without a digest is damaged where its items do not give the score.
        """
        record, scores = cell.record, cell.scores
        metric = metric or record.task.main_metric
        if metric not in scores.metrics:
            raise BenchError(
                f"this record has no metric `{metric}`",
                where=str(cell.path),
                hint=did_you_mean(metric, scores.metrics),
            )
        columns: tuple[str, ...] = (metric_column(metric),)
        influence = None
        if record.task.type == "sts":
            similarity, _, correlation = metric.rpartition("_")
            influence = INFLUENCES.get(correlation)
            if similarity not in SIMILARITIES or influence is None:
                raise BenchError(f"no correlation is called `{metric}`", where=str(cell.path))
            columns = (similarity, GOLD)
        table = self._table(cell, columns)
        if any(name not in table.values for name in columns):
            return None
        rows = _rows(cell, table)
        values = [table.values[name][rows] for name in columns]
        found = values[0] if influence is None else influence(values[0], values[1])
        stated = scores.metrics[metric].value
        if not abs(found.mean() - stated) <= ROUNDING:
            if record.table_digest is None and record.task.type != "mteb":
                why = f"the items of the table give {metric} {found.mean():.6f}, the record {stated:.6f}"
                raise damaged_table(table_path(cell.path, record), why)
            return None
        order = self._ordered(cell, table, rows)
        return Items(order.ids, order.clusters, found[order.rows])

    def column(self, cell: Cell, name: str) -> dict[str, float]:
        """A column of a cell's table by the ids of its items, such as the similarity of each pair.

        Raises:
            BenchError: The record's table is missing, damaged, or lacks the view or the column.
        """
        table = self._table(cell, (name,))
        if name not in table.values:
            raise BenchError(
                f"the table of this record lacks the column `{name}`", where=str(cell.path), hint="run with --force"
            )
        rows = _rows(cell, table)
        ids = table.ids.take(pa.array(rows)).to_pylist()
        return dict(zip(ids, table.values[name][rows].tolist(), strict=True))

    def _table(self, cell: Cell | RerankCell, columns: tuple[str, ...]) -> _Table:
        key = cell.path, columns
        if key not in self._tables:
            while len(self._tables) >= _KEPT:
                del self._tables[next(iter(self._tables))]
            self._tables[key] = _read(cell.path, cell.record, columns)
        return self._tables[key]

    def _ordered(self, cell: Cell | RerankCell, table: _Table, rows: Int64) -> _Order:
        """The order of a view's items; the last one again where they are the same, as views and models mostly are."""
        ids = table.ids.take(pa.array(rows))
        clusters = None if table.clusters is None else table.clusters[rows]
        last = self._order
        if last is None or not (ids.equals(last.found) and _same(clusters, last.found_clusters)):
            last = self._order = _order(ids, clusters, cell.path)
        return last


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


def shared_clusters(items: Sequence[Items]) -> Int64:
    """The clusters of several cells of the same items, shape (n,).

    Records from before clusters were kept take them from those that know them.
    """
    return min((found.clusters for found in items), key=lambda clusters: int(clusters.max(initial=0)))


def _rows(cell: Cell | RerankCell, table: _Table) -> Int64:
    """The rows of a cell's view, or shortlist."""
    place = cell.scores.truncate_dim, cell.scores.precision
    shortlist = cell.scores.key if isinstance(cell, RerankCell) else None
    rows = table.rows.get((*place, shortlist.length if shortlist else None))
    if rows is None:
        raise BenchError(
            f"the table of this record lacks the view {shortlist or make_view(*place) or 'of a baseline'}",
            where=str(cell.path),
            hint="run with --force",
        )
    return rows


def _read(path: Path, record: QualityRecord | RerankRecord, columns: tuple[str, ...]) -> _Table:
    key, kind = ITEM_KEYS[record.task.type], record.task.type
    table = read_items(path, record, [*_VIEW, SHORTLIST, key, CLUSTER, *columns])
    # Of what mteb scores not every metric is known item by item.
    needed = [*_VIEW, key, *(columns if kind != "mteb" else ())]
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise BenchError(
            f"the table of this record lacks the column `{missing[0]}`", where=str(path), hint="run with --force"
        )
    if kind == "mteb" and pa.types.is_floating(table.column("precision").type):
        # From before metrics stood apart: the metric precision took the place of the view's.
        return _Table(pa.array([], pa.string()), None, {}, {})
    try:
        values = {
            name: table.column(name).cast(pa.float64()).to_numpy() for name in columns if name in table.column_names
        }
        endless = [name for name, found in values.items() if kind != "mteb" and not np.isfinite(found).all()]
        if endless:
            raise damaged_table(
                table_path(path, record), f"column `{endless[0]}` of the table has a number that is not finite"
            )
        return _Table(
            ids=table.column(key).cast(pa.string()).combine_chunks(),
            clusters=table.column(CLUSTER).cast(pa.int64()).to_numpy() if CLUSTER in table.column_names else None,
            values=values,
            rows=_rows_of_views(table),
        )
    except pa.ArrowException as error:
        raise BenchError(
            f"the table of this record is not as bench writes it: {error}", where=str(path), hint="run with --force"
        ) from error


def _rows_of_views(table: pa.Table) -> dict[_Place, Int64]:
    if not table.num_rows:
        return {}
    dims = table.column("truncate_dim").cast(pa.int64()).combine_chunks()
    precisions = table.column("precision").cast(pa.string()).combine_chunks()
    # A table of shortlists has a length in every row.
    lengths = None
    if SHORTLIST in table.column_names:
        lengths = table.column(SHORTLIST).cast(pa.int64()).combine_chunks().to_numpy()
    names = precisions.dictionary_encode(null_encoding="encode")
    codes = dims.fill_null(-1).to_numpy() * len(names.dictionary) + names.indices.to_numpy()
    if lengths is not None:
        codes = codes * (int(lengths.max()) + 1) + lengths
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    firsts = [int(rows[0]) for rows in groups]
    return {
        (dims[row].as_py(), precisions[row].as_py(), None if lengths is None else int(lengths[row])): rows
        for row, rows in zip(firsts, groups, strict=True)
    }


def _order(ids: pa.Array, clusters: Int64 | None, path: Path) -> _Order:
    rows = pc.array_sort_indices(ids).to_numpy().astype(np.int64)
    names = ids.take(pa.array(rows)).to_pylist()
    twice = [name for name, following in pairwise(names) if name == following]
    if twice:
        raise BenchError(
            f"the table of this record has `{twice[0]}` twice in one view", where=str(path), hint="run with --force"
        )
    if clusters is None:
        numbers = np.arange(len(names))
    else:
        numbers = np.unique(clusters[rows], return_inverse=True)[1].astype(np.int64)
    return _Order(ids, clusters, rows, names, numbers)


def _same(first: Int64 | None, second: Int64 | None) -> bool:
    return first is second or (first is not None and second is not None and np.array_equal(first, second))
