"""Results on the folds of a task's queries: they are parts of the pooled ones, which reports show."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.results.schema import AuditRecord, UnitRecord

# How the source of a model begins that is several, each trained without a fold.
FOLDS = "folds: "


def without_folds(records: Iterable[tuple[Path, UnitRecord]]) -> list[tuple[Path, UnitRecord]]:
    """Records but those on single folds."""
    return [
        (path, record) for path, record in records if isinstance(record, AuditRecord) or record.task.fold_of is None
    ]
