"""Timing one index that is already built: latency of one query, and the memory that searching takes.

In a process of its own, so that neither the vectors that the index was made from nor another view's index count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.memory import peak_rss_mib, reset_peak
from bench.cost.process import serve
from bench.cost.timing import time_calls

_K = 10
_CALLS = 200
_MAX_CALLS = 1000
_SECONDS = 0.5
_CAP = 20.0


def probe(job: dict[str, Any]) -> dict[str, Any]:
    """Load an index and time it.

    Args:
        job: `index` (file), `binary` and `queries` (a .npy file); or `bm25` (folder) and `texts`.

    Returns:
        `figures` (name, value, n), `samples` in ms and `settings`.
    """
    search, inputs, engine = _bm25(job) if "bm25" in job else _faiss(job)
    # The peak from here on holds the index and the search, but not what loading took for a moment.
    phases = reset_peak()
    timing = time_calls(
        search,
        inputs,
        min_calls=_CALLS,
        min_seconds=_SECONDS,
        max_seconds=_CAP,
        max_calls=_MAX_CALLS,
        warm_up_seconds=0.5,
    )
    peak = peak_rss_mib() if phases else None
    figures = [
        {"name": "search_p50_ms", "value": timing.percentile(50), "n": len(timing.samples_ms)},
        {"name": "search_p95_ms", "value": timing.percentile(95), "n": len(timing.samples_ms)},
        {"name": "memory_search_mib", "value": peak, "n": 1},
    ]
    return {
        "figures": [figure for figure in figures if figure["value"] is not None],
        "samples": timing.samples_ms,
        "settings": {"engine": engine, "search_threads": 1, "k": _K},
    }


def _faiss(job: dict[str, Any]) -> tuple[Callable[[Any], object], Sequence[Any], str]:
    import faiss

    # One query cannot use several threads well, and a server gives each query one.
    faiss.omp_set_num_threads(1)
    index = faiss.read_index_binary(job["index"]) if job["binary"] else faiss.read_index(job["index"])
    queries = np.load(job["queries"], allow_pickle=False)
    k = min(_K, index.ntotal)
    return lambda query: index.search(query, k), list(queries[:, None, :]), f"faiss {faiss.__version__} flat"


def _bm25(job: dict[str, Any]) -> tuple[Callable[[Any], object], Sequence[Any], str]:
    from bench.quality.bm25 import Bm25

    index = Bm25.load(Path(job["bm25"]))
    return lambda text: index.search(text, _K), job["texts"], "bm25s"


if __name__ == "__main__":
    serve(probe)
