"""Quality of a shortlist at every view that is ranked again at full width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.answer import Answer
from bench.errors import BenchError
from bench.quality.reranking import DRAWS, score_reranked
from bench.quality.shortlists import Judged
from bench.vectors.store import VectorSpace, keys_from_bytes
from bench.views import View


def probe(job: dict[str, Any]) -> Answer:
    """The task's main metric after reranking, over all its queries.

    Args:
        job: `space` (root, fingerprint), `documents` and `queries` (files of keys), `judged` (a file, see
            write_judged), `similarity`, `views`, `shortlist` and `metric`.
    """
    space = VectorSpace(Path(job["space"]["root"]), job["space"]["fingerprint"])
    space.refresh()
    raw = {name: Path(job[name]).read_bytes() for name in ("documents", "queries")}
    documents, queries = (space.vectors(keys_from_bytes(raw[name])) for name in ("documents", "queries"))
    with np.load(job["judged"], allow_pickle=False) as arrays:
        # Half of a key tells texts apart well enough to draw lots with.
        numbers = {name: np.frombuffer(raw[name], dtype="<u8")[::2] for name in raw}
        judged = Judged(**numbers, **arrays)
    answer = Answer(settings={"draws": DRAWS, "queries": len(queries)})
    views = [View(truncate_dim, precision) for truncate_dim, precision in job["views"]]
    metric, length = job["metric"], job["shortlist"]
    scored = score_reranked(judged, queries, documents, views, job["similarity"], [length], [metric])
    for view, values in scored:
        if isinstance(values, BenchError):
            answer.not_measured[f"rerank_{metric} at {view}"] = values.one_line
        else:
            answer.add(f"rerank_{metric}", float(values[metric].mean()), view, n=len(queries), shortlist=length)
    return answer
