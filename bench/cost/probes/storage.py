"""Bytes that vectors take on the disk, and what millions of them and their indices would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench import index_layout
from bench.cost.answer import Answer
from bench.cost.corpus import Corpus, open_corpus, write_rows
from bench.results.schema import Figure
from bench.vectors.quantise import Quantiser, fit
from bench.views import View

PROJECTED = (1_000_000, 10_000_000, 100_000_000)


def probe(job: dict[str, Any]) -> Answer:
    """Write the vectors of every view, one view's at a time, and take the size of the file.

    Args:
        job: `workspace` (a folder), `views`, `similarity` and what open_corpus takes.
    """
    corpus, _ = open_corpus(job)
    workspace = Path(job["workspace"])
    answer = Answer(settings={"documents": len(corpus)})
    for truncate_dim, precision in job["views"]:
        view = View(truncate_dim, precision)
        quantiser = fit(view, job["similarity"], corpus.chunks())
        answer.add("bytes_per_vector", view.bytes_per_vector, view)
        answer.add("vectors_bytes", written_bytes(corpus, quantiser, workspace), view)
        answer.figures += projected(view)
    return answer


def written_bytes(corpus: Corpus, quantiser: Quantiser, folder: Path) -> int:
    """Bytes of the .npy file of a corpus's codes, which is deleted again; int8 adds that of its ranges.

    Args:
        corpus: The documents.
        quantiser: The view's.
        folder: Where there is room.
    """
    files = [folder / "vectors.npy"]
    binary = quantiser.view.precision == "binary"

    def codes(chunk: Any) -> Any:
        found = quantiser.codes(chunk)
        return np.packbits(found, axis=1) if binary else found

    write_rows(files[0], corpus, codes)
    if quantiser.ranges is not None:
        files.append(folder / "ranges.npy")
        np.save(files[1], np.stack([quantiser.ranges.low, quantiser.ranges.high]))
    size = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink()
    return size


def projected(view: View) -> list[Figure]:
    """Bytes of indices of millions of vectors, computed."""
    return [
        Figure(
            name="index_bytes",
            value=index_layout.index_bytes(view, count, kind),
            n=0,
            truncate_dim=view.truncate_dim,
            precision=view.precision,
            detail={"vectors": count, "index": kind},
            computed=True,
        )
        for count in PROJECTED
        for kind in index_layout.KINDS
    ]
