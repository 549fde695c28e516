"""Throughput of encoding many texts, by batch size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.cost.answer import Answer
from bench.cost.bulk import BulkEncoder
from bench.cost.devices import open_device
from bench.cost.flops import matmul_gflops, model_flops
from bench.cost.loading import ModelFiles
from bench.errors import BenchError
from bench.models.memory import out_of_memory
from bench.vectors.batches import Batch, BatchSize
from bench.vectors.pipeline import worker_pool

# A pass gives every worker this many batches at least, and has this many texts at least.
_ROUNDS = 2
_TEXTS = 32
# Of all the time for a process, how much warming up may take.
_WARM_UP = 1 / 6
_AGREE = 0.05


@dataclass(frozen=True)
class _Pass:
    """Passes over texts at one batch size.

    Attributes:
        size: Texts a batch.
        batches: The batches of one pass.
        passes: How many passes were timed.
        seconds: What one of them took, the median.
    """

    size: int
    batches: list[Batch]
    passes: int
    seconds: float

    @property
    def texts_per_s(self) -> float:
        return sum(len(batch.rows) for batch in self.batches) / self.seconds

    @property
    def tokens_per_s(self) -> float:
        return tokens(self.batches) / self.seconds


def probe(job: dict[str, Any]) -> Answer:
    """Encode texts on all cores at one batch size after the other.

    Args:
        job: `model` (see ModelFiles), `texts`, `role`, `batch_sizes` and `seconds` (for the sweep, about).
    """
    files = ModelFiles.from_job(job["model"])
    encoder = files.load()
    device = open_device(encoder.device)
    before = device.facts()
    context = files.contexts[job["role"]]
    texts: list[str] = job["texts"]
    pool, workers = worker_pool(encoder)
    answer = Answer(settings={"device": encoder.device, "texts": len(texts), "workers": workers})
    with pool:
        bulk = BulkEncoder(encoder, device, context, texts, pool)
        sizes = [size for size in sorted(set(job["batch_sizes"])) if size <= len(texts)] or [len(texts)]
        try:
            measured = sweep(bulk, sizes, workers, job["seconds"], answer)
        finally:
            device.release()
        if not measured:
            raise BenchError(
                f"not even a batch of {sizes[0]} fits into the memory of {encoder.device}",
                where=f"model `{files.entry.name}`",
                hint="lower `max_seq_length`, use `dtype: float16`, or another device",
            )
        machine = matmul_gflops(files.entry.dtype, device, pool, workers)
    for found in measured:
        answer.add("encode_texts_per_s", found.texts_per_s, n=found.passes, batch=found.size)
        answer.add("encode_tokens_per_s", found.tokens_per_s, n=found.passes, batch=found.size)
    best = max(measured, key=lambda found: found.tokens_per_s)
    answer.add("encode_texts_per_s", best.texts_per_s, n=best.passes)
    answer.add("encode_tokens_per_s", best.tokens_per_s, n=best.passes)
    answer.add("encode_best_batch", best.size)
    answer.add("matmul_gflops", machine)
    # torch sees nothing of what another backend computes.
    flops = model_flops(encoder, texts, best.batches, context) if files.entry.backend == "torch" else 0
    if flops:
        answer.add("encode_matmul_share", flops / best.seconds / 1e9 / machine, n=best.passes)
    else:
        answer.not_measured["encode_matmul_share"] = "the model makes no matrix products that torch counts"
    answer.settings |= {"before": before, "after": device.facts()} if before else {}
    return answer


def sweep(bulk: BulkEncoder, sizes: Sequence[int], workers: int, seconds: float, answer: Answer) -> list[_Pass]:
    """Time passes at one batch size after the other, from the smallest.

    It ends before a size for which one pass would take more than the time that is left, and at a size that does not
    fit into memory; both are told in the answer.

    Args:
        bulk: What encodes.
        sizes: Texts a batch.
        workers: Batches that run at once.
        seconds: For all of them, about.
        answer: Told where the sweep ended.
    """
    start = time.perf_counter()
    measured: list[_Pass] = []
    rate = 0.0
    for position, size in enumerate(sizes):
        batches = bulk.batches(BatchSize(rows=size), max(_ROUNDS * size * workers, _TEXTS))
        try:
            if not measured:
                rate = _warm_up(bulk, batches, seconds * _WARM_UP)
            left = seconds - (time.perf_counter() - start)
            if measured and tokens(batches) / rate > left:
                answer.settings["batch_sizes_not_tried"] = list(sizes[position:])
                break
            found = _passes(bulk, size, batches, left / (len(sizes) - position))
        except Exception as error:
            if not out_of_memory(error):
                raise
            answer.not_measured[f"bulk batch={size}"] = "out of memory, so no larger batch was tried"
            break
        measured.append(found)
        rate = found.tokens_per_s
    return measured


def tokens(batches: Sequence[Batch]) -> float:
    """Tokens of batches without padding."""
    return float(sum(batch.tokens.sum() for batch in batches))


def _warm_up(bulk: BulkEncoder, batches: Sequence[Batch], seconds: float) -> float:
    """Encode until two passes in a row agree or the time is over; tokens a second of the last pass."""
    start = time.perf_counter()
    last = bulk.seconds(batches)
    while time.perf_counter() - start < seconds:
        before, last = last, bulk.seconds(batches)
        if abs(before - last) <= _AGREE * last:
            break
    return tokens(batches) / last


def _passes(bulk: BulkEncoder, size: int, batches: list[Batch], seconds: float) -> _Pass:
    """Passes at one size; the first only warms up where there is time for others."""
    start = time.perf_counter()
    taken = [bulk.seconds(batches)]
    while time.perf_counter() - start + taken[-1] <= seconds:
        taken.append(bulk.seconds(batches))
    counted = taken[1:] or taken
    return _Pass(size, batches, len(counted), median(counted))
