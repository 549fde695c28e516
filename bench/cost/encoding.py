"""What is to be probed of a model's encoding: single texts, batches, memory, energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.effort import Effort
from bench.cost.energy import why_not
from bench.cost.loading import ModelFiles
from bench.cost.schedule import ProbeJob
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.pipeline import usable_cores

_SEED = 20240917
_SINGLES = 256
_BULK = 512
_MODULES = "bench.cost.probes."
# What a process needs besides what it times, on the machine that this was written on.
_LOADING_SECONDS = 7.0
_MATMUL_SECONDS = 3.0
_MEMORY_SECONDS = 3.0


def encoding_jobs(
    files: ModelFiles, batch_memory: Path, data: RetrievalData | PairData, effort: Effort, probes: Sequence[str]
) -> tuple[list[ProbeJob], dict[str, str]]:
    """The probes that encode.

    Args:
        files: The model.
        batch_memory: Where encoding keeps the batch size that it found best.
        data: The task's data; texts are drawn from it by seed.
        effort: How much is measured.
        probes: Which probes are wanted; the jobs of others are among those returned all the same.

    Returns:
        The jobs, and what is known not to be measurable here, with the reason.
    """
    if isinstance(data, RetrievalData):
        singles = {"query": draw(data.queries, _SINGLES), "document": draw(data.documents, _SINGLES)}
        many, role = draw(data.documents, _BULK), "document"
    else:
        singles = {"text": draw(data.sentences1, _SINGLES)}
        many, role = draw([*data.sentences1, *data.sentences2], _BULK), "text"
    model = files.to_job()
    fixed = files.entry.batch_size if files.entry.batch_size != "auto" else None
    bulk: dict[str, Any] = {"model": model, "texts": many, "role": role}
    calls, sweep = effort.encode(), effort.bulk_seconds / effort.processes
    each = calls["min_seconds"] + calls["warm_up_seconds"]

    def job(probe: str, told: dict[str, Any], seconds: float, processes: int, threads: int | None) -> ProbeJob:
        return ProbeJob(probe, f"{_MODULES}{probe}", told, _LOADING_SECONDS + seconds, processes, threads)

    jobs = []
    for threads in dict.fromkeys((usable_cores(), 1) if effort.thorough else (usable_cores(),)):
        single: dict[str, Any] = {
            "model": model,
            "texts": singles,
            "main": next(iter(singles)),
            "threads": threads if threads != usable_cores() else None,
            "calls": calls,
        }
        jobs.append(job("encode", single, len(singles) * each, effort.processes, threads))
    sizes = {"batch_sizes": [*effort.batch_sizes, *([fixed] if fixed else [])], "seconds": sweep}
    jobs.append(job("bulk", bulk | sizes, _MATMUL_SECONDS + sweep, effort.processes, usable_cores()))
    jobs.append(job("memory", bulk, _MEMORY_SECONDS, 1, None))
    no_energy = why_not(files.entry.device) if "energy" in probes else None
    if no_energy is not None:
        return jobs, {"energy": no_energy}
    counted = {"batch_rows": fixed, "batch_memory": str(batch_memory), "seconds": effort.energy_seconds}
    jobs.append(job("energy", bulk | counted, 2 * effort.energy_seconds, 1, usable_cores()))
    return jobs, {}


def draw(texts: Sequence[str], count: int) -> list[str]:
    """A sample of unique texts, the same for the same texts."""
    unique = sorted(set(texts))
    rng = np.random.default_rng(_SEED)
    return [unique[row] for row in rng.permutation(len(unique))[:count]]
