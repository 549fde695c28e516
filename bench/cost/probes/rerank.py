"""Latency that ranking a shortlist again at full width adds to a search."""

from __future__ import annotations

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
_CACHE_LINE = 64

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
    second_stage = SecondStage(documents, min(length, len(documents)))
    answer = Answer(settings={"k": K, "documents": "memory-mapped"})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        shortlists = _shortlists(workspace, view, length)
        timing = time_calls(
            second_stage,
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


class SecondStage:
    """Gathers a shortlist's vectors and ranks them, in memory that is taken once, as a server would.

    Memory taken for each call lies at another place in each process, and medians of processes then differ by 10%.

    Args:
        documents: Full vectors, shape (n, width), float32.
        length: Documents of a shortlist, no more than there are.
    """

    def __init__(self, documents: Float32, length: int) -> None:
        self._documents = documents
        self._gathered = _aligned(length * documents.shape[1]).reshape(length, -1)
        self._scores = _aligned(length)

    def __call__(self, query: tuple[Float32, npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
        """The best documents of a shortlist, given the query at full width, shape (width,), and their rows."""
        vector, rows = query
        # `clip`: in any other mode numpy gathers into memory of its own first; the index gives no row out of range.
        np.take(self._documents, rows, axis=0, out=self._gathered, mode="clip")
        np.matmul(self._gathered, vector, out=self._scores)
        return rows[np.argsort(-self._scores)[:K]]


def _aligned(size: int) -> Float32:
    """Memory for float32 numbers that begins where a cache line does."""
    memory = np.empty(size * 4 + _CACHE_LINE, dtype=np.uint8)
    start = -memory.ctypes.data % _CACHE_LINE
    return memory[start : start + size * 4].view(np.float32)
