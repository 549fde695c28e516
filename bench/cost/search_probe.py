"""The search probe: latency of one query at every view, index sizes, memory. Runs in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.memory import peak_rss_mib, reset_peak
from bench.cost.process import serve
from bench.cost.timing import Timing, time_calls

_K = 10
_CALLS = 200
_MAX_CALLS = 1000
_SECONDS = 0.5
_CAP = 20.0
_QUERIES = 200
_ROWS = 16_384


def probe(job: dict[str, Any]) -> dict[str, Any]:
    """Measure exact search, one query at a time on one thread.

    Args:
        job: Either `space` (root, fingerprint), `documents` and `queries` (files of keys), `similarity` and
            `views`; or `texts` and `query_texts` for the BM25 baseline.

    Returns:
        `figures` (name, value, n, truncate_dim, precision), `samples` and `settings`.
    """
    return _baseline(job) if "texts" in job else _views(job)


def _views(job: dict[str, Any]) -> dict[str, Any]:
    import faiss

    from bench.vectors.quantise import fit
    from bench.vectors.store import VectorSpace, keys_from_bytes
    from bench.views import View

    # One query cannot use several threads well, and a server gives each query one.
    faiss.omp_set_num_threads(1)
    space = VectorSpace(Path(job["space"]["root"]), job["space"]["fingerprint"])
    space.refresh()
    documents = space.vectors(keys_from_bytes(Path(job["documents"]).read_bytes()))
    queries = space.vectors(keys_from_bytes(Path(job["queries"]).read_bytes())).rows(slice(0, _QUERIES))
    figures: list[dict[str, Any]] = []
    samples: dict[str, list[float]] = {}
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        quantiser = fit(view, job["similarity"], (block for _, block in documents.blocks(_ROWS)))
        place = {"truncate_dim": truncate_dim, "precision": precision}
        index = _index(view)
        for start in range(0, len(documents), _ROWS):
            block = documents.rows(slice(start, start + _ROWS))
            prepared = _prepare(quantiser, block)
            if not index.is_trained:
                index.train(prepared)
            index.add(prepared)
        phases = reset_peak()
        timing = time_calls(
            _searcher(index),
            list(_prepare(quantiser, queries)[:, None, :]),
            min_calls=_CALLS,
            min_seconds=_SECONDS,
            max_seconds=_CAP,
            max_calls=_MAX_CALLS,
            warm_up_seconds=0.5,
        )
        figures += _search_figures(timing, place)
        peak = peak_rss_mib() if phases else None
        if peak is not None:
            figures.append({"name": "memory_search_mib", "value": peak, "n": 1, **place})
        figures.append({"name": "bytes_per_vector", "value": view.bytes_per_vector, "n": 1, **place})
        serialise = faiss.serialize_index_binary if precision == "binary" else faiss.serialize_index
        figures.append({"name": "index_bytes", "value": int(serialise(index).nbytes), "n": 1, **place})
        samples[f"search {view}"] = timing.samples_ms
    settings = {"engine": f"faiss {faiss.__version__} flat", "search_threads": 1, "k": _K, "documents": len(documents)}
    return {"figures": figures, "samples": samples, "settings": settings}


def _index(view: Any) -> Any:
    import faiss

    match view.precision:
        case "float32":
            return faiss.IndexFlatIP(view.truncate_dim)
        case "float16":
            kind = faiss.ScalarQuantizer.QT_fp16
        case "int8":
            kind = faiss.ScalarQuantizer.QT_8bit
        case "binary":
            # faiss wants whole bytes; padding bits are 0 on both sides and add nothing to the distance.
            return faiss.IndexBinaryFlat((view.truncate_dim + 7) // 8 * 8)
    return faiss.IndexScalarQuantizer(view.truncate_dim, kind, faiss.METRIC_INNER_PRODUCT)


def _prepare(quantiser: Any, vectors: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Vectors as the index takes them: packed bits, or float32 rows whose products are scores."""
    if quantiser.view.precision == "binary":
        return np.packbits(quantiser.codes(vectors), axis=1)
    kept = quantiser.cut(vectors)
    if quantiser.similarity == "cosine":
        from bench.vectors.quantise import unit

        kept = unit(kept)[0].astype(np.float32)
    return np.ascontiguousarray(kept)


def _searcher(index: Any) -> Callable[[Any], object]:
    return lambda query: index.search(query, min(_K, index.ntotal))


def _search_figures(timing: Timing, place: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": f"search_p{percentile}_ms", "value": value, "n": len(timing.samples_ms), **place}
        for percentile in (50, 95)
        if (value := timing.percentile(percentile)) is not None
    ]


def _baseline(job: dict[str, Any]) -> dict[str, Any]:
    from bench.quality.bm25 import Bm25

    index = Bm25(job["texts"])
    phases = reset_peak()
    timing = time_calls(
        lambda query: index.search(query, _K),
        job["query_texts"][:_QUERIES],
        min_calls=_CALLS,
        min_seconds=_SECONDS,
        max_seconds=_CAP,
        max_calls=_MAX_CALLS,
        warm_up_seconds=0.5,
    )
    figures = _search_figures(timing, {})
    peak = peak_rss_mib() if phases else None
    if peak is not None:
        figures.append({"name": "memory_search_mib", "value": peak, "n": 1})
    folder = Path(tempfile.mkdtemp(prefix="bench-bm25-"))
    try:
        index.save(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    finally:
        shutil.rmtree(folder)
    figures.append({"name": "index_bytes", "value": size, "n": 1})
    settings = {"engine": "bm25s", "search_threads": 1, "k": _K, "documents": len(job["texts"])}
    return {"figures": figures, "samples": {"search": timing.samples_ms}, "settings": settings}


if __name__ == "__main__":
    serve(probe)
