"""Peak memory of loading a model and of encoding with it."""

from __future__ import annotations

from typing import Any

from bench.cost.answer import Answer
from bench.cost.loading import ModelFiles
from bench.cost.memory import peak_rss_mib, reset_peak

_BATCH = 32


def probe(job: dict[str, Any]) -> Answer:
    """Load, then encode in batches, and read the peaks.

    Args:
        job: `model` (see ModelFiles), `texts` and `role`.
    """
    files = ModelFiles.from_job(job["model"])
    encoder = files.load()
    answer = Answer(settings={"device": encoder.device, "texts": len(job["texts"]), "batch": _BATCH})
    answer.add("memory_load_mib", peak_rss_mib())
    answer.add("weights_bytes", float(encoder.profile.weight_bytes))
    phases = reset_peak()
    context = encoder.profile.context(files.entry, job["role"])
    for start in range(0, len(job["texts"]), _BATCH):
        encoder.embed(job["texts"][start : start + _BATCH], context)
    # Where the kernel does not let phases be told apart, the peak of encoding stays blank rather than wrong.
    answer.add("memory_encode_mib", peak_rss_mib() if phases else None)
    return answer
