"""The verdicts for programs: JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from bench.gate.checks import Check
from bench.gate.judge import Outcome
from bench.gate.output.lines import Texts
from bench.results.left_out import LeftOut


def render_json(outcome: Outcome, texts: Texts) -> str:
    """Everything, as one JSON object; a number that is not known is null."""
    content = {
        "conclusion": outcome.conclusion,
        "exit_status": outcome.status,
        "baseline": outcome.baseline,
        "candidate": outcome.candidate,
        "rules": [rule.name for rule in outcome.rules],
        "rules_from": outcome.source,
        "counts": outcome.counts,
        "notes": outcome.notes,
        "left_out": [_left_out(side, entry) for side, entry in outcome.left_out],
        "checks": [_check(check, texts) for check in outcome.checks],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def _left_out(side: str, entry: LeftOut) -> dict[str, str]:
    return {
        "side": side,
        "model": entry.model,
        "task": entry.task,
        "what": entry.what,
        "command": entry.command,
    }


def _check(check: Check, texts: Texts) -> dict[str, Any]:
    subject, known = check.subject, check.evidence
    task, split, subset = subject.unit
    return {
        "rule": subject.rule.name,
        "kind": subject.rule.kind,
        "verdict": check.verdict,
        "fails": check.fails,
        "reason": check.reason,
        "hint": check.hint,
        "accepted": check.accepted,
        "model": subject.model,
        "model_fingerprint": check.identity.model,
        "task": task,
        "split": split,
        "subset": subset,
        "task_fingerprint": check.identity.task,
        "truncate_dim": subject.view.truncate_dim if subject.view else None,
        "precision": subject.view.precision if subject.view else None,
        "measure": subject.measure,
        "environment": subject.environment,
        "before": _number(check.before),
        "after": _number(check.after),
        "figure": _number(known.figure if known else None),
        "low": _number(known.low if known else None),
        "high": _number(known.high if known else None),
        "limit": check.limit,
        "confidence": subject.rule.confidence,
        "p": _number(known.p if known else None),
        "p_adjusted": check.adjusted,
        "checks_adjusted_for": check.compared,
        "detectable": _number(known.detectable if known else None),
        "n": known.n if known else None,
        "groups": known.clusters if known else None,
        "worst": [
            {
                "subset": item.unit[2],
                "id": item.id,
                "before": item.before,
                "after": item.after,
                "text": texts.get((item.unit, item.id)),
            }
            for item in check.worst
        ],
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
