"""Throughput of encoding many texts."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.answer import Answer
from bench.cost.loading import ModelFiles

_PASSES = 2


def probe(job: dict[str, Any]) -> Answer:
    """Encode texts in batches on all cores, as `bench run` does.

    Args:
        job: `model` (see ModelFiles), `texts`, `role`, and `batch_rows` or `batch_memory` (where encoding keeps the
            size that it found best).
    """
    from bench.vectors.batches import cut
    from bench.vectors.pipeline import worker_pool
    from bench.vectors.tuning import BatchTuner

    files = ModelFiles.from_job(job["model"])
    encoder = files.load()
    context = encoder.profile.context(files.entry, job["role"])
    texts: list[str] = job["texts"]
    tokens = encoder.token_counts(texts, context)
    pool, workers = worker_pool(encoder)
    tuner = BatchTuner(
        fixed=job["batch_rows"],
        on_gpu=encoder.device != "cpu",
        workers=workers,
        tokens=0,
        memory=Path(job["batch_memory"]),
    )
    batches = list(cut(np.arange(len(texts)), tokens, tuner.next_size))
    seconds = []
    with pool:
        for _ in range(_PASSES + 1):
            start = time.perf_counter()
            for _ in pool.map(lambda batch: encoder.embed([texts[row] for row in batch.rows], context), batches):
                pass
            seconds.append(time.perf_counter() - start)
    best = statistics.median(seconds[1:])
    answer = Answer(settings={"device": encoder.device, "texts": len(texts), "batch": f"{tuner.size} ({tuner.how})"})
    answer.add("encode_texts_per_s", len(texts) / best, n=_PASSES)
    answer.add("encode_tokens_per_s", float(tokens.sum()) / best, n=_PASSES)
    return answer
