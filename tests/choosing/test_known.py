from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.choosing.constraints import Constraint
from bench.choosing.known import Known, at_size


def at_most(limit):
    return Constraint("max_search_p95", "search_p95_ms", limit)


def test_a_figure_at_the_size_is_the_figure():
    assert at_size({10: 1.0, 100: 3.0}, 100, "", None, grows=True) == Known.exactly(3.0, 100)


def test_fewer_documents_bound_from_below_and_more_from_above():
    known = at_size({10: 1.0, 1000: 9.0}, 100, "", "measure", grows=True)
    assert (known.value, known.documents, known.low, known.high) == (1.0, 10, 1.0, 9.0)
    assert [known.verdict(at_most(limit)) for limit in (0.5, 5.0, 9.0)] == ["broken", "unknown", "met"]
    assert known.command == "measure"


def test_what_need_not_grow_is_bounded_by_nothing():
    known = at_size({10: 1.0, 1000: 9.0}, 100, "", None, grows=False)
    assert (known.low, known.high) == (0.0, math.inf)


def test_figures_that_fell_with_the_size_bound_nothing():
    known = at_size({10: 5.0, 1000: 4.0}, 100, "", None, grows=True)
    assert (known.low, known.high) == (0.0, math.inf)


def test_nothing_measured_is_unknown_under_every_limit():
    known = at_size({}, 100, "not measured", "measure", grows=True)
    assert known == Known.missing("not measured", "measure")
    assert known.verdict(at_most(1e300)) == "unknown"


@given(
    st.dictionaries(st.integers(1, 50), st.floats(0, 10), max_size=5),
    st.integers(1, 50),
    st.floats(0.001, 10),
    st.floats(0, 10),
)
def test_a_verdict_is_never_wrong_of_what_grows(found, documents, limit, slope):
    # The truth is a line through the origin; all figures are on it.
    figures = {size: slope * size for size in found}
    verdict = at_size(figures, documents, "", None, grows=True).verdict(at_most(limit))
    if verdict != "unknown":
        assert (verdict == "met") == (slope * documents <= limit)


def test_sums_keep_bounds_and_what_is_unknown():
    total = Known.exactly(2.0).plus(Known(1.0, 1.0, math.inf, 10, why="at 10", command="measure"))
    assert (total.value, total.low, total.high, total.documents) == (3.0, 3.0, math.inf, 10)
    assert total.command == "measure"


@pytest.mark.parametrize(("name", "values"), [("max_storage", (1.0, 2.0)), ("min_share", (1.0, 2.0))])
def test_the_limit_that_would_do(name, values):
    known = Known(None, *values, command="measure")
    constraint = Constraint(name, "share", 1.5)
    assert known.verdict(constraint) == "unknown"
    for proven, expected in ((True, {"met"}), (False, {"met", "unknown"})):
        limit = known.needs(constraint, proven=proven)
        assert known.verdict(Constraint(name, "share", limit)) in expected
