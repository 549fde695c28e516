"""How scores differ between the folds of a task's queries."""

from __future__ import annotations

from collections.abc import Iterable

from bench.results.schema import QualityRecord, ViewScores


def pooled_text(record: QualityRecord) -> str:
    """That a score is pooled; empty where one model has scored all queries."""
    return f"pooled over {len(record.pooled)} folds" if record.pooled else ""


def fold_notes(scored: Iterable[tuple[QualityRecord, ViewScores]]) -> list[str]:
    """A note on each score of a task with folds: how far the folds are apart, and how it was pooled.

    Args:
        scored: The scores that stand for their models, each with its record.
    """
    notes = []
    for record, scores in scored:
        if not scores.folds:
            continue
        least, most = (choose(scores.folds.items(), key=lambda item: item[1]) for choose in (min, max))
        spread = f"from {least[1]:.4f} ({least[0]}) to {most[1]:.4f} ({most[0]}) by fold"
        pooled = pooled_text(record)
        how = f"{pooled}, each query scored by a model that was trained without its fold; " if pooled else ""
        notes.append(f"{record.model.name}: {how}{spread}")
    return notes
