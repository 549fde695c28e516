"""Worker threads that embed batches, and the chunk of vectors that they fill."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.memory import out_of_memory
from bench.models.profile import ModelProfile, TextContext
from bench.vectors.batches import Batch
from bench.vectors.store import VectorSpace, keys_from_bytes
from bench.vectors.texts import UniqueTexts
from bench.vectors.tuning import BatchTuner

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

# What a killed run can lose, batches in flight included; whichever limit comes first closes a chunk.
CHUNK_TEXTS = 4096
CHUNK_TOKENS = 131_072
_CHUNK_SECONDS = 30.0
# Batches given out for each worker: enough that none waits.
_AHEAD = 2


class Encoder(Protocol):
    """What encoding asks of a model (see bench.models.encoder.SentenceEncoder)."""

    name: str
    device: str
    profile: ModelProfile

    def token_counts(self, texts: list[str], context: TextContext) -> Int64:
        """Tokens of each text, shape (n,)."""

    def embed(self, texts: list[str], context: TextContext) -> Float32:
        """Vectors of one batch, shape (n, width)."""


@dataclass
class Progress:
    """Where encoding stands.

    Attributes:
        total: Unique texts asked for.
        reused: Those that the store already had.
        encoded: Those encoded so far.
        tokens: Their tokens.
    """

    total: int = 0
    reused: int = 0
    encoded: int = 0
    tokens: int = 0


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_pool(encoder: Encoder) -> tuple[ThreadPoolExecutor, int]:
    """The threads that encode, and their number.

    On CPU one torch thread a worker over shared weights beats many torch threads on one batch (docs/encoding.md);
    on a GPU one worker with large batches.
    """
    if encoder.device != "cpu":
        return ThreadPoolExecutor(1), 1
    workers = usable_cores()
    return ThreadPoolExecutor(workers, initializer=_one_torch_thread), workers


class Pipeline:
    """Worker threads that embed batches, and the chunk that their vectors gather in."""

    def __init__(
        self,
        space: VectorSpace,
        encoder: Encoder,
        tuner: BatchTuner,
        pool: ThreadPoolExecutor,
        workers: int,
        progress: Progress,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._space = space
        self._encoder = encoder
        self._tuner = tuner
        self._ahead = workers * _AHEAD
        self._progress = progress
        self._on_progress = on_progress
        self._pool = pool
        self._running: deque[tuple[Future[Float32], Batch, UniqueTexts]] = deque()
        self._keys: list[bytes] = []
        self._matrices: list[Float32] = []
        self._texts = 0
        self._tokens = 0
        self._since = time.perf_counter()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error or Ctrl-C nothing new starts, but what is finished is kept.
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        for future, batch, part in self._running:
            if future.done() and not future.cancelled() and future.exception() is None:
                # The error on its way is the one to show; a batch that is bad too is only left out.
                with suppress(BenchError):
                    self._keep(future.result(), batch, part)
        self._running.clear()
        self._write()

    def run(self, batches: Iterator[tuple[Batch, UniqueTexts]]) -> None:
        """Embed all batches; while the tuner is looking, in groups that are timed."""
        while self._tuner.trial:
            group = []
            start = time.perf_counter()
            for batch, part in islice(batches, self._tuner.group):
                self._submit(batch, part)
                group.append(int(batch.tokens.sum()))
            if not group:
                return
            while self._running:
                self._collect()
            self._tuner.record(sum(group), time.perf_counter() - start)
        for batch, part in batches:
            self._submit(batch, part)
            if len(self._running) >= self._ahead:
                self._collect()
        while self._running:
            self._collect()

    def _submit(self, batch: Batch, part: UniqueTexts) -> None:
        self._running.append((self._pool.submit(self._embed, part.pick(batch.rows), part.context), batch, part))

    def _embed(self, texts: list[str], context: TextContext) -> Float32:
        try:
            return self._encoder.embed(texts, context)
        except Exception as error:
            if not out_of_memory(error):
                raise
            if len(texts) == 1:
                raise BenchError(
                    f"one text of {len(texts[0]):,} characters does not fit into the memory of {self._encoder.device}",
                    where=f"model `{self._encoder.name}`",
                    hint="lower `max_seq_length`, use `dtype: float16`, or another device",
                ) from error
        self._tuner.shrink()
        half = len(texts) // 2
        return np.concatenate([self._embed(texts[:half], context), self._embed(texts[half:], context)])

    def _collect(self) -> None:
        future, batch, part = self._running[0]
        vectors = future.result()
        self._running.popleft()
        self._keep(vectors, batch, part)
        # Batches in flight count: they are lost too when the process is killed.
        flying = self._running
        if (
            self._texts + sum(len(other.rows) for _, other, _ in flying) >= CHUNK_TEXTS
            or self._tokens + sum(int(other.tokens.sum()) for _, other, _ in flying) >= CHUNK_TOKENS
            or time.perf_counter() - self._since >= _CHUNK_SECONDS
        ):
            self._write()
        self._progress.encoded += len(batch.rows)
        self._progress.tokens += int(batch.tokens.sum())
        self._on_progress(self._progress)

    def _keep(self, vectors: Float32, batch: Batch, part: UniqueTexts) -> None:
        self._check(vectors, part, batch)
        self._keys.append(part.keys[batch.rows].tobytes())
        self._matrices.append(vectors)
        self._texts += len(batch.rows)
        self._tokens += int(batch.tokens.sum())

    def _check(self, vectors: Float32, part: UniqueTexts, batch: Batch) -> None:
        expected = (len(batch.rows), self._encoder.profile.width)
        if vectors.shape != expected:
            raise BenchError(
                f"gave vectors of shape {vectors.shape}, expected {expected}",
                where=f"model `{self._encoder.name}`",
            )
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            text = part.texts[int(batch.rows[bad[0]])]
            raise BenchError(
                f"gave NaN or infinite values for {len(bad)} of {len(batch.rows)} texts, first for {text[:60]!r}",
                where=f"model `{self._encoder.name}`",
                hint="check the weights; with `dtype: float16` values can overflow, try float32",
            )

    def _write(self) -> None:
        if self._matrices:
            self._space.append(keys_from_bytes(b"".join(self._keys)), np.concatenate(self._matrices))
        self._keys, self._matrices = [], []
        self._texts = self._tokens = 0
        self._since = time.perf_counter()


def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)
