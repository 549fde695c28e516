"""What `bench compare --format json` prints (docs/compare.md explains every key)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from bench.cli.output import say_json
from bench.comparing.comparison import Comparison
from bench.comparing.costs import CostRow
from bench.comparing.rows import CONFIDENCE, LEVEL, Point, Row
from bench.examples.finder import Document, Example, Examples
from bench.results.claims import Loss
from bench.results.index import UnitKey
from bench.views import View


def print_json(found: Comparison, examples: Sequence[Examples]) -> None:
    """Everything that is known, as one JSON object."""
    shown = {id(entry.row): entry for entry in examples}
    content = {
        "a": found.a.text,
        "b": found.b.text,
        "level": LEVEL,
        "confidence": CONFIDENCE,
        "rows": [_row(row, shown.get(id(row))) for row in found.rows],
        "costs": [_cost(row) for row in found.costs],
        "notes": found.notes,
    }
    say_json(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _row(row: Row, examples: Examples | None) -> dict[str, Any]:
    paired = row.paired
    items = examples.items if examples else [Example(change) for change in paired.changed] if paired else []
    return {
        **_unit(row.unit),
        "type": row.type,
        "metric": row.metric,
        "a": _point(row.a),
        "b": _point(row.b),
        "difference": row.difference,
        "ci_low": paired.ci_low if paired else None,
        "ci_high": paired.ci_high if paired else None,
        "n": paired.n if paired else None,
        "clusters": paired.clusters if paired else None,
        "p": paired.p if paired else None,
        "p_holm": paired.p_holm if paired else None,
        "won": paired.won if paired else None,
        "tied": paired.tied if paired else None,
        "lost": paired.lost if paired else None,
        "pairs": row.pairs,
        "verdict": row.verdict,
        "loss": _loss(row.loss),
        "same_result": row.same,
        "reason": row.reason,
        "changed": [_example(item) for item in items],
        "not_shown": examples.notes if examples else [],
    }


def _loss(loss: Loss | None) -> dict[str, Any] | None:
    if loss is None:
        return None
    return {
        "value": loss.mean,
        "low": loss.low if math.isfinite(loss.low) else None,
        "high": loss.high if math.isfinite(loss.high) else None,
        "margin": loss.margin,
        "claim": loss.claim,
        "needed": loss.needed,
    }


def _unit(unit: UnitKey) -> dict[str, str]:
    return dict(zip(("task", "split", "subset"), unit, strict=True))


def _view(view: View | None) -> dict[str, Any]:
    return {"truncate_dim": view.truncate_dim if view else None, "precision": view.precision if view else None}


def _point(point: Point) -> dict[str, Any]:
    record = point.cell.record if point.cell else None
    return {
        "model": point.model,
        **_view(point.view),
        "score": point.score,
        "rank": point.standing.rank if point.standing else None,
        "group": point.standing.group if point.standing else None,
        "model_fingerprint": record.model.fingerprint if record else None,
        "task_fingerprint": record.task.fingerprint if record else None,
    }


def _cost(row: CostRow) -> dict[str, Any]:
    return {
        **_unit(row.unit),
        "name": row.name,
        "environment": row.environment,
        "a": {"model": row.model_a, **_view(row.view_a), "value": row.value_a},
        "b": {"model": row.model_b, **_view(row.view_b), "value": row.value_b},
        "ratio": row.ratio,
        "noisy": row.noisy,
    }


def _example(item: Example) -> dict[str, Any]:
    return {
        "id": item.change.id,
        "a": item.change.a,
        "b": item.change.b,
        "texts": list(item.texts),
        "gold": item.gold,
        "similarity_a": item.similarity_a,
        "similarity_b": item.similarity_b,
        "relevant": [_document(document) for document in item.relevant],
        "relevant_count": item.relevant_count,
        "top_a": None if item.top_a is None else [_document(document) for document in item.top_a],
        "top_b": None if item.top_b is None else [_document(document) for document in item.top_b],
    }


def _document(document: Document) -> dict[str, Any]:
    return {"id": document.id, "text": document.text, "label": document.label, "score": document.score}
