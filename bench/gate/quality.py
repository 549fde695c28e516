"""Verdicts on quality, from what each query or pair contributes on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.gate.checks import Check, Float64, Identity, Item, Verdict
from bench.gate.evidence import Question, decide, weigh
from bench.gate.pairs import Group, KeptItems, by_file, groups_of
from bench.gate.parts import combined_fingerprint, pool_clusters, ratio_parts, same_items
from bench.gate.rules import Rule
from bench.gate.sides import CellKey, Side
from bench.results.index import Cell, UnitKey
from bench.results.items import ItemReader, Items, shared_clusters
from bench.statistics.paired import holm
from bench.statistics.subsets import subset_contributions

WORST = 10
_Fault = tuple[Verdict, str, str | None]
_ACCEPT = "if it is meant so: bench baseline update"


@dataclass(frozen=True)
class _Asked:
    """A check that awaits its evidence.

    Attributes:
        check: What is known of it.
        question: What is asked of the items.
        units: The task unit and ids of the items of each subset, in their order.
        before: The items' scores that are compared with, shape (n,); empty where there is nothing to compare with.
        after: The candidate's, shape (n,).
    """

    check: Check
    question: Question
    units: tuple[tuple[UnitKey, list[str]], ...]
    before: Float64
    after: Float64


def quality_checks(
    rules: Sequence[Rule], baseline: Side, candidate: Side, covered: frozenset[CellKey], reader: ItemReader
) -> list[Check]:
    """The checks of all rules about quality.

    P-values are adjusted by Holm for the number of checks whose scores are not the very same on both sides.

    Args:
        rules: The rules; others than those about quality are passed over.
        baseline: What is compared with.
        candidate: What is judged.
        covered: Cells that a rule on coverage watches, so that their absence is told once.
        reader: Reads the items.

    Raises:
        BenchError: A record's table is missing or damaged.
    """
    kept = KeptItems(reader)
    groups = [group for rule in rules if rule.of_quality for group in groups_of(rule, baseline, candidate, covered)]
    found: list[Check | _Asked] = [_ask(group, kept) for group in by_file(groups)]
    asked = [entry for entry in found if isinstance(entry, _Asked)]
    evidence = weigh([entry.question for entry in asked], len(asked))
    adjusted = holm(np.array([known.p for known in evidence], dtype=np.float64)) if asked else np.empty(0)
    answers = iter(zip(evidence, adjusted.tolist(), strict=True))
    checks = []
    for entry in found:
        if isinstance(entry, Check):
            checks.append(entry)
            continue
        known, p = next(answers)
        checks.append(_judge(entry, replace(entry.check, evidence=known, adjusted=p, compared=len(asked))))
    return checks


def _score(cell: Cell, metric: str) -> float | None:
    value = cell.record.views[cell.position].metrics.get(metric)
    return None if value is None else value.value


def _mean_score(cells: Sequence[Cell], metric: str) -> float | None:
    scores = [_score(cell, metric) for cell in cells]
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _ask(group: Group, reader: KeptItems) -> Check | _Asked:
    subject, before, after = group.subject, group.before, group.after
    kind, metric = subject.rule.kind, subject.measure
    tasks = [cell.record.task for cell in after]
    identity = Identity(after[0].record.model.fingerprint, combined_fingerprint(tasks)) if after else Identity()
    compared = before if kind != "min" else ()
    check = Check(
        subject, "pass", "", identity=identity, before=_mean_score(compared, metric), after=_mean_score(after, metric)
    )
    fault = next(_faults(group, check), None)
    if fault is not None:
        return check.judged(*fault)
    items = [reader.read(cell, metric) for cell in after]
    others = [reader.read(cell, metric) for cell in compared]
    known = [found for found in items if found is not None]
    known_others = [found for found in others if found is not None]
    if len(known) < len(items) or len(known_others) < len(others):
        if kind == "max_drop" and check.before == check.after:
            return check.judged("pass", "the same score")
        return check.judged("not comparable", f"{metric} is no mean of items here, so that no test can be made of it")
    if others and not all(map(same_items, known, known_others)):
        return check.judged("not comparable", "the two sides are not of the same queries or pairs", "bench run --force")
    return _question(check, known, known_others, [cell.record.task.subset for cell in after])


def _faults(group: Group, check: Check) -> Iterator[_Fault]:
    """Why there is nothing to compare, the first reason first."""
    metric, kind = group.subject.measure, group.subject.rule.kind
    if not group.after:
        yield "missing", "the baseline has it and these results do not", f"bench run; {_ACCEPT}"
    if check.after is None:
        yield "not comparable", f"these results have no {metric} of it", "bench run --force"
    if group.absent:
        reason = f"without {', '.join(group.absent)} the mean over subsets is another"
        yield "not comparable", reason, f"bench run; {_ACCEPT}"
    if kind == "min_share":
        yield from _share_faults(group, check)
    if kind == "max_drop":
        yield from _drop_faults(group, check)


def _share_faults(group: Group, check: Check) -> Iterator[_Fault]:
    if len(group.before) < len(group.after):
        hint = "add the full width to truncate_dims, and float32 to precisions"
        yield "not comparable", "the full width in float32 was not scored", hint
    if not check.before or check.before <= 0:
        yield "not comparable", "the full width's score is not above 0: a share of it has no meaning", None


def _drop_faults(group: Group, check: Check) -> Iterator[_Fault]:
    if not group.before:
        yield "new", "the baseline does not have it: nothing to compare with", None
    pairs = zip(group.before, group.after, strict=False)
    if any(old.record.task.fingerprint != new.record.task.fingerprint for old, new in pairs):
        reason = "the task's data or scoring changed: scores on other data cannot be compared"
        yield "not comparable", reason, f"score the baseline's model on it too; {_ACCEPT}"
    if check.before is None:
        yield "not comparable", f"the baseline has no {group.subject.measure} of it", "score the baseline again"


def _question(check: Check, items: Sequence[Items], others: Sequence[Items], subsets: Sequence[str]) -> Check | _Asked:
    subject = check.subject
    rule = subject.rule
    after, before = (np.concatenate([found.values for found in side]) for side in (items, others or items))
    # Of several subsets, what each item contributes to the mean over them.
    parts, parts_before = (
        subset_contributions([found.values[:, None] for found in side])[:, 0] for side in (items, others or items)
    )
    clusters = pool_clusters(
        [found.ids for found in items],
        [shared_clusters([new, old]) for new, old in zip(items, others or items, strict=True)],
    )
    units = tuple(((*subject.unit[:2], subset), found.ids) for subset, found in zip(subsets, items, strict=True))
    if rule.max_drop is not None:
        if np.array_equal(before, after):
            return check.judged("pass", "the same score on every query or pair")
        values, score = parts_before - parts, float(parts_before.mean())
        limit, sample = rule.max_drop.of(score), before - after
        if rule.max_drop.relative:
            # The tolerance moves with the baseline's score, which is as uncertain as the drop.
            values = values - rule.max_drop.value * np.sign(score) * (parts_before - score)
    elif rule.min_share is not None:
        sample = ratio_parts(parts, parts_before)
        values, limit = -sample, -rule.min_share
    else:
        values, limit, sample, before = -parts, -(rule.min or 0.0), after, np.empty(0)
    asked = Question(values, clusters, limit, rule.confidence)
    return _Asked(replace(check, limit=limit, sample=sample), asked, units, before, after)


def _judge(asked: _Asked, check: Check) -> Check:
    known, limit, rule = check.evidence, check.limit, check.subject.rule
    if known is None or limit is None or check.adjusted is None:
        return check
    what = {"max_drop": "a drop beyond the tolerance", "min": "a score below the floor", "min_share": "a smaller share"}
    reasons = {"regressed": "is shown", "pass": "is excluded", "underpowered": "is neither shown nor excluded"}
    verdict = decide(known, check.adjusted, limit, rule.confidence)
    hint = "score more queries" if verdict == "underpowered" else None
    check = check.judged(verdict, f"{what[rule.kind]} {reasons[verdict]}", hint)
    return check if verdict == "pass" else replace(check, worst=_worst(asked))


def _worst(asked: _Asked) -> tuple[Item, ...]:
    """The items that lost most, or of a floor score least."""
    compared = len(asked.before) > 0
    losses = asked.before - asked.after if compared else -asked.after
    places = [(unit, name) for unit, ids in asked.units for name in ids]
    found = []
    for row in np.argsort(-losses, kind="stable")[:WORST].tolist():
        if compared and losses[row] <= 0:
            break
        unit, name = places[row]
        found.append(Item(unit, name, float(asked.before[row]) if compared else None, float(asked.after[row])))
    return tuple(found)
