"""The search probe: builds the index of every view, and has each timed in a fresh process (search_timing)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.process import run_probe, serve

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
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder:
        return _baseline(job, Path(folder)) if "texts" in job else _views(job, Path(folder))


def _views(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    import faiss

    from bench.vectors.quantise import Quantiser
    from bench.vectors.store import VectorSpace, keys_from_bytes
    from bench.views import View

    space = VectorSpace(Path(job["space"]["root"]), job["space"]["fingerprint"])
    space.refresh()
    documents = space.vectors(keys_from_bytes(Path(job["documents"]).read_bytes()))
    queries = space.vectors(keys_from_bytes(Path(job["queries"]).read_bytes())).rows(slice(0, _QUERIES))
    figures: list[dict[str, Any]] = []
    samples: dict[str, list[float]] = {}
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        # faiss learns the ranges of int8 itself, so the quantiser here needs none.
        quantiser = Quantiser(view, job["similarity"])
        index = _index(view)
        for start in range(0, len(documents), _ROWS):
            prepared = _prepare(quantiser, documents.rows(slice(start, start + _ROWS)))
            if not index.is_trained:
                index.train(prepared)
            index.add(prepared)
        file, query_file = folder / "index", folder / "queries.npy"
        write = faiss.write_index_binary if precision == "binary" else faiss.write_index
        write(index, str(file))
        np.save(query_file, _prepare(quantiser, queries))
        del index
        answer = run_probe(
            "bench.cost.search_timing",
            {"index": str(file), "binary": precision == "binary", "queries": str(query_file)},
        )
        place = {"truncate_dim": truncate_dim, "precision": precision}
        sizes = {"bytes_per_vector": view.bytes_per_vector, "index_bytes": file.stat().st_size}
        found = [*answer["figures"], *({"name": name, "value": size, "n": 1} for name, size in sizes.items())]
        figures += [figure | place for figure in found]
        samples[f"search {view}"] = answer["samples"]
    settings = answer["settings"] | {"documents": len(documents)}
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


def _baseline(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    from bench.quality.bm25 import Bm25

    Bm25(job["texts"]).save(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    answer = run_probe("bench.cost.search_timing", {"bm25": str(folder), "texts": job["query_texts"][:_QUERIES]})
    figures = [*answer["figures"], {"name": "index_bytes", "value": size, "n": 1}]
    settings = answer["settings"] | {"documents": len(job["texts"])}
    return {"figures": figures, "samples": {"search": answer["samples"]}, "settings": settings}


if __name__ == "__main__":
    serve(probe)
