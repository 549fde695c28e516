"""What the items of a cell tell of a mean: its interval, and whether it is beyond a limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.gate.checks import Evidence
from bench.statistics.bootstrap import mean_intervals
from bench.statistics.paired import paired_test
from bench.statistics.permutation import FLIPS, sign_flip_test
from bench.statistics.power import minimum_detectable_effect

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Questions answered at once, to bound memory.
_AT_ONCE = 256
# The smallest p-value that so many flips can give.
_LEAST_P = 1 / (1 + FLIPS)
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Question:
    """Whether a mean is beyond a limit.

    Attributes:
        values: What each item contributes to the figure, which is their mean; more is worse. Shape (n,).
        clusters: Which cluster each item belongs to, shape (n,).
        limit: What the mean may not exceed.
        confidence: Of each end of its interval.
    """

    values: Float64
    clusters: Int64
    limit: float
    confidence: float


def weigh(questions: Sequence[Question], compared: int) -> list[Evidence]:
    """The evidence of each question.

    Intervals have the outer ends of the percentile bootstrap's and the t test's: with few clusters the bootstrap's are
    too narrow (docs/statistics.md). P-values are those of the sign-flip test. The t test's stands in for it where the
    mean is within its limit, so that nothing can be rejected, and where no flip is as extreme as what was found and the
    t test's is smaller, for flips alone cannot give less than one in so many.

    Args:
        questions: The questions; those on the same items are answered by the same resamples.
        compared: How many checks the p-values will be corrected for, which the smallest figure that would be found
            depends on.
    """
    groups: dict[tuple[bytes, float], list[int]] = {}
    for place, question in enumerate(questions):
        groups.setdefault((question.clusters.tobytes(), question.confidence), []).append(place)
    found: dict[int, Evidence] = {}
    for places in groups.values():
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            found |= zip(part, _weigh([questions[place] for place in part], max(compared, 1)), strict=True)
    return [found[place] for place in range(len(questions))]


def decide(
    known: Evidence, adjusted: float, limit: float, confidence: float
) -> Literal["regressed", "pass", "underpowered"]:
    """The verdict that evidence gives.

    Args:
        known: The evidence.
        adjusted: Its p-value, adjusted for the number of checks.
        limit: What the figure may not exceed.
        confidence: How sure the verdict must be.
    """
    if adjusted <= 1 - confidence:
        return "regressed"
    return "pass" if known.high <= limit + _ROUNDING else "underpowered"


def _weigh(questions: Sequence[Question], compared: int) -> list[Evidence]:
    """The evidence of questions on the same items, with the same confidence."""
    first = questions[0]
    values = np.column_stack([question.values for question in questions])
    limits = np.array([question.limit for question in questions])
    # The tests ask for what lies below 0.
    room = limits - values
    # What rounding leaves of a loss that is the limit itself is no loss.
    room[np.abs(room) <= _ROUNDING * (np.abs(values) + np.abs(limits))] = 0.0
    test = paired_test(room, first.clusters)
    clusters = test.freedom + 1
    if clusters < 2:
        low, high = np.full_like(limits, -math.inf), np.full_like(limits, math.inf)
    else:
        confidence = 2 * first.confidence - 1
        ends = mean_intervals(values, first.clusters, confidence=confidence)
        least, most = test.interval(confidence)
        low, high = np.minimum(ends[0], limits - most), np.maximum(ends[1], limits - least)
    means, p = values.mean(axis=0), test.worse()
    beyond = means > limits
    if beyond.any():
        flipped = sign_flip_test(room[:, beyond], first.clusters).worse
        p[beyond] = np.where(flipped <= _LEAST_P, np.minimum(flipped, p[beyond]), flipped)
    level = (1 - first.confidence) / compared
    # So few clusters have too few patterns of signs for any drop to be shown.
    known = 2.0**-clusters <= max(level, _LEAST_P)
    reach = minimum_detectable_effect(test.error, test.freedom, level=level, two_sided=False)
    return [
        Evidence(
            figure=float(mean),
            low=float(low[column]),
            high=float(high[column]),
            p=float(p[column]) if clusters > 1 else 1.0,
            detectable=float(limits[column] + reach[column]) if known else None,
            n=len(values),
            clusters=clusters,
        )
        for column, mean in enumerate(means)
    ]
