"""A check: one rule on one cell or cost figure, its numbers and its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.gate.rules import Rule
from bench.results.index import UnitKey
from bench.views import View

Float64 = npt.NDArray[np.float64]

Verdict = Literal["pass", "regressed", "underpowered", "not comparable", "missing", "new", "accepted"]
# From what must be seen first to what need not be.
VERDICTS: tuple[Verdict, ...] = ("regressed", "missing", "not comparable", "underpowered", "accepted", "new", "pass")


@dataclass(frozen=True)
class Subject:
    """What is checked.

    Attributes:
        rule: By which rule.
        model: The model's name.
        unit: Task, split and subset; `mean` of a rule on the mean over subsets.
        view: The view; None of a baseline, and of a cost that belongs to none.
        measure: The metric, or the cost figure with its detail; empty where the cell itself is checked.
        environment: Of a cost figure.
    """

    rule: Rule
    model: str
    unit: UnitKey
    view: View | None
    measure: str = ""
    environment: str | None = None


@dataclass(frozen=True)
class Identity:
    """The candidate's content that a verdict is about; None where it has none.

    Attributes:
        model: The model's fingerprint.
        task: The task's fingerprint.
        measured: When a cost figure was measured.
    """

    model: str | None = None
    task: str | None = None
    measured: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What a sample tells of a figure of which more is worse.

    Attributes:
        figure: Its value.
        low: The lower end of the interval that leaves 1 - confidence on each side.
        high: The upper end.
        p: One-sided p-value of the figure not being beyond its limit; None where no test was made.
        detectable: The smallest figure that would have been found to be beyond the limit, with a power of 80%; None
            where none would have been.
        n: Observations that it stands on.
        clusters: Groups of them that count as one.
    """

    figure: float
    low: float
    high: float
    p: float | None = None
    detectable: float | None = None
    n: int = 0
    clusters: int = 0


@dataclass(frozen=True)
class Item:
    """A query, pair or item and what it gives.

    Attributes:
        unit: The task unit that it belongs to.
        id: Its id.
        before: Its score in the baseline, or at full width; None where only one side is looked at.
        after: Its score in the candidate.
    """

    unit: UnitKey
    id: str
    before: float | None
    after: float


@dataclass(frozen=True)
class Check:
    """A verdict and the numbers behind it.

    Attributes:
        subject: What was checked.
        verdict: The verdict.
        reason: Why, in a sentence.
        hint: What to do about it.
        identity: The candidate's content.
        before: The baseline's value, or that at full width.
        after: The candidate's value.
        evidence: What is known of the figure that is held to the limit: the drop, the floor's shortfall, the ratio.
        limit: What that figure may not exceed.
        adjusted: The p-value adjusted for the number of checks.
        compared: For how many checks.
        worst: The items that lost most.
        sample: What a picture of the figure is drawn of: an item's part in it, or resampled ratios.
        accepted: The message of the acceptance.
    """

    subject: Subject
    verdict: Verdict
    reason: str
    hint: str | None = None
    identity: Identity = Identity()
    before: float | None = None
    after: float | None = None
    evidence: Evidence | None = None
    limit: float | None = None
    adjusted: float | None = None
    compared: int = 0
    worst: tuple[Item, ...] = ()
    sample: Float64 = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    accepted: str | None = None

    @property
    def fails(self) -> bool:
        """Whether the gate may not pass."""
        rule = self.subject.rule
        return (
            self.verdict in {"regressed", "missing"}
            or (self.verdict == "underpowered" and rule.underpowered == "fail")
            or (self.verdict == "not comparable" and rule.not_comparable == "fail")
        )

    def judged(self, verdict: Verdict, reason: str, hint: str | None = None) -> Check:
        """The same numbers with a verdict."""
        return replace(self, verdict=verdict, reason=reason, hint=hint)
