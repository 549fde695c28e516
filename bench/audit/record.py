"""From a task unit to the record of its audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import __version__
from bench.audit.findings import THRESHOLDS, audit
from bench.errors import BenchError
from bench.results.index import ResultIndex
from bench.results.schema import AuditRecord, TaskRef
from bench.results.store import ResultStore
from bench.tasks.catalog import Task
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.unit import TaskUnit


def audit_unit(unit: TaskUnit, training: TaskUnit | None, created: str) -> AuditRecord:
    """Audit one task unit.

    Args:
        unit: What models are scored on.
        training: What they are trained on, None where there is nothing to compare with.
        created: The record's time (ResultStore.stamp).

    Raises:
        BenchError: The data of either cannot be read, or is only for mteb to read.
    """
    return AuditRecord(
        bench_version=__version__,
        created=created,
        task=_names(unit),
        training=None if training is None else _names(training),
        thresholds=THRESHOLDS,
        findings=audit(readable(unit), None if training is None else readable(training)),
    )


def readable(unit: TaskUnit) -> RetrievalData | PairData:
    """A unit's data.

    Raises:
        BenchError: It cannot be read, or only mteb's own evaluator reads it.
    """
    data = unit.data
    if not isinstance(data, RetrievalData | PairData):
        raise BenchError("only mteb's own evaluator reads its texts", where=f"task `{unit.label}`")
    return data


def own_training(unit: TaskUnit) -> TaskUnit | None:
    """The split `train` of a unit's task and subset where it is here, unless the unit is that split.

    Raises:
        BenchError: It is there and broken.
    """
    if unit.split == "train":
        return None
    return Task(unit.card, unit.sources.base).training(unit.subset)


def audit_missing(
    units: Sequence[TaskUnit], store: ResultStore, index: ResultIndex
) -> Iterator[tuple[TaskUnit, Path | Exception]]:
    """Audit the units that have no audit of their data, or only one from before their split `train` came or changed.

    An audit against other training data, which somebody asked for, is left as it is. Units that only mteb's evaluator
    reads are passed over.

    Args:
        units: The units, once or several times each.
        store: Where records are written.
        index: The results there are.

    Yields:
        Each unit that lacked an audit, with the file of its record or what went wrong.
    """
    for names, unit in {(unit.task, unit.split, unit.subset): unit for unit in units}.items():
        try:
            if unit.info.type == "mteb":
                continue
            known = index.audits.get((names, unit.fingerprint))
            training = own_training(unit) if known is None or _may_change(known, unit) else None
            if known is None or (training is not None and known.training != _names(training)):
                yield unit, store.write_audit(audit_unit(unit, training, store.stamp()))
        except Exception as error:  # noqa: BLE001 - an audit that fails must not stop a run
            yield unit, error
        unit.release()


def _may_change(known: AuditRecord, unit: TaskUnit) -> bool:
    """Whether a task's own split `train` may be another one now; a data set of the Hub does not get one later."""
    if known.training is None:
        return unit.card.hub is None
    return known.training.name == known.task.name


def _names(unit: TaskUnit) -> TaskRef:
    return TaskRef(name=unit.task, split=unit.split, subset=unit.subset, fingerprint=unit.fingerprint)
