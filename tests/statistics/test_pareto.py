from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics.pareto import pareto_front

# Few values, so that there are ties.
POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20)


def dominated(point, other):
    return other[0] <= point[0] and other[1] >= point[1] and other != point


@given(POINTS)
def test_the_front_is_what_no_other_point_dominates(points):
    costs, scores = np.array(points, dtype=float).reshape(-1, 2).T
    by_hand = [not any(dominated(point, other) for other in points) for point in points]
    assert pareto_front(costs, scores).tolist() == by_hand
