"""The decision against its definitions, tried out one candidate and one limit after the other."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.choosing.candidates import Candidate
from bench.choosing.constraints import Constraint
from bench.choosing.decide import decide
from bench.choosing.known import Known
from bench.views import View

STORAGE = Constraint("max_storage", "storage_bytes", 5)
SEARCH = Constraint("max_search_p95", "search_p95_ms", 5)
SHARE = Constraint("min_share", "share", 5)
ALL = [STORAGE, SEARCH, SHARE]


@st.composite
def quantities(draw):
    low = draw(st.integers(0, 10))
    kind = draw(st.sampled_from(["exact", "exact", "exact", "bounded", "above", "measurable", "missing"]))
    command = "measure" if draw(st.booleans()) else None
    match kind:
        case "exact":
            return Known.exactly(low)
        case "bounded":
            return Known(low, low, draw(st.integers(low + 1, 12)), command="measure")
        case "above":
            return Known(low, low, math.inf, why="?", command=command)
    return Known.missing("?", "measure" if kind == "measurable" else command)


@st.composite
def contests(draw):
    found = {}
    for _ in range(draw(st.integers(1, 7))):
        model, index = draw(st.sampled_from("abcd")), draw(st.sampled_from(["flat", "hnsw"]))
        # One score a view, whatever the index.
        score = {"a": 4, "b": 3, "c": 3, "d": 1}[model]
        found[model, index] = Candidate(
            model, View(8), index, score,
            {constraint.quantity: draw(quantities()) for constraint in ALL} | {"score": Known.exactly(score)},
        )  # fmt: skip
    return list(found.values())


limits = st.integers(1, 10)
constraint_sets = st.lists(st.sampled_from(ALL), unique=True, max_size=3).flatmap(
    lambda chosen: st.tuples(*(limits.map(lambda limit, c=c: Constraint(c.name, c.quantity, limit)) for c in chosen))
)


def verdicts(candidate, constraints):
    return [candidate.quantities[c.quantity].verdict(c) for c in constraints]


def eligible(candidate, constraints):
    """Breaks nothing, and all that is unknown can be measured."""
    found = verdicts(candidate, constraints)
    measurable = all(
        candidate.quantities[c.quantity].command for c, v in zip(constraints, found, strict=True) if v == "unknown"
    )
    return "broken" not in found and measurable


def lacks(candidate, constraints):
    return verdicts(candidate, constraints).count("unknown")


def answer(candidates, constraints):
    possible = [candidate for candidate in candidates if eligible(candidate, constraints)]
    return min(possible, key=lambda c: (lacks(c, constraints), c.rank), default=None)


@given(contests(), constraint_sets)
@settings(max_examples=300)
def test_the_answer_is_the_best_of_those_that_keep_to_all(candidates, constraints):
    decision = decide(candidates, constraints)
    expected = answer(candidates, constraints)
    assert (decision.accepted[0] if decision.accepted else None) == expected
    if expected is None:
        assert decision.status == "nothing fits"
        return
    level = lacks(expected, constraints)
    assert decision.status == ("not known to fit" if level else "fits")
    same = {c.key for c in candidates if eligible(c, constraints) and lacks(c, constraints) == level}
    assert {c.key for c in decision.accepted} == same
    assert len(decision.accepted) == len(same)
    assert [c.rank for c in decision.accepted] == sorted(c.rank for c in decision.accepted)
    better = {c.key for c in candidates if c.score > expected.score and "broken" not in verdicts(c, constraints)}
    assert {c.key for c in decision.unproven} == better


@given(contests(), constraint_sets, st.randoms())
@settings(max_examples=50)
def test_the_order_of_candidates_changes_nothing(candidates, constraints, random):
    shuffled = random.sample(candidates, len(candidates))
    assert decide(shuffled, constraints) == decide(candidates, constraints)


def replaces(candidate, now, constraints, changed):
    """Whether a candidate may take the answer's place once one constraint is another or gone (`changed`)."""
    if now is None:
        return eligible(candidate, changed)
    others = [c for c in constraints if c in changed]
    new = [c for c in changed if c not in others]
    dropped = [c for c in constraints if c not in changed]
    return (
        candidate.score > now.score
        and eligible(candidate, changed)
        and lacks(candidate, others) <= lacks(now, others)
        and lacks(candidate, new) <= lacks(now, dropped)
    )


@given(contests(), constraint_sets)
@settings(max_examples=300)
def test_what_binds_and_the_smallest_step_by_trying_every_limit(candidates, constraints):
    decision = decide(candidates, constraints)
    now = decision.accepted[0] if decision.accepted else None
    for effect in decision.effects:
        others = [c for c in constraints if c is not effect.constraint]

        def best(changed):
            found = [c for c in candidates if replaces(c, now, constraints, changed)]
            return min(found, key=lambda c: c.rank, default=None)

        without = best(others)
        assert effect.binds == (without is not None)
        assert (effect.without.candidate if effect.without else None) == without
        # All numbers are whole, so these are all limits that differ.
        limit = int(effect.constraint.limit)
        looser = range(limit + 1, 14) if effect.constraint.is_most else range(limit - 1, -2, -1)
        first = next(
            ((value, found) for value in looser
             if (found := best([*others, Constraint(effect.constraint.name, effect.constraint.quantity, value)]))),
            None,
        )  # fmt: skip
        assert ((effect.step.limit, effect.step.candidate) if effect.step else None) == first


@given(contests(), constraint_sets)
@settings(max_examples=200)
def test_the_closest_has_the_smallest_of_the_largest_excesses(candidates, constraints):
    decision = decide(candidates, constraints)
    if decision.accepted:
        assert decision.closest is None
        return

    def worst(candidate):
        found = [0.0]
        for c in constraints:
            known = candidate.quantities[c.quantity]
            if c.is_most and known.low > c.limit:
                found.append(known.low / c.limit - 1)
            if not c.is_most and known.high < c.limit:
                found.append(1 - known.high / c.limit)
        return max(found)

    def hopeless(candidate):
        found = zip(constraints, verdicts(candidate, constraints), strict=True)
        return sum(v == "unknown" and candidate.quantities[c.quantity].command is None for c, v in found)

    fewest = min(map(hopeless, candidates))
    assert hopeless(decision.closest) == fewest
    least = min(worst(c) for c in candidates if hopeless(c) == fewest)
    assert math.isclose(worst(decision.closest), least, abs_tol=1e-12)


def test_exact_search_goes_before_hnsw_unless_it_breaks_a_limit():
    def candidate(index, search, storage):
        known = {"search_p95_ms": Known.exactly(search), "storage_bytes": Known.exactly(storage)}
        return Candidate("a", View(8), index, 0.5, known)

    flat, hnsw = candidate("flat", 9, 10), candidate("hnsw", 1, 20)
    assert decide([hnsw, flat], []).accepted == [flat]
    assert decide([hnsw, flat], [SEARCH]).accepted == [hnsw]
