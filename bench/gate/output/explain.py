"""The arithmetic of a verdict, with a picture."""

from __future__ import annotations

from bench.gate.checks import VERDICTS, Check
from bench.gate.judge import Outcome
from bench.gate.output.histogram import histogram
from bench.gate.output.lines import (
    allowed_text,
    certainty_text,
    change_text,
    count_text,
    figure_text,
    power_text,
    subject_text,
    value_text,
    verdict_text,
)
from bench.markdown import printable
from bench.neutral import neutral

_MOST = 3
# What the figure is called, and what its picture is of.
_PICTURES = {
    "max_drop": ("change", "differences of items, after less before"),
    "min": ("score", "scores of items"),
    "min_share": ("share", "what each item contributes to the share, by the delta method"),
    "max_increase": ("ratio", "resampled ratios, after over before"),
}


def render_explanation(outcome: Outcome, rule: str) -> str:
    """How the verdicts of a rule came about: its worst checks, at most three.

    Args:
        outcome: What the gate found.
        rule: The rule's name.
    """
    checks = [check for check in outcome.checks if check.subject.rule.name == rule]
    checks.sort(key=lambda check: (VERDICTS.index(check.verdict), -_beyond(check)))
    if not checks:
        return f"rule {neutral(rule)}: it matches no result on either side\n"
    shown = checks[:_MOST]
    parts = [_explain(check) for check in shown]
    if len(checks) > len(shown):
        parts.append(f"and {len(checks) - len(shown)} more checks of this rule, none of them worse")
    return "\n\n".join(parts) + "\n"


def _beyond(check: Check) -> float:
    known = check.evidence
    return known.figure - check.limit if known is not None and check.limit is not None else float("-inf")


def _explain(check: Check) -> str:
    rule, known = check.subject.rule, check.evidence
    # No line may begin with a name: CI takes one that begins with `::` for a command.
    rows = [
        f"check {printable(subject_text(check))}: {verdict_text(check)}",
        f"  rule      {neutral(rule.name)}: {_rule_text(check)}",
    ]
    if check.before is not None or check.after is not None:
        before, after = value_text(check, check.before), value_text(check, check.after)
        rows.append(f"  values    before {before or 'none'}, after {after or 'none'}")
    if known is None:
        return "\n".join([*rows, f"  why       {printable(certainty_text(check))}"])
    rows.append(f"  change    {change_text(check)}, {allowed_text(check)}")
    level = 1 - rule.confidence
    rows.append(f"  interval  each end leaves {level:.3g} outside: {1 - 2 * level:.0%} between them")
    if rule.of_quality:
        rows.append(f"  sample    {count_text(known.n, known.clusters)}")
    if known.p is not None and check.adjusted is not None:
        rows.append(
            f"  test      p = {known.p:.4g}: so much, or more, where the truth is the limit itself; "
            f"by Holm for {check.compared} checks {check.adjusted:.4g}; regressed at {level:.3g} or less"
        )
        rows.append(f"  power     {power_text(check)}")
    rows.append(f"  why       {printable(certainty_text(check))}")
    return "\n".join([*rows, *_picture(check)])


def _rule_text(check: Check) -> str:
    rule = check.subject.rule
    value = getattr(rule, rule.kind)
    return f"{rule.kind} {value}, confidence {rule.confidence}" if rule.kind != "coverage" else "coverage"


def _picture(check: Check) -> list[str]:
    known, limit, kind = check.evidence, check.limit, check.subject.rule.kind
    if known is None or limit is None or not len(check.sample):
        return []
    name, what = _PICTURES[kind]
    # Of scores more is better, and the figure held to the limit is their negative.
    sign = 1 if kind == "max_increase" else -1
    values = -check.sample if kind == "max_drop" else check.sample
    marks = {name: sign * known.figure, "limit": sign * limit}
    if kind == "max_drop":
        marks["no change"] = 0.0
    return [
        f"  {what}:",
        *(f"    {line}" for line in histogram(values, marks, lambda at: figure_text(check, sign * at))),
    ]
