"""From a task unit to the record of its audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import __version__
from bench.audit.findings import THRESHOLDS, audit
from bench.results.index import ResultIndex
from bench.results.schema import AuditRecord, UnitInfo
from bench.results.store import ResultStore
from bench.tasks.catalog import Task, TaskUnit

# Other types of task keep their data to themselves.
AUDITED = ("retrieval", "sts")


def audit_unit(unit: TaskUnit, training: TaskUnit | None, created: str) -> AuditRecord:
    """Audit one task unit.

    Args:
        unit: What models are scored on.
        training: What they are trained on, None where there is nothing to compare with.
        created: The record's time (ResultStore.stamp).

    Raises:
        BenchError: The data of either cannot be read.
    """
    return AuditRecord(
        bench_version=__version__,
        created=created,
        task=_info(unit),
        training=None if training is None else _info(training),
        thresholds=THRESHOLDS,
        findings=audit(unit.data, None if training is None else training.data),
    )


def own_training(task: Task, unit: TaskUnit) -> TaskUnit | None:
    """A task's split `train`, unless it is the very data that is audited."""
    training = task.training()
    if training is None or (training.path, training.split) == (unit.path, unit.split):
        return None
    return training


def audit_missing(
    units: Sequence[TaskUnit], tasks: Mapping[str, Task], store: ResultStore, index: ResultIndex
) -> Iterator[tuple[TaskUnit, Path | Exception]]:
    """Audit the units that have no audit of their data, or only one against an older state of their training data.

    An audit against other training data, which somebody asked for, is left as it is.

    Args:
        units: The units, once or several times each.
        tasks: The tasks they belong to, by name; their split `train` is what they are compared with.
        store: Where records are written.
        index: The results there are.

    Yields:
        Each unit that lacked an audit, with the file of its record or what went wrong.
    """
    for names, unit in {(unit.task, unit.split, unit.subset): unit for unit in units}.items():
        if unit.type not in AUDITED:
            continue
        try:
            training = own_training(tasks[unit.task], unit)
            known = index.audits.get((names, unit.fingerprint))
            if known is None or _outdated(known.training, training):
                yield unit, store.write_audit(audit_unit(unit, training, store.stamp()))
        except Exception as error:  # noqa: BLE001 - an audit that fails must not stop a run
            yield unit, error


def _outdated(known: UnitInfo | None, training: TaskUnit | None) -> bool:
    """Whether an audit's training data was the task's own and is no longer what it was."""
    if training is None:
        return False
    if known is None:
        return True
    own = (known.name, known.split, known.subset) == (training.task, training.split, training.subset)
    return own and known.fingerprint != training.fingerprint


def _info(unit: TaskUnit) -> UnitInfo:
    return UnitInfo(name=unit.task, split=unit.split, subset=unit.subset, fingerprint=unit.fingerprint)
