"""Energy of encoding many texts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.cost.answer import Answer
from bench.cost.bulk import BulkEncoder
from bench.cost.devices import open_device
from bench.cost.energy import meter_of, reason
from bench.cost.loading import ModelFiles
from bench.cost.nvml import NotCountedError
from bench.vectors.pipeline import worker_pool
from bench.vectors.tuning import BatchTuner


def probe(job: dict[str, Any]) -> Answer:
    """Encode texts in the batches of `bench run` for some seconds, between two readings of a counter.

    Args:
        job: `model` (see ModelFiles), `texts`, `role`, `seconds`, and `batch_rows` or `batch_memory` (where encoding
            keeps the size that it found best).
    """
    from bench.models.loading import check_device

    files = ModelFiles.from_job(job["model"])
    # Before loading, which takes long.
    device = open_device(check_device(files.entry.device, f"model `{files.entry.name}`"))
    try:
        meter = meter_of(device)
    except NotCountedError as error:
        return Answer(not_measured={"energy": reason(error)})
    encoder = files.load()
    before = device.facts()
    pool, workers = worker_pool(encoder)
    tuner = BatchTuner(
        fixed=job["batch_rows"],
        on_gpu=encoder.device != "cpu",
        workers=workers,
        tokens=0,
        memory=Path(job["batch_memory"]),
    )
    with pool:
        context = files.contexts[job["role"]]
        bulk = BulkEncoder(encoder, device, context, job["texts"], pool)
        batches = bulk.batches(tuner.size, len(job["texts"]))
        bulk.seconds(batches)
        passes, start = 0, time.perf_counter()
        meter.start()
        while not passes or time.perf_counter() - start < job["seconds"]:
            bulk.seconds(batches)
            passes += 1
        joules, seconds = meter.joules(), time.perf_counter() - start
    answer = Answer(
        settings={
            "device": encoder.device,
            "texts": len(job["texts"]),
            "batch": f"{tuner.size} ({tuner.how})",
            "counter": meter.how,
            "seconds": round(seconds, 2),
        }
    )
    answer.add("energy_j_per_1000_texts", 1000 * joules / (passes * len(job["texts"])), n=passes)
    answer.settings |= {"before": before, "after": device.facts()} if before else {}
    return answer
