"""Whether a record's table has the rows, columns and scores that the record states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.metrics import SIMILARITIES
from bench.results.digests import damaged_table
from bench.results.items import GOLD, INFLUENCES, ITEM_KEYS, ROUNDING, SHORTLIST, metric_column
from bench.results.schema import CostRecord, ModelRecord, QualityRecord, Value, detail_text
from bench.results.store import read_items, table_path
from bench.results.study_records import ControlRecord, FidelityRecord, RerankRecord

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
_Key = tuple[int | str | None, ...]

_TIMED = re.compile(r"(?P<timed>\w+)_(p\d+|max)_ms")
_SAMPLES = ("timed", "truncate_dim", "precision", "detail")


@dataclass(frozen=True)
class _Part:
    """What a record states of some rows of its table.

    Attributes:
        key: What the rows have in the columns that tell parts apart.
        values: What the rows give, by name.
    """

    key: _Key
    values: Mapping[str, Value]


def check_table(path: Path, record: ModelRecord) -> None:
    """Check the table of a record against the record.

    Of what mteb scores no more is checked than that every view has rows: not every score is a mean of them.

    Args:
        path: The record's file.
        record: The record.

    Raises:
        BenchError: The table is missing or damaged, or does not have what the record states.
    """
    table = read_items(path, record)
    try:
        fault = _fault_of_samples(table, record) if isinstance(record, CostRecord) else _fault(table, record)
    except (KeyError, pa.ArrowException) as error:
        fault = f"it is not as bench writes it: {error}"
    if fault:
        raise damaged_table(table_path(path, record), f"the table is not what its record states: {fault}")


def _fault_of_samples(table: pa.Table, record: CostRecord) -> str | None:
    """What is wrong with raw latencies; a record of nothing that was timed has none."""
    if not table.num_rows:
        return None
    milliseconds = _numbers(table, "milliseconds")
    if not (np.isfinite(milliseconds) & (milliseconds >= 0)).all():
        return "it has a latency that is no positive number"
    counts = Counter(zip(*(table.column(name).to_pylist() for name in _SAMPLES), strict=True))
    for figure in record.figures:
        found = _TIMED.fullmatch(figure.name)
        if found is None:
            continue
        rows = counts[found["timed"], figure.truncate_dim, figure.precision, detail_text(figure.detail)]
        if rows != figure.n:
            return f"it has {rows} calls of {figure.name}, the record {figure.n}"
    return None


def _fault(table: pa.Table, record: QualityRecord | ControlRecord | RerankRecord | FidelityRecord) -> str | None:
    keys, parts = _parts(record)
    if record.task.type == "mteb" and pa.types.is_floating(table.column("precision").type):
        # From before metrics stood apart: the metric precision took the place of the view's.
        return None
    rows = _rows_by(table, keys)
    for part in parts:
        title = " ".join(str(name) for name in part.key if name is not None) or "the baseline"
        if part.key not in rows:
            return f"it has no rows of {title}"
        if record.task.type == "mteb":
            continue
        ids = table.column(ITEM_KEYS[record.task.type]).take(pa.array(rows[part.key]))
        if len(ids) != record.task.n or pc.count_distinct(ids).as_py() != record.task.n:
            return f"it has {len(ids)} rows of {title}, the record {record.task.n}"
        for name, found in _found(table, rows[part.key], part, record.task.type):
            stated = part.values[name].value
            if not abs(found - stated) <= ROUNDING * max(1.0, abs(stated)):
                return f"its rows of {title} give {name} {found:.6f}, the record {stated:.6f}"
    return None


def _parts(
    record: QualityRecord | ControlRecord | RerankRecord | FidelityRecord,
) -> tuple[tuple[str, ...], Iterator[_Part]]:
    """The columns that tell the parts of a record's table apart, and the parts."""
    if isinstance(record, QualityRecord):
        views = (_Part((part.truncate_dim, part.precision), part.metrics) for part in record.views)
        return ("truncate_dim", "precision"), views
    if isinstance(record, ControlRecord):
        cuts = (_Part((part.method, part.draw, part.truncate_dim), part.metrics) for part in record.controls)
        return ("method", "draw", "truncate_dim"), cuts
    if isinstance(record, RerankRecord):
        lists = (
            _Part((part.truncate_dim, part.precision, part.shortlist), part.metrics | {"shortlist_recall": part.recall})
            for part in record.shortlists
        )
        return ("truncate_dim", "precision", SHORTLIST), lists
    kept = (
        _Part((part.truncate_dim, part.precision), {str(name): value for name, value in part.measures.items()})
        for part in record.views
    )
    return ("truncate_dim", "precision"), kept


def _rows_by(table: pa.Table, keys: tuple[str, ...]) -> dict[_Key, Int64]:
    """Rows by what they have in some columns."""
    if not table.num_rows:
        return {}
    groups = table.select(keys).to_pandas().groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return {tuple(table.column(name)[int(rows[0])].as_py() for name in keys): rows for rows in parts}


def _found(table: pa.Table, rows: Int64, part: _Part, kind: str) -> Iterator[tuple[str, float]]:
    """What rows give of the values of their part, of those that follow from them."""
    for name in part.values:
        column, (similarity, _, correlation) = metric_column(name), name.rpartition("_")
        if kind == "sts" and similarity in SIMILARITIES and similarity in table.column_names:
            influences = INFLUENCES[correlation](_numbers(table, similarity)[rows], _numbers(table, GOLD)[rows])
            yield name, float(influences.mean())
        elif column in table.column_names:
            yield name, float(_numbers(table, column)[rows].mean())


def _numbers(table: pa.Table, name: str) -> Float64:
    found: Float64 = table.column(name).cast(pa.float64()).to_numpy()
    return found
