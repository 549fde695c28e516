"""Main of a process that samples the memory of another: `python -m bench.cost.sampler PID`.

Each line on standard input is answered by the peak in bytes since the last one; the end of the input ends it.
"""

from __future__ import annotations

import sys
import threading

import psutil

_SECONDS = 0.005


class _Sampler:
    """Reads the resident memory of a process again and again."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._lock = threading.Lock()
        self._peak = 0

    def look(self) -> None:
        now = self._process.memory_info().rss
        with self._lock:
            self._peak = max(self._peak, now)

    def take(self) -> int:
        """The peak since the last call."""
        self.look()
        with self._lock:
            peak, self._peak = self._peak, 0
        return peak


def main(pid: int) -> None:
    """Sample until standard input ends.

    Args:
        pid: The process.
    """
    sampler, ended = _Sampler(pid), threading.Event()

    def watch() -> None:
        while not ended.wait(_SECONDS):
            sampler.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    for _ in sys.stdin:
        sys.stdout.write(f"{sampler.take()}\n")
        sys.stdout.flush()
    ended.set()
    watcher.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
