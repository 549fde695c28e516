"""Latency of searching one query in indices that are built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.answer import Answer, Timed
from bench.cost.timing import time_calls
from bench.views import View

K = 10
_MAX_CALLS = 2000
_WARM_UP_SECONDS = 0.25


def probe(job: dict[str, Any]) -> Answer:
    """Time one query at a time at every view, one index in memory at a time.

    Args:
        job: `workspace` (of bench.cost.probes.build), `calls` (see Effort.search) and `views`; or `query_texts` for
            the BM25 baseline.
    """
    answer = Answer(settings={"k": K})
    for view, search, inputs in searches(job):
        timing = time_calls(search, inputs, max_calls=_MAX_CALLS, warm_up_seconds=_WARM_UP_SECONDS, **job["calls"])
        answer.timed.append(Timed.of("search", timing, view))
    return answer


def searches(job: dict[str, Any]) -> Iterator[tuple[View | None, Callable[[Any], object], Sequence[Any]]]:
    """Every view's search of one query, and its queries."""
    workspace = Path(job["workspace"])
    if "query_texts" in job:
        from bench.quality.bm25 import Bm25

        index = Bm25.load(workspace / "bm25")
        yield None, lambda text: index.search(text, K), job["query_texts"]
        return
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        yield view, *load_search(workspace, view)


def load_search(workspace: Path, view: View) -> tuple[Callable[[Any], object], Sequence[Any]]:
    """The search of one query at a view, on one thread, and its queries."""
    import faiss

    # One query cannot use several threads well, and a server gives each query one.
    faiss.omp_set_num_threads(1)
    read = faiss.read_index_binary if view.precision == "binary" else faiss.read_index
    index = read(str(workspace / f"{view}.index"))
    queries = np.load(workspace / f"{view}.queries.npy", allow_pickle=False)
    k = min(K, index.ntotal)
    return lambda query: index.search(query, k), list(queries[:, None, :])
