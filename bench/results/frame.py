"""Results as one flat pandas frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.paths import is_folder
from bench.results.index import ResultIndex
from bench.results.schema import ModelRecord, UnitRecord, Value, detail_text
from bench.results.store import ResultStore
from bench.views import View

if TYPE_CHECKING:
    import pandas as pd

_PLACE = ("task", "split", "subset", "truncate_dim", "precision", "control", "metric")
COLUMNS = (
    "model",
    "kind",
    *_PLACE,
    "value",
    "ci_low",
    "ci_high",
    "n",
    "detail",
    "spread",
    "computed",
    "environment",
    "noisy",
    "superseded",
    "verified",
    "created",
    "model_fingerprint",
    "task_fingerprint",
)
_ORDER = ("model", *_PLACE, "detail", "environment", "created")
_Row = dict[str, Any]


def load_results(path: str | Path = "results") -> pd.DataFrame:
    """All results in a folder, one row a model, task unit, view and metric.

    Quality rows carry the environment they were computed in, though they do not depend on it. A figure measured
    again is there once, the newest. `superseded` marks rows whose model or task has changed since. `verified` marks
    rows of records with digests, which matched; records from before there were digests have none. `control` is empty
    but for scores under a control for truncation (`pca`, `last`, `random-1`, ...). Scores of shortlists that are ranked
    again are `rerank_<metric>` and `shortlist_recall`, their `detail` `shortlist=<length>`.

    Args:
        path: The results folder.

    Returns:
        Columns COLUMNS; truncate_dim is a nullable Int64, missing for baselines and for costs of no view.

    Raises:
        BenchError: No such folder, or a file in it that cannot be read or is damaged.
    """
    return make_frame(read_records(Path(path)))


def read_records(root: Path) -> list[tuple[Path, UnitRecord]]:
    """The records in a folder, for `make_frame`.

    Raises:
        BenchError: As load_results.
    """
    if not is_folder(root):
        raise BenchError("no results folder", where=str(root), hint="make results first: bench run")
    return ResultStore(root).records()


def make_frame(records: Iterable[tuple[Path, UnitRecord]]) -> pd.DataFrame:
    """The frame that load_results gives, of records that were read."""
    import pandas as pd

    index = ResultIndex(records)
    parts = (_quality(index), _controls(index), _fidelity(index), _shortlists(index), _costs(index))
    frame = pd.DataFrame(list(chain(*parts)), columns=list(COLUMNS))
    frame["truncate_dim"] = frame["truncate_dim"].astype("Int64")
    frame["noisy"] = frame["noisy"].astype("boolean")
    for name in ("computed", "superseded", "verified"):
        frame[name] = frame[name].astype("bool")
    for name in ("value", "ci_low", "ci_high", "spread"):
        frame[name] = frame[name].astype("float64")
    return frame.sort_values(list(_ORDER), na_position="last", kind="stable", ignore_index=True)


def _quality(index: ResultIndex) -> Iterator[_Row]:
    for cell in index.cells.values():
        scores = cell.record.views[cell.position]
        place: _Row = {"truncate_dim": scores.truncate_dim, "precision": scores.precision}
        if cell.record.pooled:
            place["detail"] = detail_text({"folds": len(cell.record.pooled)})
        yield from _values(_common(cell.record, index) | place, scores.metrics.items())


def _controls(index: ResultIndex) -> Iterator[_Row]:
    for controls in index.controls.values():
        for cut, cell in controls.items():
            place = {"truncate_dim": cut.truncate_dim, "precision": "float32", "control": str(cut.control)}
            yield from _values(_common(cell.record, index) | place, cell.record.controls[cell.position].metrics.items())


def _fidelity(index: ResultIndex) -> Iterator[_Row]:
    for views in index.fidelity.values():
        for view, cell in views.items():
            measures = cell.record.views[cell.position].measures
            yield from _values(_common(cell.record, index) | _place(view), measures.items())


def _shortlists(index: ResultIndex) -> Iterator[_Row]:
    for lists in index.reranked.values():
        for shortlist, cell in lists.items():
            place = _place(shortlist.view) | {"detail": detail_text({"shortlist": shortlist.length})}
            values = [(f"rerank_{name}", value) for name, value in cell.scores.metrics.items()]
            values.append(("shortlist_recall", cell.scores.recall))
            yield from _values(_common(cell.record, index) | place, values)


def _costs(index: ResultIndex) -> Iterator[_Row]:
    for cost in index.costs.values():
        for figure, record in cost.figures.values():
            yield _common(record, index) | {
                "truncate_dim": figure.truncate_dim,
                "precision": figure.precision,
                "metric": figure.name,
                "value": figure.value,
                "n": figure.n,
                "detail": detail_text(figure.detail),
                "spread": figure.spread,
                "computed": figure.computed,
                "noisy": record.noise.noisy or not figure.steady,
            }


def _values(common: _Row, values: Iterable[tuple[str, Value]]) -> Iterator[_Row]:
    """A row a metric."""
    for name, value in values:
        yield common | {"metric": name, "value": value.value, "ci_low": value.ci_low, "ci_high": value.ci_high}


def _place(view: View) -> _Row:
    return {"truncate_dim": view.truncate_dim, "precision": view.precision}


def _common(record: ModelRecord, index: ResultIndex) -> _Row:
    return {
        "model": record.model.name,
        "kind": record.model.kind,
        "task": record.task.name,
        "split": record.task.split,
        "subset": record.task.subset,
        "control": "",
        "n": record.task.n,
        "detail": "",
        "computed": False,
        "environment": record.environment,
        "noisy": None,
        "superseded": bool(index.superseded(record)),
        "verified": record.table_digest is not None,
        "created": record.created,
        "model_fingerprint": record.model.fingerprint,
        "task_fingerprint": record.task.fingerprint,
    }
