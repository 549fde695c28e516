"""Peak resident memory of this process, by phase."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_MIB = 2**20


def peak_rss_mib() -> float | None:
    """VmHWM in MiB: the peak since the process began or `reset_peak` was called; None where there is no /proc.

    `ru_maxrss` is no substitute: a child inherits its parent's.
    """
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return int(found[1]) / 1024
    return None


def reset_peak() -> bool:
    """Start a new phase; False where the kernel does not allow it, and the next peak covers earlier phases too."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


class PeakMemory:
    """Peak resident memory by phase: the kernel's own count, or samples that another process takes of this one.

    Attributes:
        how: Which of the two.
    """

    def __init__(self) -> None:
        self._sampler: subprocess.Popen[bytes] | None = None
        self.how = "VmHWM"

    def __enter__(self) -> PeakMemory:
        if not reset_peak() or peak_rss_mib() is None:
            # A child of its own: a thread here would wait for the interpreter whenever the peak is near.
            self._sampler = subprocess.Popen(
                [sys.executable, "-m", "bench.cost.sampler", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self.how = "sampled every 5 ms by another process"
            self.next_phase()
        return self

    def __exit__(self, *_: object) -> None:
        if self._sampler:
            # The end of its input ends it.
            self._sampler.communicate()

    def next_phase(self) -> float:
        """The peak in MiB since the last call or the beginning; a new phase starts.

        Raises:
            BenchError: The sampling process has died.
        """
        if not self._sampler:
            peak = peak_rss_mib()
            reset_peak()
            return peak or 0.0
        if self._sampler.stdin is None or self._sampler.stdout is None:
            raise BenchError("the process that samples memory has no pipes")
        with suppress(BrokenPipeError):
            self._sampler.stdin.write(b"\n")
            self._sampler.stdin.flush()
        told = self._sampler.stdout.readline()
        if not told:
            raise BenchError("the process that samples memory has died")
        return int(told) / _MIB
