"""Throughput of searching many queries at once on all cores, and how much of the truth HNSW finds."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.answer import Answer
from bench.cost.indices import read_index, read_queries
from bench.cost.probes.search import K
from bench.index_layout import Kind
from bench.views import View

Float64 = npt.NDArray[np.float64]

_SECONDS = 0.2
_WARM_UP_QUERIES = 100
# By how much the same score may differ: matrix products and single ones add in another order.
_ROUNDING = 1e-5


def probe(job: dict[str, Any]) -> Answer:
    """Search all queries in every index, one index in memory at a time.

    Args:
        job: `workspace` (of bench.cost.probes.build), `detail` (of every figure), `views` and `kinds`.
    """
    workspace = Path(job["workspace"])
    answer = Answer(settings={"k": K})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        queries = read_queries(workspace, view)
        found: dict[Kind, Float64] = {}
        for kind in job["kinds"]:
            seconds, found[kind] = _search_all(workspace, view, kind, queries)
            detail = job["detail"] | ({"index": kind} if kind != "flat" else {})
            answer.add("search_queries_per_s", len(queries) / seconds, view, n=len(queries), **detail)
        if "hnsw" in found:
            hits = float(recall(found["flat"], found["hnsw"]).mean())
            answer.add(f"hnsw_recall_at_{K}", hits, view, n=len(queries), **job["detail"])
    answer.settings["queries"] = len(queries)
    return answer


def _search_all(workspace: Path, view: View, kind: Kind, queries: npt.NDArray[Any]) -> tuple[float, Float64]:
    """Seconds of a search of all queries, and how near their k results are, shape (queries, k)."""
    index = read_index(workspace, view, kind)
    k = min(K, index.ntotal)
    index.search(queries[:_WARM_UP_QUERIES], k)
    passes: list[float] = []
    while sum(passes) < _SECONDS:
        start = time.perf_counter()
        values, rows = index.search(queries, k)
        passes.append(time.perf_counter() - start)
    nearness = -values.astype(np.float64) if view.precision == "binary" else values.astype(np.float64)
    # What faiss writes in the place of a result that it did not find is, for binary, the least of all distances.
    nearness[rows < 0] = -np.inf
    return statistics.median(passes), nearness


def recall(exact: Float64, found: Float64) -> Float64:
    """The share of each query's results that are at least as near as the last exact one.

    Counted by distance and not by document, so that of documents that tie any one will do.

    Args:
        exact: Scores, or distances less than zero, of the exact search, best first, shape (n, k).
        found: Those of another search, shape (n, k); -inf for what it did not find.

    Returns:
        Shape (n,).
    """
    last = exact[:, -1:]
    return np.asarray((found >= last - _ROUNDING * np.maximum(np.abs(last), 1)).mean(axis=1))
