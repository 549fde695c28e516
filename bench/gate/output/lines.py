"""The lines of a table of verdicts, and how their numbers are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.gate.checks import VERDICTS, Check, Item, Verdict
from bench.gate.judge import Outcome
from bench.results.index import UnitKey, unit_title
from bench.results.left_out import first_lines

HEADINGS = (
    "verdict", "rule", "model", "task", "view", "measure", "before", "after", "change [interval]", "allowed",
    "p (Holm)", "would have shown",
)  # fmt: skip
TEXT_COLUMNS = 6
Texts = Mapping[tuple[UnitKey, str], str]
# Shown in the table though they do not fail.
_TOLD: frozenset[Verdict] = frozenset({"underpowered", "accepted"})


@dataclass(frozen=True)
class Line:
    """Checks that are told in one line.

    Attributes:
        check: The one that is shown: the worst.
        count: How many there are.
    """

    check: Check
    count: int

    @property
    def cells(self) -> list[str]:
        """The cells of its row, under HEADINGS."""
        check, subject = self.check, self.check.subject
        view = str(subject.view) if subject.view else ""
        return [
            verdict_text(check),
            subject.rule.name,
            subject.model,
            unit_text(subject.unit),
            view if self.count == 1 else f"{view} and {self.count - 1} more".strip(),
            subject.measure,
            value_text(check, check.before),
            value_text(check, check.after),
            change_text(check),
            allowed_text(check),
            "" if check.adjusted is None else f"{check.adjusted:.2g}",
            detectable_text(check),
        ]


def lines(outcome: Outcome) -> list[Line]:
    """The rows of the table, what fails first: one a check with numbers that fails, the others in groups."""
    groups: dict[tuple[object, ...], list[Check]] = {}
    for check in outcome.checks:
        if check.fails or check.verdict in _TOLD:
            groups.setdefault(_row(check), []).append(check)
    found = [Line(max(group, key=_beyond), len(group)) for group in groups.values()]
    return sorted(found, key=lambda line: (not line.check.fails, VERDICTS.index(line.check.verdict)))


def _row(check: Check) -> tuple[object, ...]:
    """What checks that share a row have in common."""
    subject = check.subject
    common = subject.rule.name, subject.model, subject.unit, check.verdict, check.fails, check.accepted
    if check.evidence is None:
        return (*common, check.reason)
    return (*common, subject.measure, subject.view if check.fails else None)


def asides(outcome: Outcome) -> list[str]:
    """In sentences: what is not compared and need not be, and what is new."""
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for check in outcome.checks:
        if not check.fails and check.verdict in {"not comparable", "new"}:
            groups.setdefault((check.verdict, check.subject.rule.name, check.reason), []).append(check)
    found = []
    for (verdict, rule, reason), checks in groups.items():
        models = ", ".join(dict.fromkeys(check.subject.model for check in checks))
        units = ", ".join(dict.fromkeys(unit_text(check.subject.unit) for check in checks))
        hint = f" ({checks[0].hint})" if checks[0].hint else ""
        count = f"{len(checks)} check{'s' if len(checks) > 1 else ''}"
        found.append(f"{verdict}: {count} by {rule} of {models} on {units}: {reason}{hint}")
    return found


def left_out(outcome: Outcome) -> list[str]:
    """In sentences: what is not current and therefore not compared, at most ten."""
    lines = [f"{'' if side == 'candidate' else 'baseline: '}{entry.line}" for side, entry in outcome.left_out]
    # No line may begin with a name: CI takes one that begins with `::` for a command.
    return [f"note: {line}" for line in first_lines(lines)]


def _beyond(check: Check) -> float:
    if check.evidence is None or check.limit is None:
        return -math.inf
    return check.evidence.figure - check.limit


def headline(outcome: Outcome) -> str:
    """The whole in a sentence."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in outcome.counts.items())
    return f"{outcome.conclusion}: {len(outcome.checks)} checks by {outcome.source}: {counts or 'nothing to check'}"


def verdict_text(check: Check) -> str:
    """The verdict, and whether it is for information alone."""
    told = check.verdict in {"underpowered", "not comparable"} and not check.fails
    return f"{check.verdict} (warning)" if told else check.verdict


def unit_text(unit: UnitKey) -> str:
    """A task unit as tables show it; empty of a rule that is about none."""
    return unit_title(unit) if unit[0] else ""


