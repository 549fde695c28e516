"""Latency of searching one query, on one thread, in indices that are built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cost.answer import Answer, Timed
from bench.cost.indices import read_index, read_queries
from bench.cost.timing import time_calls
from bench.results.schema import Detail
from bench.views import View

K = 10
_MAX_CALLS = 2000
_WARM_UP_SECONDS = 0.25


@dataclass(frozen=True)
class Search:
    """One index that is loaded.

    Attributes:
        view: Its view; None of a baseline.
        detail: Of its figures.
        one: The search of one query.
        inputs: The queries.
    """

    view: View | None
    detail: Detail
    one: Callable[[Any], object]
    inputs: Sequence[Any]


def probe(job: dict[str, Any]) -> Answer:
    """Time one query at a time in every index, one index in memory at a time.

    Args:
        job: `workspace` (of bench.cost.probes.build), `calls` (see Effort.search), `detail` (of every figure), `views`
            and `kinds`; or `query_texts` for the BM25 baseline.
    """
    answer = Answer(settings={"k": K})
    for search in searches(job):
        calls = job["calls"]
        timing = time_calls(search.one, search.inputs, max_calls=_MAX_CALLS, warm_up_seconds=_WARM_UP_SECONDS, **calls)
        answer.timed.append(Timed.of("search", timing, search.view, **search.detail))
    return answer


def searches(job: dict[str, Any]) -> Iterator[Search]:
    """Every index of a job in turn."""
    workspace = Path(job["workspace"])
    if "query_texts" in job:
        from bench.quality.bm25 import Bm25

        index = Bm25.load(workspace / "bm25")
        yield Search(None, {}, lambda text: index.search(text, K), job["query_texts"])
        return
    for truncate_dim, precision in job["views"]:
        for kind in job["kinds"]:
            detail = job["detail"] | ({"index": kind} if kind != "flat" else {})
            # A name here would keep one index while the next is loaded.
            yield _load(workspace, View(truncate_dim, precision), kind, detail)


def _load(workspace: Path, view: View, kind: Any, detail: Detail) -> Search:
    import faiss

    # One query cannot use several threads well, and a server gives each query one.
    faiss.omp_set_num_threads(1)
    index = read_index(workspace, view, kind)
    k = min(K, index.ntotal)
    return Search(view, detail, lambda query: index.search(query, k), list(read_queries(workspace, view)[:, None, :]))
