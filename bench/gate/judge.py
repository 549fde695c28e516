"""The gate: all rules on two sides, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.gate.acceptance import with_acceptances
from bench.gate.checks import VERDICTS, Check, Subject, Verdict
from bench.gate.cost import cost_checks
from bench.gate.coverage import coverage_checks
from bench.gate.matching import unknown_patterns
from bench.gate.quality import quality_checks
from bench.gate.rules import DEFAULT_RULES, Rule
from bench.gate.sides import Side
from bench.results.items import ItemReader
from bench.results.left_out import LeftOut

Conclusion = Literal["pass", "regressed", "cannot tell"]
STATUS: dict[Conclusion, int] = {"pass": 0, "regressed": 1, "cannot tell": 3}


@dataclass
class Outcome:
    """What the gate found.

    Attributes:
        baseline: What was compared with, as it was named.
        candidate: What was judged.
        rules: The rules.
        source: Where they stand.
        checks: Every check, by rule in the rules' order.
        notes: What the reader should know.
        left_out: What is not current and therefore not compared: of the candidate, and what of the baseline alone.
    """

    baseline: str
    candidate: str
    rules: list[Rule]
    source: str
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[tuple[Literal["candidate", "baseline"], LeftOut]] = field(default_factory=list)

    @property
    def failures(self) -> list[Check]:
        """The checks for which the gate does not pass."""
        return [check for check in self.checks if check.fails]

    @property
    def conclusion(self) -> Conclusion:
        """The whole in a word."""
        verdicts = {check.verdict for check in self.failures}
        if verdicts & {"regressed", "missing"}:
            return "regressed"
        return "cannot tell" if verdicts else "pass"

    @property
    def status(self) -> int:
        """The exit status."""
        return STATUS[self.conclusion]

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many checks have each verdict, those that none has left out."""
        found = {verdict: sum(check.verdict == verdict for check in self.checks) for verdict in VERDICTS}
        return {verdict: count for verdict, count in found.items() if count}


def judge(
    baseline: Side, candidate: Side, rules: Sequence[Rule], *, names: tuple[str, str] = ("", ""), source: str = ""
) -> Outcome:
    """Hold a candidate's results to rules.

    Args:
        baseline: What is compared with.
        candidate: What is judged.
        rules: The rules; their names are unique.
        names: What both sides are called.
        source: Where the rules stand.

    Raises:
        BenchError: A record's table is missing or damaged.
    """
    outcome = Outcome(*names, list(rules), source)
    coverage, covered = coverage_checks(rules, baseline, candidate)
    checks = [
        *quality_checks(rules, baseline, candidate, covered, ItemReader()),
        *coverage,
        *cost_checks(rules, baseline, candidate),
    ]
    usual = tuple(rules) == DEFAULT_RULES
    for rule in rules if not usual else ():
        unknown = unknown_patterns(rule, (baseline, candidate))
        if any(check.subject.rule == rule for check in checks):
            outcome.notes += [f"rule `{rule.name}`: {sentence}" for sentence in unknown]
        else:
            checks.append(_idle(rule, unknown))
    place = {rule.name: number for number, rule in enumerate(rules)}
    checks.sort(key=lambda check: (place[check.subject.rule.name], VERDICTS.index(check.verdict), _order(check)))
    outcome.checks = with_acceptances(checks, candidate.acceptances)
    outcome.left_out = [("candidate", entry) for entry in candidate.left_out]
    outcome.left_out += [("baseline", entry) for entry in baseline.left_out if entry not in candidate.left_out]
    return outcome


def _idle(rule: Rule, unknown: Sequence[str]) -> Check:
    """The verdict on a rule that is about nothing that there is."""
    return Check(
        Subject(rule, "", ("", "", ""), None),
        "not comparable",
        "the rule matches no result on either side",
        "; ".join(unknown) or "no result has all that it asks for: leave out some of it",
    )


def _order(check: Check) -> tuple[str, tuple[str, str, str], str, int, str]:
    subject = check.subject
    view = subject.view
    dim, precision = (-view.truncate_dim, view.precision) if view else (0, "")
    return subject.model, subject.unit, subject.measure, dim, precision
