"""The decision: which candidates keep to all constraints, which is the best, and what each constraint costs.

Every definition here is over candidates alone; bench.choosing.answering adds what statistics say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.choosing.candidates import Candidate
from bench.choosing.constraints import Constraint

Status = Literal["fits", "not known to fit", "nothing fits"]


@dataclass(frozen=True)
class Relaxed:
    """What another limit would give, all others kept.

    Attributes:
        limit: The new limit; None for none at all.
        candidate: The best candidate under it.
    """

    limit: float | None
    candidate: Candidate


@dataclass(frozen=True)
class Effect:
    """What one constraint does to the answer.

    Attributes:
        constraint: The constraint.
        broken_by: How many views break it, whatever the index.
        unknown_for: Of how many views it is not known whether they keep to it.
        step: The smallest loosening under which the answer would be one with a better score (any, where nothing fits)
            of which no more is unknown; None where no limit would do.
        without: What leaving the constraint out gives; None where it gives nothing better. With it the constraint
            binds.
    """

    constraint: Constraint
    broken_by: int
    unknown_for: int
    step: Relaxed | None
    without: Relaxed | None

    @property
    def binds(self) -> bool:
        """Whether the answer would be better without it."""
        return self.without is not None


@dataclass(frozen=True)
class Decision:
    """What fits.

    Attributes:
        status: `fits` where the answer is known to keep to all constraints; `not known to fit` where it is not known to
            break one, but what some need has yet to be measured; `nothing fits` where every candidate breaks one, or
            nothing can measure whether it does.
        accepted: Of the candidates that break no constraint, and of which all that is unknown can be measured, those
            with the fewest constraints unknown (where something fits, none); one a view, best first. The first is the
            answer.
        unproven: Further candidates that break no constraint, with a better score than the answer, but of which more is
            unknown or cannot be measured; one a view, best first.
        effects: Of each constraint.
        closest: Where nothing fits: the candidate whose largest excess over a limit is the smallest, of those of which
            the fewest constraints can never be known.
        top: The best candidate of all, whatever the constraints.
    """

    status: Status
    accepted: Sequence[Candidate]
    unproven: Sequence[Candidate]
    effects: Sequence[Effect]
    closest: Candidate | None
    top: Candidate


def decide(candidates: Sequence[Candidate], constraints: Sequence[Constraint]) -> Decision:
    """Find the best candidate that keeps to all constraints.

    Args:
        candidates: At least one, in any order.
        constraints: The limits.
    """
    ordered = sorted(candidates, key=lambda candidate: candidate.rank)
    unbroken = [candidate for candidate in ordered if fit(candidate, constraints) != "nothing fits"]
    possible = [candidate for candidate in unbroken if not unknowable(candidate, constraints)]
    least = min((unknown(candidate, constraints) for candidate in possible), default=0)
    accepted = _one_a_view(candidate for candidate in possible if unknown(candidate, constraints) == least)
    answer = accepted[0] if accepted else None
    # What lacks no more and scores better would be the answer.
    unproven = _one_a_view(candidate for candidate in unbroken if answer is None or candidate.score > answer.score)
    effects = [_effect(ordered, constraints, constraint, answer) for constraint in constraints]
    closest = None if answer else min(ordered, key=lambda candidate: _distance(candidate, constraints))
    status = fit(answer, constraints) if answer else "nothing fits"
    return Decision(status, accepted, unproven, effects, closest, ordered[0])


def fit(candidate: Candidate, constraints: Iterable[Constraint]) -> Status:
    """How a candidate stands to constraints; `nothing fits` where it breaks one."""
    verdicts = {candidate.quantities[constraint.quantity].verdict(constraint) for constraint in constraints}
    if "broken" in verdicts:
        return "nothing fits"
    return "not known to fit" if "unknown" in verdicts else "fits"


def unknown(candidate: Candidate, constraints: Iterable[Constraint]) -> int:
    """Of how many constraints it is not known whether a candidate keeps to them."""
    return sum(candidate.quantities[constraint.quantity].verdict(constraint) == "unknown" for constraint in constraints)


def unknowable(candidate: Candidate, constraints: Iterable[Constraint]) -> int:
    """Of how many constraints nothing can measure whether a candidate keeps to them."""
    lacking = [
        candidate.quantities[constraint.quantity] for constraint in constraints if unknown(candidate, [constraint])
    ]
    return sum(known.command is None for known in lacking)


def excess(candidate: Candidate, constraint: Constraint) -> float:
    """By how much a candidate is known to break a constraint, as a share of the limit; 0 where it is not."""
    known, limit = candidate.quantities[constraint.quantity], constraint.limit
    if known.verdict(constraint) != "broken":
        return 0.0
    beyond = known.low - limit if constraint.is_most else limit - known.high
    return beyond / abs(limit) if limit else beyond


def _distance(candidate: Candidate, constraints: Sequence[Constraint]) -> tuple[object, ...]:
    largest = max(excess(candidate, constraint) for constraint in constraints)
    return unknowable(candidate, constraints), largest, unknown(candidate, constraints), candidate.rank


def _effect(
    ordered: Sequence[Candidate], constraints: Sequence[Constraint], constraint: Constraint, answer: Candidate | None
) -> Effect:
    others = [other for other in constraints if other is not constraint]
    # What takes the answer's place may lack no more than the answer does: of the other constraints, and of this one.
    lacking = len(others) if answer is None else unknown(answer, others)
    proven = answer is not None and unknown(answer, [constraint]) == 0
    kept_out = [
        candidate
        for candidate in ordered
        if (answer is None or candidate.score > answer.score)
        and fit(candidate, others) != "nothing fits"
        and unknown(candidate, others) <= lacking
        and not unknowable(candidate, others)
    ]
    limits: dict[float, list[Candidate]] = {}
    for candidate in kept_out:
        known = candidate.quantities[constraint.quantity]
        limit = known.needs(constraint, proven=proven or known.command is None)
        limits.setdefault(limit, []).append(candidate)
    reachable = [limit for limit in limits if math.isfinite(limit)]
    step = None
    if reachable:
        nearest = min(reachable) if constraint.is_most else max(reachable)
        step = Relaxed(nearest, limits[nearest][0])
    without = Relaxed(None, kept_out[0]) if kept_out else None
    broken, unsure = _count(ordered, lambda candidate: candidate.quantities[constraint.quantity].verdict(constraint))
    return Effect(constraint, broken, unsure, step, without)


def _count(ordered: Sequence[Candidate], verdict: Callable[[Candidate], str]) -> tuple[int, int]:
    """How many views are broken at every index, and how many of the others are not known to be met at any."""
    verdicts: dict[object, set[str]] = {}
    for candidate in ordered:
        verdicts.setdefault(candidate.key, set()).add(verdict(candidate))
    broken = sum(found == {"broken"} for found in verdicts.values())
    unknown = sum("unknown" in found and "met" not in found for found in verdicts.values())
    return broken, unknown


def _one_a_view(ordered: Iterable[Candidate]) -> list[Candidate]:
    """The first candidate of each view."""
    found: dict[object, Candidate] = {}
    for candidate in ordered:
        found.setdefault(candidate.key, candidate)
    return list(found.values())
