"""Latency that ranking a shortlist again at full width adds to a search."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.answer import Answer, Timed
from bench.cost.indices import FULL, FULL_QUERIES, read_index, read_queries
from bench.cost.probes.search import K
from bench.cost.timing import time_calls
from bench.views import View

_MAX_CALLS = 2000
_WARM_UP_SECONDS = 0.25

Float32 = npt.NDArray[np.float32]


def probe(job: dict[str, Any]) -> Answer:
    """Time the second stage of one query at a time, on one thread, for the shortlists of every view.

    The documents at full width are a memory-mapped file that is in the system's page cache.

    Args:
        job: `workspace` (of bench.cost.probes.build), `views`, `calls` (see Effort.search) and `shortlist` (documents).
    """
    workspace = Path(job["workspace"])
    documents = np.asarray(np.load(workspace / FULL, mmap_mode="r", allow_pickle=False))
    queries = np.load(workspace / FULL_QUERIES, allow_pickle=False)
    length = job["shortlist"]
    answer = Answer(settings={"k": K, "documents": "memory-mapped"})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        shortlists = _shortlists(workspace, view, length)
        timing = time_calls(
            partial(_rerank, documents),
            list(zip(queries, shortlists, strict=True)),
            max_calls=_MAX_CALLS,
            warm_up_seconds=_WARM_UP_SECONDS,
            **job["calls"],
        )
        answer.timed.append(Timed.of("rerank", timing, view, shortlist=length))
    return answer


def _shortlists(workspace: Path, view: View, length: int) -> npt.NDArray[np.int64]:
    index = read_index(workspace, view, "flat")
    found: npt.NDArray[np.int64] = index.search(read_queries(workspace, view), min(length, index.ntotal))[1]
    return found


def _rerank(documents: Float32, query: tuple[Float32, npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    vector, rows = query
    scores = documents[rows] @ vector
    return rows[np.argsort(-scores)[:K]]
