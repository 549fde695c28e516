"""Which choices no other choice beats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def pareto_front(costs: Float64, scores: Float64) -> Bool:
    """Which points no other point dominates: at most as dear and at least as good, and better in one of the two.

    Args:
        costs: Lower is better, shape (n,).
        scores: Higher is better, shape (n,).

    Returns:
        Shape (n,); of equal points all or none.
    """
    front = np.zeros(len(costs), dtype=bool)
    # By cost, and of one cost the best first: a point counts when it is better than all that are cheaper.
    order = np.lexsort((-scores, costs))
    best, cost_of_best = -np.inf, np.nan
    for position in order:
        if scores[position] > best:
            best, cost_of_best = scores[position], costs[position]
            front[position] = True
        elif scores[position] == best and costs[position] == cost_of_best:
            front[position] = True
    return front
