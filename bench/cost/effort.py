"""How much is measured: for numbers to keep, or for a look."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        processes: Fresh processes that each timed probe runs in, one after another.
        encode_seconds: Seconds of timed calls at least of each latency of encoding, over all processes.
        search_seconds: Seconds of timed calls at least of each view's search, over all processes.
        cascade_seconds: Likewise of each view's and length's two stages; there are many of them.
        calls: Timed calls at least, over all processes, unless the cap comes first.
        cap: Seconds after which no further call is timed, as a multiple of the seconds above.
        queries: Queries that recall and throughput of search are measured with.
        thorough: Whether encoding on one thread, HNSW, search in bulk and the memory of search are measured too.
        warm_up_seconds: Longest warm-up of encoding single texts.
        bulk_seconds: Seconds about of encoding in batches, over all processes and batch sizes.
        batch_sizes: Texts a batch, for encoding in batches.
        energy_seconds: Seconds at least over which energy is counted.
    """

    processes: int
    encode_seconds: float
    search_seconds: float
    cascade_seconds: float
    calls: int
    cap: float
    queries: int
    warm_up_seconds: float
    bulk_seconds: float
    batch_sizes: tuple[int, ...]
    energy_seconds: float
    thorough: bool = True

    def encode(self) -> dict[str, float]:
        """What one process times of each latency of encoding, as arguments of time_calls."""
        return self._one_process(self.encode_seconds) | {"warm_up_seconds": self.warm_up_seconds}

    def search(self) -> dict[str, float]:
        """What one process times of each view's search, likewise."""
        return self._one_process(self.search_seconds)

    def cascade(self) -> dict[str, float]:
        """What one process times of each view's and length's two stages, likewise."""
        return self._one_process(self.cascade_seconds)

    def _one_process(self, seconds: float) -> dict[str, float]:
        seconds /= self.processes
        return {
            "min_calls": ceil(self.calls / self.processes),
            "min_seconds": seconds,
            "max_seconds": seconds * self.cap,
        }


# 459 calls are what a p99 needs (bench.cost.timing).
KEEP = Effort(
    processes=3,
    encode_seconds=10.0,
    search_seconds=1.0,
    cascade_seconds=0.1,
    calls=459,
    cap=6.0,
    queries=1000,
    warm_up_seconds=2.0,
    bulk_seconds=36.0,
    batch_sizes=(1, 8, 16, 32, 64, 128, 256),
    energy_seconds=10.0,
)
LOOK = Effort(
    processes=1,
    encode_seconds=1.0,
    search_seconds=0.05,
    cascade_seconds=0.05,
    calls=90,
    cap=3.0,
    queries=200,
    warm_up_seconds=0.5,
    bulk_seconds=5.0,
    batch_sizes=(8, 32, 128),
    energy_seconds=2.0,
    thorough=False,
)
