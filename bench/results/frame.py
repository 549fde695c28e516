"""Results as one flat pandas frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.results.index import ResultIndex
from bench.results.schema import ModelRecord, detail_text
from bench.results.store import ResultStore

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "model",
    "kind",
    "task",
    "split",
    "subset",
    "truncate_dim",
    "precision",
    "control",
    "metric",
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
    "created",
    "model_fingerprint",
    "task_fingerprint",
)


def load_results(path: str | Path = "results") -> pd.DataFrame:
    """All results in a folder, one row a model, task unit, view and metric.

    Quality rows carry the environment they were computed in, though they do not depend on it. A figure measured
    again is there once, the newest. `superseded` marks rows whose model or task has changed since. `control` is empty
    but for scores under a control for truncation (`pca`, `last`, `random-1`, ...). Scores of shortlists that are ranked
    again are `rerank_<metric>` and `shortlist_recall`, their `detail` `shortlist=<length>`.

    Args:
        path: The results folder.

    Returns:
        Columns COLUMNS; truncate_dim is a nullable Int64, missing for baselines and for costs of no view.

    Raises:
        BenchError: No such folder, or a file in it that cannot be read.
    """
    import pandas as pd

    root = Path(path)
    if not root.is_dir():
        raise BenchError("no results folder", where=str(root), hint="make results first: bench run")
    index = ResultIndex(ResultStore(root).records())
    rows: list[dict[str, Any]] = []
    for cell in index.cells.values():
        scores = cell.record.views[cell.position]
        common = _common(cell.record, index) | {"truncate_dim": scores.truncate_dim, "precision": scores.precision}
        rows.extend(common | {"metric": name, **value.model_dump()} for name, value in scores.metrics.items())
    for controls in index.controls.values():
        for cut, known in controls.items():
            common = _common(known.record, index)
            common |= {"truncate_dim": cut.truncate_dim, "precision": "float32", "control": str(cut.control)}
            metrics = known.record.controls[known.position].metrics
            rows.extend(common | {"metric": name, **value.model_dump()} for name, value in metrics.items())
    for kept in index.fidelity.values():
        for view, found in kept.items():
            common = _common(found.record, index) | {"truncate_dim": view.truncate_dim, "precision": view.precision}
            measures = found.record.views[found.position].measures
            rows.extend(common | {"metric": name, **value.model_dump()} for name, value in measures.items())
    for lists in index.reranked.values():
        for shortlist, reranked in lists.items():
            common = _common(reranked.record, index)
            common |= {"truncate_dim": shortlist.view.truncate_dim, "precision": shortlist.view.precision}
            common |= {"detail": detail_text({"shortlist": shortlist.length})}
            values = {f"rerank_{name}": value for name, value in reranked.scores.metrics.items()}
            values |= {"shortlist_recall": reranked.scores.recall}
            rows.extend(common | {"metric": name, **value.model_dump()} for name, value in values.items())
    for cost in index.costs.values():
        rows.extend(
            _common(record, index)
            | {
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
            for figure, record in cost.figures.values()
        )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["truncate_dim"] = frame["truncate_dim"].astype("Int64")
    frame["noisy"] = frame["noisy"].astype("boolean")
    frame["computed"] = frame["computed"].astype("bool")
    for name in ("value", "ci_low", "ci_high", "spread"):
        frame[name] = frame[name].astype("float64")
    order = [
        "model",
        "task",
        "split",
        "subset",
        "truncate_dim",
        "precision",
        "control",
        "metric",
        "detail",
        "environment",
        "created",
    ]
    return frame.sort_values(order, na_position="last", kind="stable", ignore_index=True)


def _common(record: ModelRecord, index: ResultIndex) -> dict[str, Any]:
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
        "superseded": index.superseded(record),
        "created": record.created,
        "model_fingerprint": record.model.fingerprint,
        "task_fingerprint": record.task.fingerprint,
    }
