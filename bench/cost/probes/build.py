"""Building the index of every view from stored vectors, into files that other probes load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cost.answer import Answer
from bench.views import View

_ROWS = 16_384


def probe(job: dict[str, Any]) -> Answer:
    """Write `<view>.index` and `<view>.queries.npy` for every view.

    Args:
        job: `workspace` (a folder), `space` (root, fingerprint), `documents` and `queries` (files of keys),
            `similarity`, `views` and `max_queries`; or `workspace`, `texts` for the BM25 baseline.
    """
    workspace = Path(job["workspace"])
    return _baseline(job, workspace) if "texts" in job else _views(job, workspace)


def _views(job: dict[str, Any], workspace: Path) -> Answer:
    import faiss

    from bench.vectors.quantise import Quantiser
    from bench.vectors.store import VectorSpace, keys_from_bytes

    space = VectorSpace(Path(job["space"]["root"]), job["space"]["fingerprint"])
    space.refresh()
    documents = space.vectors(keys_from_bytes(Path(job["documents"]).read_bytes()))
    queries = space.vectors(keys_from_bytes(Path(job["queries"]).read_bytes())).rows(slice(0, job["max_queries"]))
    answer = Answer(settings={"documents": len(documents)})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        # faiss learns the ranges of int8 itself, so the quantiser here needs none.
        quantiser = Quantiser(view, job["similarity"])
        index = make_index(view)
        for start in range(0, len(documents), _ROWS):
            prepared = prepare(quantiser, documents.rows(slice(start, start + _ROWS)))
            if not index.is_trained:
                index.train(prepared)
            index.add(prepared)
        write = faiss.write_index_binary if precision == "binary" else faiss.write_index
        write(index, str(workspace / f"{view}.index"))
        np.save(workspace / f"{view}.queries.npy", prepare(quantiser, queries))
        answer.add("bytes_per_vector", view.bytes_per_vector, view)
        answer.add("index_bytes", (workspace / f"{view}.index").stat().st_size, view)
    return answer


def make_index(view: View) -> Any:
    """An empty exact index of faiss for a view."""
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


def prepare(quantiser: Any, vectors: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Vectors as the index takes them: packed bits, or float32 rows whose products are scores."""
    if quantiser.view.precision == "binary":
        return np.packbits(quantiser.codes(vectors), axis=1)
    kept = quantiser.cut(vectors)
    if quantiser.similarity == "cosine":
        from bench.vectors.quantise import unit

        kept = unit(kept)[0].astype(np.float32)
    return np.ascontiguousarray(kept)


def _baseline(job: dict[str, Any], workspace: Path) -> Answer:
    from bench.quality.bm25 import Bm25

    folder = workspace / "bm25"
    Bm25(job["texts"]).save(folder)
    answer = Answer(settings={"documents": len(job["texts"])})
    answer.add("index_bytes", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    return answer
