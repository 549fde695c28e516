"""Timing one operation many times, warmed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Samples that a percentile needs to mean something, at 99% confidence: the smallest n with 1 - p^n >= 0.99.
SAMPLES_NEEDED = {50: 7, 90: 44, 95: 90, 99: 459}


PERCENTILES = tuple(SAMPLES_NEEDED)
# A call this many interquartile ranges above the upper quartile is an outlier (Tukey's outer fence), unless it took
# less than half again the median, which steady calls exceed by nothing that anyone would notice.
_FENCE = 3.0
_NOTICED = 1.5


@dataclass(frozen=True)
class Timing:
    """Latencies of one operation.

    Attributes:
        cold_ms: The very first call.
        warm_up: Calls made and thrown away until two halves agreed.
        samples_ms: The calls after that, in order.
    """

    cold_ms: float
    warm_up: int
    samples_ms: list[float]


def percentile(milliseconds: Sequence[float], p: int) -> float | None:
    """The p-th percentile (linear between samples), or None when there are too few samples for it."""
    if len(milliseconds) < SAMPLES_NEEDED[p]:
        return None
    return float(np.percentile(milliseconds, p))


def outliers(milliseconds: Sequence[float]) -> int:
    """How many calls took far longer than the others; they are counted, never left out."""
    if len(milliseconds) < SAMPLES_NEEDED[50]:
        return 0
    low, middle, high = np.percentile(milliseconds, (25, 50, 75))
    limit = max(high + _FENCE * (high - low), _NOTICED * middle)
    return int((np.asarray(milliseconds) > limit).sum())


def time_calls(
    operation: Callable[[Any], object],
    inputs: Sequence[Any],
    *,
    min_calls: int,
    min_seconds: float,
    max_seconds: float,
    max_calls: int | None = None,
    warm_up_seconds: float = 2.0,
    synchronise: Callable[[], object] | None = None,
) -> Timing:
    """Call `operation` on the inputs in turn, again and again.

    Args:
        operation: What to time; it returns when its work is done.
        inputs: One call's input each, used in turn.
        min_calls: Timed calls at least, unless `max_seconds` come first.
        min_seconds: Seconds of timed calls at least.
        max_seconds: Seconds after which no further call starts.
        max_calls: Calls after which no further call starts.
        warm_up_seconds: Longest warm-up; it ends early when the medians of its halves differ by less than 5%.
        synchronise: Waits for the device; called on both sides of the clock.
    """
    position = 0

    def once() -> float:
        nonlocal position
        value = inputs[position % len(inputs)]
        position += 1
        if synchronise:
            synchronise()
        start = time.perf_counter()
        operation(value)
        if synchronise:
            synchronise()
        return (time.perf_counter() - start) * 1000

    cold = once()
    warm = _warm_up(once, warm_up_seconds)
    samples: list[float] = []
    start = time.perf_counter()
    while True:
        samples.append(once())
        elapsed = time.perf_counter() - start
        if (
            elapsed >= max_seconds
            or len(samples) == max_calls
            or (len(samples) >= min_calls and elapsed >= min_seconds)
        ):
            return Timing(cold, warm, samples)


def _warm_up(once: Callable[[], float], seconds: float) -> int:
    start = time.perf_counter()
    samples: list[float] = []
    while time.perf_counter() - start < seconds:
        samples.append(once())
        half = len(samples) // 2
        if len(samples) >= 20 and len(samples) % 10 == 0:
            first, second = np.median(samples[:half]), np.median(samples[half:])
            if abs(first - second) <= 0.05 * second:
                break
    return len(samples)
