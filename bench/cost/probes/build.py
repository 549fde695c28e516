"""Building the indices of every view from stored vectors, into files that other probes load."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from bench.cost.answer import Answer
from bench.cost.corpus import Corpus, open_corpus, write_rows
from bench.cost.indices import (
    FULL,
    FULL_QUERIES,
    index_file,
    make_index,
    prepare,
    queries_file,
    train,
    write_index,
)
from bench.errors import BenchError
from bench.index_layout import HNSW_SETTINGS, Kind, index_bytes
from bench.paths import matching, size_below
from bench.vectors.quantise import Quantiser
from bench.views import View

# Growing by chunks, an index is copied now and then, and for a moment there twice.
_GROWTH = 2


def probe(job: dict[str, Any]) -> Answer:
    """Write the indices and queries of every view.

    Args:
        job: `workspace` (a folder), `views`, `kinds`, `detail` (of every figure), `similarity`, `max_queries` and what
            open_corpus takes; `full` tells whether reranking wants the vectors at full width beside them. Or
            `workspace`, `texts` for the BM25 baseline.

    Raises:
        BenchError: There is too little room on the disk or in memory.
    """
    workspace = Path(job["workspace"])
    return _baseline(job, workspace) if "texts" in job else _views(job, workspace)


def _views(job: dict[str, Any], workspace: Path) -> Answer:
    # Views that were measured before these are done with.
    for path in [*matching(workspace, "*.index"), *matching(workspace, "*.queries.npy")]:
        path.unlink()
    corpus, stored = open_corpus(job)
    queries = stored.rows(slice(0, job["max_queries"]))
    views = [View(dim, precision) for dim, precision in job["views"]]
    full = 4 * corpus.width * len(corpus) if job["full"] else 0
    check_room(views, job["kinds"], len(corpus), workspace, full)
    # faiss learns the ranges of int8 itself, so the quantisers here need none.
    quantisers = [Quantiser(view, job["similarity"]) for view in views]
    ranges = _ranges([quantiser for quantiser in quantisers if quantiser.view.precision == "int8"], corpus)
    answer = Answer(settings={"documents": len(corpus), "queries": len(queries), "kinds": job["kinds"]})
    if "hnsw" in job["kinds"]:
        answer.settings["hnsw"] = HNSW_SETTINGS
    for quantiser in quantisers:
        view = quantiser.view
        np.save(queries_file(workspace, view), prepare(quantiser, queries))
        for kind in job["kinds"]:
            built = build_index(corpus, quantiser, kind, ranges.get(view))
            path = index_file(workspace, view, kind)
            write_index(built.index, path)
            detail = job["detail"] | ({"index": kind} if kind != "flat" else {})
            answer.add("index_bytes", path.stat().st_size, view, **detail)
            if kind == "hnsw":
                answer.add("hnsw_build_s", built.seconds, view, **job["detail"])
    if job["full"]:
        whole = Quantiser(View(corpus.width), job["similarity"])
        np.save(workspace / FULL_QUERIES, prepare(whole, queries))
        write_rows(workspace / FULL, corpus, lambda chunk: prepare(whole, chunk))
    return answer


@dataclass(frozen=True)
class Built:
    """An index with all documents.

    Attributes:
        index: Of faiss.
        seconds: What adding them took, on all cores, preparing the vectors not included.
    """

    index: Any
    seconds: float


def build_index(
    corpus: Corpus, quantiser: Quantiser, kind: Kind, ranges: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None
) -> Built:
    """The index of a corpus at a view.

    Args:
        corpus: The documents.
        quantiser: The view's.
        kind: Exact or HNSW.
        ranges: For int8, the smallest and largest value of each dimension.
    """
    index = make_index(quantiser.view, kind)
    if ranges is not None:
        train(index, *ranges)
    seconds = 0.0
    for chunk in corpus.chunks():
        prepared = prepare(quantiser, chunk)
        start = time.perf_counter()
        index.add(prepared)
        seconds += time.perf_counter() - start
    return Built(index, seconds)


def check_room(views: Sequence[View], kinds: Sequence[Kind], documents: int, workspace: Path, extra: int = 0) -> None:
    """Refuse to begin what cannot be finished.

    Args:
        views: Views whose indices are on the disk together.
        kinds: Which indices of each.
        documents: How many documents are in each.
        workspace: Where they are written.
        extra: Bytes of what else is written there.

    Raises:
        BenchError: The disk or the memory is too small for them.
    """
    sizes = [index_bytes(view, documents, kind) for view in views for kind in kinds]
    total = (sum(sizes) + extra) / 1e6
    hint = "ask for fewer documents with --corpus-size, or for fewer --truncate-dims or --precisions"
    free = shutil.disk_usage(workspace).free / 1e6
    if total > free:
        raise BenchError(
            f"the indices of {documents:,} documents take {total:,.0f} MB of disk, but {free:,.0f} MB are free",
            where=str(workspace),
            hint=f"make room, or set TMPDIR to a folder on a larger disk; or {hint}",
        )
    needed, available = _GROWTH * max(sizes), psutil.virtual_memory().available
    if needed > available:
        raise BenchError(
            f"the largest index of {documents:,} documents takes up to {needed / 1e6:,.0f} MB of memory while it is "
            f"built, but {available / 1e6:,.0f} MB are available",
            hint=hint,
        )


def _ranges(quantisers: Sequence[Quantiser], corpus: Corpus) -> dict[View, tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Smallest and largest value of each dimension of the whole corpus, by view."""
    found: dict[View, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = {}
    for chunk in corpus.chunks() if quantisers else ():
        for quantiser in quantisers:
            prepared = prepare(quantiser, chunk)
            low, high = prepared.min(axis=0), prepared.max(axis=0)
            known = found.get(quantiser.view, (low, high))
            found[quantiser.view] = np.minimum(low, known[0]), np.maximum(high, known[1])
    return found


def _baseline(job: dict[str, Any], workspace: Path) -> Answer:
    from bench.quality.bm25 import Bm25

    folder = workspace / "bm25"
    Bm25(job["texts"]).save(folder)
    answer = Answer(settings={"documents": len(job["texts"])})
    answer.add("index_bytes", size_below(folder))
    return answer
