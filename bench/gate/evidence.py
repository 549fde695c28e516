"""What the items of a cell tell of a mean: its interval, and whether it is beyond a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.gate.checks import Evidence
from bench.statistics.paired import paired_test

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

POWER = 0.8


@dataclass(frozen=True)
class Question:
    """Whether a mean is beyond a limit.

    Attributes:
        values: What each item contributes to the figure, which is their mean; more is worse. Shape (n,).
        clusters: Which cluster each item belongs to, from 0 without gaps, shape (n,).
        limit: What the mean may not exceed.
        confidence: Of each end of its interval.
    """

    values: Float64
    clusters: Int64
    limit: float
    confidence: float


def weigh(questions: Sequence[Question], compared: int) -> list[Evidence]:
    """The evidence of each question.

    Args:
        questions: The questions; those on the same items are answered by the same resamples.
        compared: How many checks the p-values will be corrected for, which the smallest figure that would be found
            depends on.
    """
    found = []
    for question in questions:
        n = len(question.values)
        shifted = paired_test(question.values[:, None] - question.limit, question.clusters)
        low, high = (float(end[0]) + question.limit for end in shifted.interval(2 * question.confidence - 1))
        figure = float(shifted.mean[0]) + question.limit
        half = float(shifted.p[0]) / 2
        detectable = None
        if shifted.freedom >= 1:
            level = (1 - question.confidence) / max(compared, 1)
            reach = stats.t.isf(level, shifted.freedom) + stats.t.ppf(POWER, shifted.freedom)
            detectable = question.limit + float(reach * shifted.error[0])
        else:
            low, high = -np.inf, np.inf
        found.append(
            Evidence(
                figure=figure,
                low=low,
                high=high,
                p=half if figure > question.limit else 1 - half,
                detectable=detectable,
                n=n,
                clusters=shifted.freedom + 1,
            )
        )
    return found
