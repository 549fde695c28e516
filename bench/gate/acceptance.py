"""What was accepted on purpose: the gate says so instead of failing, for exactly what was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.gate.checks import Check
from bench.results.acceptances import AcceptanceRecord, AcceptedCheck

# What is accepted as a loss is also accepted while too few queries show it.
_IMPLIED = {"regressed": {"regressed", "underpowered"}}
_ROUNDING = 1e-6


def as_accepted(check: Check) -> AcceptedCheck:
    """A check as an acceptance record holds it."""
    subject, identity = check.subject, check.identity
    task, split, subset = subject.unit
    return AcceptedCheck(
        rule=subject.rule.name,
        model=subject.model,
        model_fingerprint=identity.model,
        task=task,
        split=split,
        subset=subset,
        task_fingerprint=identity.task,
        truncate_dim=subject.view.truncate_dim if subject.view else None,
        precision=subject.view.precision if subject.view else None,
        measure=subject.measure,
        environment=subject.environment,
        measured=identity.measured,
        verdict=check.verdict,
        score=check.after,
        drop=_drop(check),
    )


def _drop(check: Check) -> float | None:
    if check.before is None or check.after is None:
        return None
    worse = check.after - check.before
    return worse if check.subject.rule.kind == "max_increase" else -worse


def with_acceptances(checks: Iterable[Check], acceptances: Sequence[AcceptanceRecord]) -> list[Check]:
    """Checks that fail and were accepted as they are, as accepted; the others as they are."""
    known = [(accepted, record.message) for record in reversed(acceptances) for accepted in record.accepted]
    return [_accepted(check, known) if check.fails else check for check in checks]


def _accepted(check: Check, known: Iterable[tuple[AcceptedCheck, str]]) -> Check:
    wanted = as_accepted(check)
    for accepted, message in known:
        if _same(accepted, wanted):
            return replace(check, verdict="accepted", accepted=message)
    return check


def _same(accepted: AcceptedCheck, found: AcceptedCheck) -> bool:
    free = {"verdict": "", "score": None, "drop": None}
    if accepted.model_copy(update=free) != found.model_copy(update=free):
        return False
    if found.verdict not in _IMPLIED.get(accepted.verdict, {accepted.verdict}):
        return False
    # The same content may score otherwise with another library.
    if accepted.score is None or found.score is None:
        return accepted.score is found.score
    return abs(accepted.score - found.score) <= _ROUNDING
