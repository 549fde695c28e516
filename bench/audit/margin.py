"""How small a difference between two models a task can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.audit.deviations import Spread
from bench.audit.measured import MEASURED
from bench.statistics.losses import unseen_loss, unseen_needed
from bench.statistics.power import minimum_detectable_effect, observations_needed

# Below this many observations the t test is only approximate for differences of which most are 0 (docs/statistics.md).
FEWEST = 50

_Pair = tuple[float, float]


@dataclass(frozen=True)
class Margin:
    """What a task can show of one kind of comparison; pairs are at the median and at the largest deviation.

    Attributes:
        comparison: What is compared (see bench.audit.deviations).
        spread: The standard deviations of paired differences that it was worked out from.
        own: Whether they are of this task's own results.
        difference: The smallest true difference that is found in 80% of samples, two-sided at 5%.
        drop: The smallest margin within which two equally good sides are shown not to be worse in 80% of samples,
            one-sided at 5%.
    """

    comparison: str
    spread: Spread
    own: bool
    difference: _Pair
    drop: _Pair


def margins(metric: str, observations: int, own: Mapping[str, Spread]) -> list[Margin]:
    """What a task can show of each kind of comparison, from its own deviations or, without them, from other tasks'.

    Args:
        metric: The task's main metric.
        observations: Independent queries or pairs.
        own: Deviations of the task's own results, by what is compared.

    Returns:
        Empty where nothing is known of the metric, or with fewer than two observations.
    """
    if observations < 2:
        return []
    known = {**MEASURED.get(metric, {}), **own}
    return [
        Margin(
            comparison,
            spread,
            comparison in own,
            difference=_detectable(spread, observations, two_sided=True),
            drop=_detectable(spread, observations, two_sided=False),
        )
        for comparison, spread in known.items()
    ]


def needed(spread: Spread, margin: float) -> tuple[int, int]:
    """Independent queries that a test of non-inferiority within a margin needs; see Margin for its power and level."""
    least, most = (
        max(observations_needed(deviation, margin, two_sided=False), unseen_needed(margin))
        for deviation in (spread.median, spread.largest)
    )
    return least, most


def needed_words(spread: Spread, margin: float) -> str:
    """The same in words, `1,600-2,377`."""
    return span(*(f"{n:,}" for n in needed(spread, margin)))


def span(first: str, last: str) -> str:
    """Two ends in words, one where they are the same."""
    return first if first == last else f"{first}-{last}"


def _detectable(spread: Spread, observations: int, *, two_sided: bool) -> _Pair:
    errors = np.array([spread.median, spread.largest]) / np.sqrt(observations)
    least, most = minimum_detectable_effect(errors, observations - 1, two_sided=two_sided).tolist()
    if two_sided:
        return least, most
    unseen = unseen_loss(observations)
    return max(least, unseen), max(most, unseen)
