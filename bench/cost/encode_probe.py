"""The encode probe: latency of one text, throughput of many, memory. Runs in a process of its own."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.memory import peak_rss_mib, reset_peak
from bench.cost.process import serve
from bench.cost.timing import time_calls

_LATENCY_CALLS = 100
_LATENCY_SECONDS = 3.0
_LATENCY_CAP = 60.0
_BULK_PASSES = 3


def probe(job: dict[str, Any]) -> dict[str, Any]:
    """Measure one model.

    Args:
        job: `entry` (a ModelEntry), `located` (a Located), `space` (the fingerprint that its files must have),
            `singles` and `bulk` (texts with their roles), `batch_rows` or `batch_memory` (where encoding keeps the
            size it found best).

    Returns:
        `figures` (name, value, n), `samples` (probe, milliseconds) and `settings`.
    """
    from bench.models.encoder import load_verified
    from bench.models.registry import ModelEntry
    from bench.models.source import Located

    base_dir = Path(job["base_dir"])
    entry = ModelEntry.model_validate(job["entry"]).model_copy(update={"base_dir": base_dir})
    located = Located(**{**job["located"], "path": Path(job["located"]["path"])})
    encoder = load_verified(entry, located, job["space"])
    figures: list[dict[str, Any]] = []

    def add(name: str, value: float | None, n: int) -> None:
        if value is not None:
            figures.append({"name": name, "value": value, "n": n})

    add("memory_load_mib", peak_rss_mib(), 1)
    phases = reset_peak()
    context = encoder.profile.context(entry, job["single_role"])
    timing = time_calls(
        lambda text: encoder.embed([text], context),
        job["singles"],
        min_calls=_LATENCY_CALLS,
        min_seconds=_LATENCY_SECONDS,
        max_seconds=_LATENCY_CAP,
    )
    add("encode_cold_ms", timing.cold_ms, 1)
    for percentile in (50, 95):
        add(f"encode_p{percentile}_ms", timing.percentile(percentile), len(timing.samples_ms))
    import torch

    threads = torch.get_num_threads()
    rates, size = _bulk(encoder, encoder.profile.context(entry, job["bulk_role"]), job)
    add("encode_texts_per_s", statistics.median(rate for rate, _ in rates), len(rates))
    add("encode_tokens_per_s", statistics.median(rate for _, rate in rates), len(rates))
    # Where the kernel does not let phases be told apart, the peak of encoding stays blank rather than wrong.
    add("memory_encode_mib", peak_rss_mib() if phases else None, 1)
    add("weights_bytes", float(encoder.profile.weight_bytes), 1)
    return {
        "figures": figures,
        "samples": {"encode": timing.samples_ms},
        "settings": {
            "device": encoder.device,
            "torch_threads": threads,
            "single_texts": len(job["singles"]),
            "single_role": job["single_role"],
            "warm_up_calls": timing.warm_up,
            "bulk_texts": len(job["bulk"]),
            "bulk_batch": size,
        },
    }


def _bulk(encoder: Any, context: Any, job: dict[str, Any]) -> tuple[list[tuple[float, float]], str]:
    """Texts/s and tokens/s of each timed pass over the bulk texts, after one that warms up, and the batch size."""
    from bench.vectors.batches import cut
    from bench.vectors.pipeline import worker_pool
    from bench.vectors.tuning import BatchTuner

    texts: list[str] = job["bulk"]
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
    rates = []
    with pool:
        for turn in range(_BULK_PASSES + 1):
            start = time.perf_counter()
            for _ in pool.map(lambda batch: encoder.embed([texts[row] for row in batch.rows], context), batches):
                pass
            seconds = time.perf_counter() - start
            if turn:
                rates.append((len(texts) / seconds, float(tokens.sum()) / seconds))
    return rates, f"{tuner.size} ({tuner.how})"


if __name__ == "__main__":
    serve(probe)
