"""The indices of faiss that search is measured with: exact ones and HNSW, one a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.index_layout import EF_CONSTRUCTION, EF_SEARCH, Kind, M, padded
from bench.vectors.quantise import Quantiser, unit
from bench.views import View

# What reranking reads: documents and queries at full width in float32.
FULL, FULL_QUERIES = "full.npy", "full.queries.npy"

Float32 = npt.NDArray[np.float32]


def make_index(view: View, kind: Kind = "flat") -> Any:
    """An empty index of faiss: inner product, or Hamming distance for binary.

    Args:
        view: The view.
        kind: Exact, or HNSW with this module's settings.
    """
    import faiss

    if kind == "flat":
        return _flat(view)
    metric = faiss.METRIC_INNER_PRODUCT
    index: Any
    if view.precision == "binary":
        index = faiss.IndexBinaryHNSW(padded(view.truncate_dim), M)
    elif view.precision == "float32":
        index = faiss.IndexHNSWFlat(view.truncate_dim, M, metric)
    else:
        index = faiss.IndexHNSWSQ(view.truncate_dim, _scalar(view), M, metric)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.hnsw.efSearch = EF_SEARCH
    return index


def _flat(view: View) -> Any:
    import faiss

    match view.precision:
        case "float32":
            return faiss.IndexFlatIP(view.truncate_dim)
        case "binary":
            return faiss.IndexBinaryFlat(padded(view.truncate_dim))
    return faiss.IndexScalarQuantizer(view.truncate_dim, _scalar(view), faiss.METRIC_INNER_PRODUCT)


def _scalar(view: View) -> Any:
    import faiss

    return faiss.ScalarQuantizer.QT_fp16 if view.precision == "float16" else faiss.ScalarQuantizer.QT_8bit


def train(index: Any, low: Float32, high: Float32) -> None:
    """Let an int8 index learn its ranges.

    faiss takes the smallest and the largest value of each dimension, so that these two rows teach it what all the
    corpus would, and no document is cut off as it would be after a sample.

    Args:
        index: An empty index.
        low: The corpus's smallest values, shape (d,).
        high: Its largest.
    """
    index.train(np.stack([low, high]))


def prepare(quantiser: Quantiser, vectors: Float32) -> npt.NDArray[Any]:
    """Vectors as an index takes them: packed bits, or float32 rows whose products are scores.

    Args:
        quantiser: The view's; one without ranges will do, since faiss learns its own.
        vectors: Full vectors, shape (n, width).
    """
    if quantiser.view.precision == "binary":
        return np.packbits(quantiser.codes(vectors), axis=1)
    kept = quantiser.cut(vectors)
    if quantiser.similarity == "cosine":
        kept = unit(kept)[0].astype(np.float32)
    return np.ascontiguousarray(kept)


def index_file(workspace: Path, view: View, kind: Kind) -> Path:
    """Where the index of a view is kept."""
    return workspace / f"{view}.{kind}.index"


def queries_file(workspace: Path, view: View) -> Path:
    """Where the queries of a view are kept."""
    return workspace / f"{view}.queries.npy"


def write_index(index: Any, path: Path) -> None:
    """Serialise an index as faiss does."""
    import faiss

    write = faiss.write_index_binary if isinstance(index, faiss.IndexBinary) else faiss.write_index
    write(index, str(path))


def read_index(workspace: Path, view: View, kind: Kind) -> Any:
    """An index that a build left."""
    import faiss

    read = faiss.read_index_binary if view.precision == "binary" else faiss.read_index
    return read(str(index_file(workspace, view, kind)))


def read_queries(workspace: Path, view: View) -> npt.NDArray[Any]:
    """The queries that a build left, as the view's indices take them."""
    queries: npt.NDArray[Any] = np.load(queries_file(workspace, view), allow_pickle=False)
    return queries
