"""How busy the machine was with other things while something was measured."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.results.schema import STEADY_SPREAD, Noise

# Other processes' share of all cores above which figures are marked as noisy.
_BUSY = 0.2
# What the hypervisor may take before that is noise too.
_STOLEN = 0.05
_WATCHED_SECONDS = 0.5
_THROTTLE = "cpu*/thermal_throttle/core_throttle_count"


class NoiseWatch:
    """Looks at what other processes do before, during and after measurements; this process is idle meanwhile.

    Args:
        cpus: Where Linux tells of its cores.
    """

    def __init__(self, cpus: Path = Path("/sys/devices/system/cpu")) -> None:
        self._cpus = cpus
        self._before = self._during = self._after = self._steal = 0.0
        self._load: tuple[float, float] | None = None
        self._mhz_before = self._mhz()
        self._throttled = self._throttles()

    def look_before(self) -> None:
        """Watch the machine for a moment before a probe starts."""
        self._before = max(self._before, psutil.cpu_percent(interval=_WATCHED_SECONDS) / 100)
        load = psutil.getloadavg()[0]
        self._load = (self._load[0] if self._load else load, load)

    def look_after(self) -> None:
        """Watch it for a moment after one has ended."""
        self._after = max(self._after, psutil.cpu_percent(interval=_WATCHED_SECONDS) / 100)

    @contextmanager
    def probe(self) -> Iterator[None]:
        """Watch while a child process runs: the machine's busy time less the child's own."""
        start, machine, children, stolen = time.perf_counter(), _machine_seconds(), _child_seconds(), _stolen_seconds()
        try:
            yield
        finally:
            own = _child_seconds() - children
            others = _machine_seconds() - machine - own
            capacity = (time.perf_counter() - start) * (psutil.cpu_count() or 1)
            self._during = max(self._during, others / capacity)
            self._steal = max(self._steal, (_stolen_seconds() - stolen) / capacity)

    def finish(self, spreads: Mapping[str, float]) -> Noise:
        """The noise record; called after the probes have ended.

        Args:
            spreads: By how much several processes differ in a figure, as a share of it.
        """
        load = psutil.getloadavg()[0]
        mhz, throttles = self._mhz(), self._throttles()
        throttled = None if throttles is None or self._throttled is None else throttles - self._throttled
        reasons = []
        busiest = max(self._before, self._during, self._after)
        if busiest > _BUSY:
            reasons.append(f"other processes took {busiest:.0%} of all cores")
        if self._steal > _STOLEN:
            reasons.append(f"the hypervisor took {self._steal:.0%} of all cores")
        if throttled:
            reasons.append(f"cores were slowed down for their heat {throttled} times")
        worst = max(spreads, key=lambda name: spreads[name], default=None)
        if worst is not None and spreads[worst] > STEADY_SPREAD:
            reasons.append(f"processes differ by {spreads[worst]:.0%} in {worst}")
        return Noise(
            busy_before=round(self._before, 3),
            busy_during=round(self._during, 3),
            busy_after=round(self._after, 3),
            load_before=round(self._load[0] if self._load else load, 2),
            load_after=round(load, 2),
            steal=round(self._steal, 3),
            mhz_before=self._mhz_before,
            mhz_after=mhz,
            throttled=throttled,
            noisy=bool(reasons),
            reasons=reasons,
        )

    def _mhz(self) -> float | None:
        with suppress(OSError, RuntimeError, NotImplementedError):
            frequency = psutil.cpu_freq()
            return round(frequency.current) if frequency and frequency.current else None
        return None

    def _throttles(self) -> int | None:
        """Times that any core was slowed down for its heat since boot; None where the kernel does not tell."""
        with suppress(OSError, ValueError):
            counts = [int(path.read_text(encoding="ascii")) for path in self._cpus.glob(_THROTTLE)]
            return sum(counts) if counts else None
        return None


def _machine_seconds() -> float:
    """Processor seconds that all cores have been busy since boot, for this machine's own processes."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    # Time of guests is part of `user` too.
    return float(sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))


def _stolen_seconds() -> float:
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _child_seconds() -> float:
    """Processor seconds of this process's children that have ended."""
    times = os.times()
    return times.children_user + times.children_system
