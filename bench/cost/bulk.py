"""Encoding many texts in batches as `bench run` does, timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from bench.cost.devices import Device
from bench.models.profile import TextContext
from bench.vectors.batches import Batch, BatchSize, cut

if TYPE_CHECKING:
    from bench.models.encoder import SentenceEncoder


class BulkEncoder:
    """A model, texts and the worker threads that encode them.

    Args:
        encoder: The model.
        device: Where it runs.
        context: Of the texts.
        texts: The texts.
        pool: The threads (see bench.vectors.pipeline.worker_pool).
    """

    def __init__(
        self,
        encoder: SentenceEncoder,
        device: Device,
        context: TextContext,
        texts: Sequence[str],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._encoder = encoder
        self._device = device
        self._context = context
        self._texts = texts
        self._pool = pool
        self._tokens = encoder.token_counts(list(texts), context)
        self._by_length = np.argsort(-self._tokens, kind="stable")

    def batches(self, size: BatchSize, count: int) -> list[Batch]:
        """Batches of as many texts as wanted, from the longest to the shortest.

        The texts are taken at even steps of the order by length, each several times when there are too few, so that
        any count stands for the same lengths.
        """
        steps = ((np.arange(count) + 0.5) * len(self._texts) / count).astype(np.int64)
        rows = self._by_length[steps]
        return list(cut(rows, self._tokens[rows], lambda: size))

    def seconds(self, batches: Sequence[Batch]) -> float:
        """How long the worker threads take for all batches.

        Raises:
            torch.OutOfMemoryError: A batch does not fit on the device; also MemoryError or RuntimeError.
        """
        self._device.synchronise()
        start = time.perf_counter()
        for _ in self._pool.map(self._embed, batches):
            pass
        self._device.synchronise()
        return time.perf_counter() - start

    def _embed(self, batch: Batch) -> None:
        self._encoder.embed([self._texts[row] for row in batch.rows], self._context)