def subject_text(check: Check) -> str:
    """What was checked, in words."""
    subject = check.subject
    if not subject.model:
        return f"rule {subject.rule.name}"
    view = f" at {subject.view}" if subject.view else ""
    measure = f": {subject.measure}" if subject.measure else ""
    return f"{subject.model} on {unit_text(subject.unit)}{view}{measure}"


def value_text(check: Check, value: float | None) -> str:
    """A score, or a cost."""
    if value is None:
        return ""
    return f"{value:,.4g}" if check.subject.rule.kind == "max_increase" else f"{value:.4f}"


def figure_text(check: Check, figure: float, *, signed: bool = True) -> str:
    """The figure that is held to the limit, as people read it: more of a score is better."""
    if not math.isfinite(figure):
        return "?"
    kind = check.subject.rule.kind
    if kind == "max_increase":
        return f"x{figure:.3f}"
    if kind == "min_share":
        return f"{-figure:.2%}"
    # A drop of 0 is no change, whatever its sign.
    return f"{-figure + 0.0:+.4f}" if kind == "max_drop" and signed else f"{-figure:.4f}"


def change_text(check: Check) -> str:
    """The figure with its interval."""
    known = check.evidence
    if known is None:
        return ""
    ends = [known.low, known.high]
    if check.subject.rule.kind != "max_increase":
        ends.reverse()
    low, high = (figure_text(check, end) for end in ends)
    return f"{figure_text(check, known.figure)} [{low}, {high}]"


def allowed_text(check: Check) -> str:
    """What the figure may be."""
    if check.limit is None:
        return ""
    sign = "at most" if check.subject.rule.kind == "max_increase" else "at least"
    return f"{sign} {figure_text(check, check.limit)}"


def detectable_text(check: Check) -> str:
    """The smallest change that would have been found to be beyond the limit, where it was not told."""
    known = check.evidence
    if check.verdict != "underpowered" or known is None or known.detectable is None:
        return ""
    return figure_text(check, known.detectable)


def certainty_text(check: Check) -> str:
    """How sure the verdict is, in a sentence without its first capital."""
    known = check.evidence
    parts = [check.reason]
    if check.accepted is not None:
        parts.insert(0, f"accepted: {check.accepted}")
    if known is not None and check.adjusted is not None:
        parts.append(f"p = {check.adjusted:.2g} after Holm's correction for {check.compared} checks")
    if known is not None and check.verdict == "underpowered":
        parts.append(power_text(check))
    return "; ".join(filter(None, parts))


def power_text(check: Check) -> str:
    """What so many queries could have shown."""
    known = check.evidence
    if known is None or known.detectable is None:
        return "too few to test" if check.subject.rule.of_quality else ""
    return f"{count_text(known.n, known.clusters)} would have shown {figure_text(check, known.detectable)} (power 80%)"


def count_text(n: int, clusters: int) -> str:
    """How many observations there are."""
    return f"{n:,} items" if clusters == n else f"{n:,} items in {clusters:,} groups"


def worst_of(found: Iterable[Line]) -> list[Check]:
    """The failing checks whose items are listed: of each model, task and measure the worst."""
    chosen: dict[tuple[object, ...], Check] = {}
    for line in found:
        check, subject = line.check, line.check.subject
        key = subject.model, subject.unit, subject.measure
        if check.fails and check.worst and (key not in chosen or _beyond(check) > _beyond(chosen[key])):
            chosen[key] = check
    return list(chosen.values())


def item_cells(items: Sequence[Item], texts: Texts) -> list[list[str]]:
    """A row an item: before, after, id, text."""
    return [
        [
            "" if item.before is None else f"{item.before:.4f}",
            f"{item.after:.4f}",
            item.id,
            texts.get((item.unit, item.id), ""),
        ]
        for item in items
    ]


def reasons(found: Iterable[Line]) -> list[str]:
    """What the numbers do not tell: why something is not compared or was accepted, and what to do; each once."""
    told: dict[str, None] = {}
    for line in found:
        check = line.check
        hint = f" ({check.hint})" if check.hint and check.fails else ""
        if check.accepted is not None:
            told[f"accepted: {check.accepted}"] = None
        elif check.evidence is None:
            told[f"{check.verdict}: {subject_text(check)}: {check.reason}{hint}"] = None
        elif hint:
            told[f"{check.verdict}: {check.reason}{hint}"] = None
    return list(told)


def shortened(text: str, longest: int) -> str:
    """Text cut to so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
