"""Verdicts on cost, within one environment and from quiet measurements alone."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from bench.gate.checks import Check, Evidence, Identity, Subject
from bench.gate.figures import Measured, SampleReader, is_cost, percentile_of
from bench.gate.matching import any_matches, covers_unit, covers_view
from bench.gate.rules import Rule
from bench.gate.sides import CostKey, Side
from bench.results.index import Cost, UnitKey
from bench.results.schema import FigureKey, detail_text, make_view
from bench.statistics.quantiles import quantile_ratios

_ROUNDING = 1e-12
_ALL = "*"
_Place = tuple[str, UnitKey]


def cost_checks(rules: Sequence[Rule], baseline: Side, candidate: Side) -> list[Check]:
    """The checks of all rules about cost.

    Raises:
        BenchError: A record's table is missing or damaged.
    """
    places = sorted({(key.model, key.unit) for side in (baseline, candidate) for key in side.costs})
    readers = SampleReader(baseline), SampleReader(candidate)
    return [
        check
        for rule in rules
        if rule.max_increase is not None
        for model, unit in places
        if covers_unit(rule, model, unit)
        for check in _checks(rule, (model, unit), baseline, candidate, readers)
    ]


def _checks(
    rule: Rule, place: _Place, baseline: Side, candidate: Side, readers: tuple[SampleReader, SampleReader]
) -> Iterator[Check]:
    before, after = _costs(baseline, place), _costs(candidate, place)
    keys = {
        key: None
        for costs in (before, after)
        for cost in costs.values()
        for key, (_, record) in cost.figures.items()
        if _is_meant(rule, key, record.model.width)
    }
    for key in sorted(keys, key=_order):
        olds = {environment: found for environment, cost in before.items() if (found := _figure(cost, key))}
        news = {environment: found for environment, cost in after.items() if (found := _figure(cost, key))}
        shared = sorted(olds.keys() & news.keys())
        if not shared:
            yield _apart(rule, place, olds, news)
        for environment in shared:
            check = _check(rule, place, news[environment], environment)
            check = replace(check, before=olds[environment].figure.value)
            yield _compare(check, olds[environment], news[environment], readers)


def _costs(side: Side, place: _Place) -> dict[str, Cost]:
    return {key.environment: cost for key, cost in side.costs.items() if (key.model, key.unit) == place}


def _figure(cost: Cost, key: FigureKey) -> Measured | None:
    found = cost.figures.get(key)
    return Measured(*found) if found else None


def _is_meant(rule: Rule, key: FigureKey, width: int | None) -> bool:
    name, dim, precision, detail = key
    return (
        any_matches(rule.figure or [], name)
        and is_cost(name)
        and (rule.detail == _ALL or rule.detail == detail_text(dict(detail)))
        and covers_view(rule, make_view(dim, precision), width)  # type: ignore[arg-type]
    )


def _order(key: FigureKey) -> tuple[str, int, str, str]:
    name, dim, precision, detail = key
    return name, -(dim or 0), precision or "", detail_text(dict(detail))


def _check(rule: Rule, place: _Place, measured: Measured, environment: str | None) -> Check:
    figure, record = measured.figure, measured.record
    view = make_view(figure.truncate_dim, figure.precision)
    return Check(
        Subject(rule, *place, view, measured.title, environment),
        "pass",
        "",
        identity=Identity(record.model.fingerprint, record.task.fingerprint, record.created),
        after=figure.value,
        limit=1 + (rule.max_increase.value if rule.max_increase else 0),
    )


def _apart(rule: Rule, place: _Place, olds: dict[str, Measured], news: dict[str, Measured]) -> Check:
    """The verdict on a figure that no environment has on both sides."""
    if not olds:
        check = _check(rule, place, next(iter(news.values())), next(iter(news)))
        return check.judged("new", "the baseline does not have it: nothing to compare with")
    if not news:
        old = next(iter(olds.values()))
        check = replace(_check(rule, place, old, next(iter(olds))), identity=Identity(), before=old.figure.value)
        return replace(check, after=None).judged(
            "not comparable", "not measured for these results", f"on the baseline's machine: {measure_again(*place)}"
        )
    environment = sorted(news)[-1]
    check = _check(rule, place, news[environment], environment)
    return check.judged(
        "not comparable",
        f"measured in another environment: {', '.join(sorted(olds))} and {', '.join(sorted(news))}",
        f"on one machine for both: {measure_again(*place)}",
    )


def _compare(check: Check, before: Measured, after: Measured, readers: tuple[SampleReader, SampleReader]) -> Check:
    if before.record == after.record:
        return check.judged("pass", "the same measurement")
    again = measure_again(check.subject.model, check.subject.unit)
    fault = next(_faults(before, after), None)
    if fault is not None:
        return check.judged("not comparable", fault, again)
    share = percentile_of(after.figure.name)
    if share is None:
        (least, most), (low, high) = before.range(), after.range()
        evidence = Evidence(after.cost / before.cost, low / most, high / least, n=after.figure.n)
        return _judge(replace(check, evidence=evidence))
    calls = readers[0].processes(before), readers[1].processes(after)
    if min(map(len, calls)) < 2:
        return check.judged("not comparable", "measured by a single process, which tells nothing of chance", again)
    ratios = quantile_ratios(*calls, share)
    tail = 1 - check.subject.rule.confidence
    low, high = np.quantile(ratios, [tail, 1 - tail]).tolist()
    evidence = Evidence(after.cost / before.cost, low, high, n=after.figure.n, clusters=len(calls[1]))
    return _judge(replace(check, evidence=evidence, sample=ratios))


def _faults(before: Measured, after: Measured) -> Iterator[str]:
    """Why two figures cannot be compared, the first reason first."""
    if before.record.task.fingerprint != after.record.task.fingerprint:
        yield "the task's data changed"
    if before.record.setup != after.record.setup:
        yield "measured with another device or batch size"
    for name, side in (("the baseline", before), ("this", after)):
        if side.noise is not None:
            yield f"{name} was measured with noise: {side.noise}"
    if not all(0 <= side.figure.value < math.inf for side in (before, after)):
        yield "a figure is no number from 0 on"
    if before.figure.value <= 0:
        yield "the baseline's figure is not above 0: there is no share of it"
    if before.range()[0] <= 0:
        yield "the baseline's processes differ by more than the figure itself"


def _judge(check: Check) -> Check:
    if check.evidence is None or check.limit is None:
        return check
    if check.evidence.low > check.limit + _ROUNDING:
        return check.judged("regressed", "a rise beyond the tolerance is shown")
    if check.evidence.high <= check.limit + _ROUNDING:
        return check.judged("pass", "a rise beyond the tolerance is excluded")
    again = measure_again(check.subject.model, check.subject.unit)
    return check.judged("underpowered", "a rise beyond the tolerance is neither shown nor excluded", again)


def measure_again(model: str, unit: UnitKey) -> str:
    """The command that measures the cost of a model on a task anew."""
    return f"bench cost --model {shlex.quote(model)} --tasks {shlex.quote(unit[0])} --force"


def noisy_places(checks: Sequence[Check], candidate: Side) -> dict[CostKey, set[str]]:
    """The costs of the candidate that could not be compared since they were measured with noise.

    Returns:
        The probes that measured them, by whose costs they are.
    """
    found: dict[CostKey, set[str]] = {}
    for check in checks:
        subject = check.subject
        if check.verdict != "not comparable" or subject.environment is None:
            continue
        key = CostKey(subject.model, subject.unit, subject.environment)
        cost = candidate.costs.get(key)
        for figure, record in cost.figures.values() if cost is not None else ():
            measured = Measured(figure, record)
            same = (
                measured.title == subject.measure and make_view(figure.truncate_dim, figure.precision) == subject.view
            )
            if same and measured.noise is not None:
                found.setdefault(key, set()).update(record.settings)
    return found
