"""A test that may be looked at after every query: whether a candidate loses at most a margin.

One bets against the hypothesis, query by query; the wealth of bets against what is true grows twentyfold in at most 5%
of samples, whenever one stops (Ville 1939; Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
betting", 2024). Nothing is assumed of the losses but their range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.statistics.clusters import cluster_sums

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

LEVEL = 0.05
# Stakes, as shares of the largest that cannot lose all: wealth is the mean over them (Cover's universal portfolio).
_STAKES = np.geomspace(0.002, 0.5, 24)


@dataclass(frozen=True)
class Stopped:
    """What a test says that stops as soon as it can.

    Attributes:
        claim: What is shown, or `not shown` after all clusters.
        clusters: How many were looked at.
    """

    claim: Literal["at most the margin", "not shown", "more than the margin"]
    clusters: int


def stop_early(
    losses: Float64, margin: float, clusters: Int64 | None = None, *, level: float = LEVEL, most: float = 1.0
) -> Stopped:
    """Look at losses in their order until it is shown that their true mean is below a margin, or above.

    Args:
        losses: What each item loses against the reference, in a random order, shape (n,).
        margin: The loss that is accepted.
        clusters: Which cluster each item belongs to, numbered in the order in which they are looked at, shape (n,);
            each its own by default.
        level: How often either claim may be wrong, whenever it stops.
        most: The largest loss that an item can have, the size of the largest gain as well.

    Raises:
        ValueError: There are no items, a loss or the margin is out of range, or not one cluster an item.
    """
    if not 0 < margin < most or np.abs(losses).max(initial=0.0) > most:
        raise ValueError(f"a margin lies between 0 and {most}, and no loss exceeds {most}")
    sums, sizes = cluster_sums(losses[:, None], clusters)
    # A fair bet pays, in the mean, nothing where the true loss is the margin.
    paid = (sizes * margin - sums[:, 0]) / sizes.max()
    below = _wealth(paid, most - margin)
    above = _wealth(-paid, most + margin)
    reached = [np.flatnonzero(wealth >= 1 / level) for wealth in (below, above)]
    first = [int(places[0]) if len(places) else len(paid) for places in reached]
    if min(first) == len(paid):
        return Stopped("not shown", len(paid))
    return Stopped("at most the margin" if first[0] <= first[1] else "more than the margin", min(first) + 1)


def _wealth(paid: Float64, worst: float) -> Float64:
    """The wealth after each bet, from 1, where a bet loses at most `worst` times its stake; shape as paid."""
    logs = np.cumsum(np.log1p(_STAKES / worst * paid[:, None]), axis=0)
    wealth: Float64 = np.exp(logs).mean(axis=1)
    return wealth
