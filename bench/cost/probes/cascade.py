"""Latency of a cascade: a shortlist found at a view and ranked again at full width, as one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.answer import Answer, Timed
from bench.cost.indices import FULL, FULL_QUERIES, read_index, read_queries
from bench.cost.probes.rerank import SecondStage
from bench.cost.probes.search import K
from bench.cost.timing import time_calls
from bench.views import View

_WARM_UP_SECONDS = 0.05

Float32 = npt.NDArray[np.float32]


def probe(job: dict[str, Any]) -> Answer:
    """Time one query at a time, on one thread, at every view and length of shortlist.

    To find a longer shortlist takes longer than to find the ten best, so that the whole is timed and not added up.

    Args:
        job: `workspace` (of bench.cost.probes.build), `views`, `calls` (see Effort.cascade) and `shortlists` (numbers
            of documents, none above those that there are).
    """
    import faiss

    faiss.omp_set_num_threads(1)
    workspace = Path(job["workspace"])
    documents = np.asarray(np.load(workspace / FULL, mmap_mode="r", allow_pickle=False))
    vectors = np.load(workspace / FULL_QUERIES, allow_pickle=False)
    answer = Answer(settings={"k": K, "documents": "memory-mapped", "index": "flat"})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        index = read_index(workspace, view, "flat")
        inputs = list(zip(read_queries(workspace, view)[:, None, :], vectors, strict=True))
        for length in job["shortlists"]:
            cascade = Cascade(index, documents, length)
            timing = time_calls(cascade, inputs, warm_up_seconds=_WARM_UP_SECONDS, **job["calls"])
            answer.timed.append(Timed.of("cascade", timing, view, shortlist=length))
    return answer


class Cascade:
    """Both stages of one query.

    Args:
        index: The first stage's.
        documents: Full vectors, shape (n, width), float32.
        length: Documents of the shortlist, no more than there are.
    """

    def __init__(self, index: Any, documents: Float32, length: int) -> None:
        self._index = index
        self._length = length
        self._second_stage = SecondStage(documents, length)

    def __call__(self, query: tuple[npt.NDArray[Any], Float32]) -> npt.NDArray[np.int64]:
        """The best documents of a query: as the index wants it, shape (1, d), and at full width, shape (width,)."""
        short, vector = query
        return self._second_stage((vector, self._index.search(short, self._length)[1][0]))
