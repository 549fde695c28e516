"""Encoding what the store lacks: each unique text once, longest first, written a chunk at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.vectors.batches import Batch, cut, windows
from bench.vectors.pipeline import Encoder, Pipeline, Progress, worker_pool
from bench.vectors.store import BATCH_SIZE, VectorSpace
from bench.vectors.texts import TextGroup, UniqueTexts, unique_texts
from bench.vectors.tuning import BatchTuner

# For sizing the work before tokens are counted; English has about four characters a token.
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class EncodeReport:
    """What encoding did.

    Attributes:
        texts: Unique texts asked for.
        reused: Those that the store already had.
        encoded: Those encoded now.
        tokens: Tokens encoded now, prompts included, padding left out.
        seconds: Wall time of encoding, waiting for other processes left out.
        batch: The batch size, in words, and how it was found.
        workers: Batches that ran at once.
        device: Where.
    """

    texts: int
    reused: int
    encoded: int
    tokens: int
    seconds: float
    batch: str
    workers: int
    device: str


def total(reports: Sequence[EncodeReport]) -> EncodeReport | None:
    """Several reports of one job as one; None for none."""
    if not reports:
        return None
    return replace(
        reports[-1],
        **{name: sum(getattr(report, name) for report in reports) for name in ("texts", "reused", "encoded", "tokens")},
        seconds=sum(report.seconds for report in reports),
    )


def missing_texts(space: VectorSpace, groups: Sequence[TextGroup]) -> int:
    """How many unique texts the store lacks."""
    space.refresh()
    return sum(int(part.lacking.sum()) for part in unique_texts(space, groups))


def encode_missing(
    space: VectorSpace,
    encoder: Encoder,
    groups: Sequence[TextGroup],
    *,
    batch_size: int | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_wait: Callable[[], None] = lambda: None,
) -> EncodeReport:
    """Encode the texts that the store lacks and write them to it.

    A killed run loses at most one chunk; Ctrl-C or an error loses only batches that were not finished.

    Args:
        space: Where the vectors go.
        encoder: The model.
        groups: Texts by prompt.
        batch_size: Texts a batch, or None to find the best size.
        on_progress: Called after every batch.
        on_wait: Called when another process is encoding with this model.

    Raises:
        BenchError: A vector that is not finite, one text that does not fit into memory, or a full disk.
    """
    with space.lock(on_wait):
        space.refresh()
        space.save_profile(encoder.profile, encoder.name)
        parts = unique_texts(space, groups)
        lacking = sum(int(part.lacking.sum()) for part in parts)
        total = sum(len(part.texts) for part in parts)
        progress = Progress(total=total, reused=total - lacking)
        on_progress(progress)
        pool, workers = worker_pool(encoder)
        tuner = BatchTuner(
            fixed=batch_size,
            on_gpu=encoder.device != "cpu",
            workers=workers,
            tokens=sum(int(part.lengths[part.lacking].sum()) for part in parts) // _CHARACTERS_PER_TOKEN,
            memory=batch_memory(space),
        )
        start = time.perf_counter()
        with Pipeline(space, encoder, tuner, pool, workers, progress, on_progress) as pipeline:
            pipeline.run(_batches(encoder, tuner, parts))
        seconds = time.perf_counter() - start
    return EncodeReport(
        texts=progress.total,
        reused=progress.reused,
        encoded=progress.encoded,
        tokens=progress.tokens,
        seconds=seconds,
        batch=f"{tuner.size} ({tuner.how})",
        workers=workers,
        device=encoder.device,
    )


def batch_memory(space: VectorSpace) -> Path:
    """The file that keeps the batch size found for a model on this machine."""
    return space.folder / BATCH_SIZE


def _batches(encoder: Encoder, tuner: BatchTuner, parts: Sequence[UniqueTexts]) -> Iterator[tuple[Batch, UniqueTexts]]:
    """The batches that have work in them; batches are cut from all texts, so that they never depend on what is left."""
    for part in parts:
        for window in windows(part.lengths, part.keys):
            if not part.lacking[window].any():
                continue
            tokens = encoder.token_counts(part.pick(window), part.context)
            for batch in cut(window, tokens, tuner.next_size):
                keep = part.lacking[batch.rows]
                if keep.any():
                    yield Batch(batch.rows[keep], batch.tokens[keep]), part
