"""Whether a model was trained on what it is tested on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.audit.findings import audit
from bench.errors import BenchError
from bench.hub import NotDownloadedError
from bench.results.schema import AuditFinding
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.places import NotAvailableError
from bench.tasks.tables.split import apart
from bench.tasks.unit import TaskUnit
from bench.training.identity import Prepared

# Training data that holds more than this share of a test's pairs is the test.
_MOST = 0.5


def check_leakage(prepared: Prepared, units: Sequence[TaskUnit]) -> None:
    """Refuse a model that was, or would be, trained on a split that it is tested on; the models it starts from count.

    Args:
        prepared: The recipe.
        units: What models are tested on.

    Raises:
        BenchError: It is so, and the recipe does not allow it.
    """
    if prepared.entry.leakage:
        return
    for unit in units:
        for part in prepared.chain:
            found = _leak(part, unit)
            if found:
                raise BenchError(
                    f"its recipe {found}, which {unit.label} ({unit.split}) tests on",
                    where=f"model `{prepared.name}`",
                    hint="train on another split, leave the task out, or set `allow_leakage: true` in the recipe, "
                    "which marks the model on leaderboards",
                )


def audit_training(prepared: Prepared, units: Sequence[TaskUnit]) -> list[dict[str, Any]]:
    """What the audit finds of the training data in each test, as plain values to be kept with the model.

    Args:
        prepared: The recipe.
        units: What models are tested on.

    Raises:
        BenchError: A test's data is broken.
    """
    found: list[dict[str, Any]] = []
    for unit in units:
        names = {"task": unit.task, "split": unit.split, "subset": unit.subset}
        try:
            data = unit.data
        except (NotHereError, NotAvailableError, NotDownloadedError) as error:
            found.append({**names, "not_checked": error.one_line})
            continue
        if isinstance(data, RetrievalData | PairData):
            for part in prepared.sets:
                findings = [_plain(finding) for finding in audit(data, part.as_task_data())]
                found.append({**names, "fingerprint": unit.fingerprint, "training": part.label, "findings": findings})
        unit.release()
    return found


def _plain(finding: AuditFinding) -> dict[str, Any]:
    return finding.model_dump(mode="json", exclude={"examples"})


def _leak(part: Prepared, unit: TaskUnit) -> str | None:
    judge = part.evaluation
    if judge is not None and (_same(judge, unit) or judge.fingerprint == unit.fingerprint):
        return f"chooses its checkpoint by {judge.label} ({judge.split})"
    for data in part.sets:
        if data.unit is not None and _same(data.unit, unit):
            return f"trains on {data.label}"
        pairs = _test_pairs(unit)
        if pairs and len(pairs & _training_pairs(data.columns)) > _MOST * len(pairs):
            return f"trains on {data.label}, which holds most of the pairs"
    return None


def _same(one: TaskUnit, other: TaskUnit) -> bool:
    """Whether two units are the same, or have queries in common since one is a fold, or all of them but one."""
    if (one.task, one.subset) != (other.task, other.subset):
        return False
    return one.split == other.split or (one.folds is not None and not apart(one.split, other.split))


def _test_pairs(unit: TaskUnit) -> set[tuple[str, str]]:
    data = unit.data
    if isinstance(data, RetrievalData):
        rows = zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True)
        return {(data.queries[query], data.documents[document]) for query, document in rows}
    if isinstance(data, PairData):
        return set(zip(data.sentences1, data.sentences2, strict=True))
    return set()


def _training_pairs(columns: dict[str, list[Any]]) -> set[tuple[str, str]]:
    first, second, *_ = columns.values()
    return {pair for a, b in zip(first, second, strict=True) for pair in ((a, b), (b, a))}
