"""Verdicts on quality, from what each query or pair contributes on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.gate.checks import Check, Float64, Identity, Item, Subject
from bench.gate.evidence import Question, weigh
from bench.gate.matching import covers_unit, covers_view
from bench.gate.parts import combined_fingerprint, pool, pool_clusters, ratio_parts, same_items
from bench.gate.rules import MAIN, MEAN, Rule
from bench.gate.sides import CellKey, Side
from bench.results.index import Cell, UnitKey
from bench.results.items import ItemReader, Items, shared_clusters
from bench.statistics.paired import holm
from bench.views import View

WORST = 10
_ROUNDING = 1e-12
_ACCEPT = "if it is meant so: bench baseline update"


@dataclass(frozen=True)
class _Group:
    """The cells that one check is about: one, or all subsets of a task.

    Attributes:
        subject: What is checked.
        before: The cells that are compared with, of the baseline or at full width.
        after: The candidate's.
        absent: Subsets that only the baseline has.
    """

    subject: Subject
    before: tuple[Cell, ...]
    after: tuple[Cell, ...]
    absent: tuple[str, ...] = ()


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
    groups = [group for rule in rules if rule.of_quality for group in _groups(rule, baseline, candidate, covered)]
    found: list[Check | _Asked] = [_ask(group, reader) for group in _by_file(groups)]
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


def _groups(rule: Rule, baseline: Side, candidate: Side, covered: frozenset[CellKey]) -> Iterator[_Group]:
    sides = (candidate,) if rule.kind == "min_share" else (baseline, candidate)
    groups: dict[tuple[str, UnitKey, View | None], dict[CellKey, None]] = {}
    for key in sorted({key for side in sides for key in side.cells}, key=lambda key: key.order):
        cells = [side.cells[key] for side in sides if key in side.cells]
        width = cells[-1].record.model.width
        measured = any(_metric(rule, cell) is not None for cell in cells)
        if not measured or not covers_unit(rule, key.model, key.unit) or not covers_view(rule, key.view, width):
            continue
        if rule.kind == "min_share" and (key.view is None or key.view == View(width or 0, "float32")):
            continue
        unit = (*key.unit[:2], MEAN) if rule.subsets == MEAN else key.unit
        groups.setdefault((key.model, unit, key.view), {})[key] = None
    for (model, unit, view), keys in groups.items():
        after = {key: candidate.cells[key] for key in keys if key in candidate.cells}
        before = {key: baseline.cells[key] for key in keys if key in baseline.cells}
        if not after and all(key in covered for key in keys):
            continue
        absent = tuple(key.unit[2] for key in before if key not in after)
        # Subsets that the baseline lacks are no part of the mean that is compared.
        compared = [key for key in after if key in before or rule.kind != "max_drop" or not before]
        shown = (after or before)[next(iter(after or before))]
        subject = Subject(rule, model, unit, view, _metric(rule, shown) or rule.metric)
        if rule.kind == "min_share":
            full = [CellKey(key.model, key.unit, View(after[key].record.model.width or 0, "float32")) for key in after]
            reference = tuple(candidate.cells[key] for key in full if key in candidate.cells)
            yield _Group(subject, reference, tuple(after.values()))
        else:
            known = tuple(before[key] for key in compared if key in before)
            yield _Group(subject, known or tuple(before.values()), tuple(after[key] for key in compared), absent)


def _metric(rule: Rule, cell: Cell) -> str | None:
    """The metric that a rule is about, None where the cell does not have it."""
    name = cell.record.task.main_metric if rule.metric == MAIN else rule.metric
    return name if name in cell.record.views[cell.position].metrics else None


def _by_file(groups: Iterable[_Group]) -> list[_Group]:
    # Each table is read once where cells of one file follow one another.
    return sorted(groups, key=lambda group: (group.subject.model, group.subject.unit, group.subject.measure))


def _score(cell: Cell, metric: str) -> float | None:
    value = cell.record.views[cell.position].metrics.get(metric)
    return None if value is None else value.value


def _mean_score(cells: Sequence[Cell], metric: str) -> float | None:
    scores = [_score(cell, metric) for cell in cells]
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _ask(group: _Group, reader: ItemReader) -> Check | _Asked:
    subject, before, after = group.subject, group.before, group.after
    kind, metric = subject.rule.kind, subject.measure
    tasks = [cell.record.task for cell in after]
    identity = Identity(after[0].record.model.fingerprint, combined_fingerprint(tasks)) if after else Identity()
    compared = before if kind != "min" else ()
    check = Check(
        subject, "pass", "", identity=identity, before=_mean_score(compared, metric), after=_mean_score(after, metric)
    )
    fault = _fault(group, check)
    if fault is not None:
        return fault
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


def _fault(group: _Group, check: Check) -> Check | None:
    """The verdict where there is nothing to compare."""
    subject, before, after = group.subject, group.before, group.after
    metric, kind = subject.measure, subject.rule.kind
    if not after:
        return check.judged("missing", "the baseline has it and these results do not", f"bench run; {_ACCEPT}")
    if check.after is None:
        return check.judged("not comparable", f"these results have no {metric} of it", "bench run --force")
    if kind == "min":
        return None
    if kind == "min_share":
        if len(before) < len(after):
            return check.judged(
                "not comparable", "the full width in float32 was not scored", "add it to truncate_dims and precisions"
            )
        if not check.before or check.before <= 0:
            return check.judged("not comparable", "the full width's score is not above 0: a share of it has no meaning")
        return None
    if not before:
        return check.judged("new", "the baseline does not have it: nothing to compare with")
    if group.absent:
        return check.judged(
            "not comparable",
            f"without {', '.join(group.absent)} the mean over subsets is another",
            f"bench run; {_ACCEPT}",
        )
    changed = [
        new.record.task.subset
        for old, new in zip(before, after, strict=True)
        if old.record.task.fingerprint != new.record.task.fingerprint
    ]
    if changed:
        return check.judged(
            "not comparable",
            "the task's data or scoring changed: scores on other data cannot be compared",
            f"score the baseline's model on it too; {_ACCEPT}",
        )
    if check.before is None:
        return check.judged(
            "not comparable", f"the baseline has no {metric} of it", f"score the baseline again; {_ACCEPT}"
        )
    return None


def _question(check: Check, items: Sequence[Items], others: Sequence[Items], subsets: Sequence[str]) -> Check | _Asked:
    subject = check.subject
    rule, kind = subject.rule, subject.rule.kind
    after, before = pool([found.values for found in items]), pool([found.values for found in others or items])
    clusters = pool_clusters(
        [found.ids for found in items],
        [shared_clusters([new, old]) for new, old in zip(items, others or items, strict=True)],
    )
    units = tuple(((*subject.unit[:2], subset), found.ids) for subset, found in zip(subsets, items, strict=True))
    if kind == "max_drop" and rule.max_drop is not None:
        if np.array_equal(before.values, after.values):
            return check.judged("pass", "the same score on every query or pair")
        values, limit = before.parts - after.parts, rule.max_drop.of(before.mean)
        sample = before.values - after.values
        if rule.max_drop.relative:
            # The tolerance moves with the baseline's score, which is as uncertain as the drop.
            share = rule.max_drop.value * np.sign(before.mean)
            values = values - share * (before.parts - before.mean)
        asked = Question(values, clusters, limit, rule.confidence)
        return _Asked(replace(check, limit=limit, sample=sample), asked, units, before.values, after.values)
    if kind == "min_share":
        ratios, least = ratio_parts(after.parts, before.parts), rule.min_share or 0.0
        asked = Question(-ratios, clusters, -least, rule.confidence)
        return _Asked(replace(check, limit=-least, sample=ratios), asked, units, before.values, after.values)
    least = rule.min or 0.0
    asked = Question(-after.parts, clusters, -least, rule.confidence)
    return _Asked(replace(check, limit=-least, sample=after.values), asked, units, np.empty(0), after.values)


def _judge(asked: _Asked, check: Check) -> Check:
    known, limit, level = check.evidence, check.limit, 1 - check.subject.rule.confidence
    if known is None or limit is None or check.adjusted is None:
        return check
    kind = check.subject.rule.kind
    what = {"max_drop": "a drop beyond the tolerance", "min": "a score below the floor", "min_share": "a smaller share"}
    if check.adjusted <= level:
        check = check.judged("regressed", f"{what[kind]} is shown")
    elif known.high <= limit + _ROUNDING:
        return check.judged("pass", f"{what[kind]} is excluded")
    else:
        check = check.judged("underpowered", f"{what[kind]} is neither shown nor excluded", "score more queries")
    return replace(check, worst=_worst(asked))


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
