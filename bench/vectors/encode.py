"""Encoding what the store lacks: each unique text once, longest first, written a chunk at a time."""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.profile import ModelProfile, TextContext
from bench.vectors.batches import Batch, cut, windows
from bench.vectors.store import KEY_BYTES, VectorSpace, keys_from_bytes, keys_to_bytes, text_keys
from bench.vectors.tuning import BatchTuner

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

# What a killed run can lose, batches in flight included; whichever limit comes first closes a chunk.
CHUNK_TEXTS = 4096
CHUNK_TOKENS = 131_072
_CHUNK_SECONDS = 30.0
# Batches given out for each worker: enough that none waits.
_AHEAD = 2
# For sizing the work before tokens are counted; English has about four characters a token.
_CHARACTERS_PER_TOKEN = 4


class Encoder(Protocol):
    """What encoding asks of a model (see bench.models.encoder.SentenceEncoder)."""

    name: str
    device: str
    profile: ModelProfile

    def token_counts(self, texts: list[str], context: TextContext) -> Int64:
        """Tokens of each text, shape (n,)."""

    def embed(self, texts: list[str], context: TextContext) -> Float32:
        """Vectors of one batch, shape (n, width)."""


@dataclass(frozen=True)
class TextGroup:
    """Texts that are encoded with the same prompt; equal texts count once."""

    texts: Sequence[str]
    context: TextContext


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


class _UniqueTexts:
    """The unique texts of one context, and which of them the store lacks."""

    def __init__(self, texts: Sequence[str], context: TextContext, space: VectorSpace) -> None:
        self.context = context
        keys = np.frombuffer(keys_to_bytes(text_keys(texts, context)), dtype=f"S{KEY_BYTES}")
        self.keys, first = np.unique(keys, return_index=True)
        self.texts = [texts[row] for row in first]
        self.lengths = np.array([len(text) for text in self.texts], dtype=np.int64)
        self.lacking = space.locate(keys_from_bytes(self.keys.tobytes())) < 0

    def pick(self, rows: Int64) -> list[str]:
        return [self.texts[row] for row in rows]


def missing_texts(space: VectorSpace, groups: Sequence[TextGroup]) -> int:
    """How many unique texts the store lacks."""
    space.refresh()
    return sum(int(part.lacking.sum()) for part in _unique(space, groups))


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
        parts = _unique(space, groups)
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
        with _Pipeline(space, encoder, tuner, pool, workers, progress, on_progress) as pipeline:
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


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batch_memory(space: VectorSpace) -> Path:
    """The file that keeps the batch size found for a model on this machine."""
    return space.folder / "batch_size.json"


def worker_pool(encoder: Encoder) -> tuple[ThreadPoolExecutor, int]:
    """The threads that encode, and their number.

    On CPU one torch thread a worker over shared weights beats many torch threads on one batch (docs/encoding.md);
    on a GPU one worker with large batches.
    """
    if encoder.device != "cpu":
        return ThreadPoolExecutor(1), 1
    workers = usable_cores()
    return ThreadPoolExecutor(workers, initializer=_one_torch_thread), workers


def _unique(space: VectorSpace, groups: Sequence[TextGroup]) -> list[_UniqueTexts]:
    texts: dict[TextContext, list[str]] = defaultdict(list)
    for group in groups:
        texts[group.context].extend(group.texts)
    return [_UniqueTexts(members, context, space) for context, members in texts.items()]


def _batches(
    encoder: Encoder, tuner: BatchTuner, parts: Sequence[_UniqueTexts]
) -> Iterator[tuple[Batch, _UniqueTexts]]:
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


class _Pipeline:
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
        self._running: deque[tuple[Future[Float32], Batch, _UniqueTexts]] = deque()
        self._keys: list[bytes] = []
        self._matrices: list[Float32] = []
        self._texts = 0
        self._tokens = 0
        self._since = time.perf_counter()

    def __enter__(self) -> _Pipeline:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error or Ctrl-C nothing new starts, but what is finished is kept.
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None or not issubclass(kind, BenchError):
            for future, batch, part in self._running:
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._keep(future.result(), batch, part)
        self._running.clear()
        self._write()

    def run(self, batches: Iterator[tuple[Batch, _UniqueTexts]]) -> None:
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

    def _submit(self, batch: Batch, part: _UniqueTexts) -> None:
        self._running.append((self._pool.submit(self._embed, part.pick(batch.rows), part.context), batch, part))

    def _embed(self, texts: list[str], context: TextContext) -> Float32:
        try:
            return self._encoder.embed(texts, context)
        except Exception as error:
            if not _out_of_memory(error):
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

    def _keep(self, vectors: Float32, batch: Batch, part: _UniqueTexts) -> None:
        self._check(vectors, part, batch)
        self._keys.append(part.keys[batch.rows].tobytes())
        self._matrices.append(vectors)
        self._texts += len(batch.rows)
        self._tokens += int(batch.tokens.sum())

    def _check(self, vectors: Float32, part: _UniqueTexts, batch: Batch) -> None:
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


def _out_of_memory(error: Exception) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower()


def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)
