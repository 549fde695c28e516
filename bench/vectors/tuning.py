"""`batch_size: auto`: finding the tokens a batch that this machine encodes fastest with, on the real texts.

The batches timed are batches of the run and their vectors are kept, so looking costs no extra encoding.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.sealed import DamagedError, read_sealed, write_sealed
from bench.vectors.batches import BatchSize

# Tokens a batch. On CPU every worker thread has its own batch: small ones stay in its caches, and all of them
# together take no more memory than one batch of 32 long texts.
_CPU_SIZES = (2048, 1024, 512)
_GPU_SIZES = (32_768, 16_384, 65_536, 131_072)
# A candidate is timed over this many batches a worker, after one that warms it up.
_BATCHES = 2
# Below this many times the cost of looking, looking cannot pay.
_WORTH = 5
# Another size must be this much faster than the first to be taken: noise must not choose.
_MARGIN = 1.05


class BatchTuner:
    """Chooses a batch size while encoding goes on.

    Args:
        fixed: The user's batch size, or None to find one.
        on_gpu: Which candidates to try.
        workers: Batches that run at once.
        tokens: A lower bound of the tokens to come.
        memory: A file that keeps the choice for the next run on this machine.
    """

    def __init__(self, *, fixed: int | None, on_gpu: bool, workers: int, tokens: int, memory: Path) -> None:
        self._memory = memory
        self._machine = f"{'gpu' if on_gpu else 'cpu'} x{workers}"
        self._workers = workers
        sizes = _GPU_SIZES if on_gpu else _CPU_SIZES
        self._candidates: list[int] = []
        self._given = 0
        self._rates: dict[int, list[float]] = defaultdict(list)
        self.size = BatchSize(rows=fixed) if fixed else BatchSize(tokens=sizes[0])
        self.how = "as set" if fixed else "default"
        if fixed:
            return
        if known := self._remembered():
            self.size, self.how = BatchSize(tokens=known), "found by an earlier run"
        elif tokens >= _WORTH * sum(sizes) * workers * (_BATCHES + 1):
            self._candidates = list(sizes)
            self.how = "being looked for"

    @property
    def trial(self) -> int | None:
        """The tokens a batch being tried now, or None when the choice is made."""
        return self._candidates[0] if self._candidates else None

    def next_size(self) -> BatchSize:
        """The size of the next batch to make."""
        return BatchSize(tokens=self.trial) if self.trial else self.size

    @property
    def group(self) -> int:
        """How many batches of the size being tried make one timing."""
        return self._workers * _BATCHES

    def record(self, tokens: int, seconds: float) -> None:
        """The timing of one group at the size being tried; the first group of each size only warms up."""
        trial = self.trial
        if trial is None:
            return
        self._rates[trial].append(tokens / max(seconds, 1e-9))
        if len(self._rates[trial]) < 2:
            return
        self._candidates.pop(0)
        if not self._candidates:
            self._choose()

    def shrink(self) -> None:
        """Halve the size: the device ran out of memory."""
        self._candidates = []
        if self.size.rows:
            self.size = BatchSize(rows=max(self.size.rows // 2, 1))
        else:
            self.size = BatchSize(tokens=max((self.size.tokens or 0) // 2, 1))
        self.how = "halved when memory ran out"

    def _choose(self) -> None:
        # The first timing of a size is its warm-up.
        rates = {size: timings[-1] for size, timings in self._rates.items()}
        first = next(iter(rates))
        best = max(rates, key=lambda size: rates[size])
        chosen = best if rates[best] > rates[first] * _MARGIN else first
        self.size, self.how = BatchSize(tokens=chosen), "found on these texts"
        known = self._known()
        known[self._machine] = {
            "tokens": chosen,
            "tokens_per_second": {str(size): round(rate) for size, rate in sorted(rates.items())},
        }
        try:
            write_sealed(self._memory, known)
        except BenchError:
            # Only the next run's head start is lost; the vectors' own writes report a full disk.
            self.how += ", not remembered"

    def _remembered(self) -> int | None:
        found = self._known().get(self._machine, {}).get("tokens")
        return found if isinstance(found, int) else None

    def _known(self) -> dict[str, Any]:
        try:
            return read_sealed(self._memory) or {}
        except DamagedError:
            # A head start is lost.
            return {}
