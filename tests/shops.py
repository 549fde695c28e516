"""Results folders with made-up scores and costs, to choose from."""

from __future__ import annotations

import numpy as np
from support import cost_record, quality_record

from bench.results.schema import Figure
from bench.results.store import ResultStore

N = 40


def items(views, seed=0, spread=0.05):
    """Queries' scores whose means are the views' scores."""
    rng = np.random.default_rng(seed)
    rows = []
    for (dim, precision), score in views.items():
        noise = rng.normal(0, spread, N)
        rows.append((dim, precision, score + noise - noise.mean()))
    return {
        "truncate_dim": [dim for dim, _, _ in rows for _ in range(N)],
        "precision": [precision for _, precision, _ in rows for _ in range(N)],
        "query_id": [f"q{i}" for _ in rows for i in range(N)],
        "ndcg_at_10": np.concatenate([values for *_, values in rows]),
    }


def add_quality(folder, model="mini", views=None, *, seed=0, documents=1000, **changes):
    views = views or {(8, "float32"): 0.8, (8, "int8"): 0.799, (4, "float32"): 0.6}
    record = quality_record(model, views=views, n=N, **changes)
    record = record.model_copy(update={"task": record.task.model_copy(update={"documents": documents})})
    ResultStore(folder).write_quality(record, items(views, seed))


def add_cost(folder, figures, model="mini", *, documents=1000, **changes):
    """Figures are (name, value, dim, precision, detail)."""
    record = cost_record(model, **changes)
    record = record.model_copy(
        update={
            "task": record.task.model_copy(update={"documents": documents}),
            "figures": [
                Figure(name=name, value=value, n=90, truncate_dim=dim, precision=precision, detail=detail)
                for name, value, dim, precision, detail in figures
            ],
        }
    )
    ResultStore(folder).write_cost(record, {"timed": ["x"]})


def name(view):
    return view and (view.truncate_dim, view.precision, view.index)
