"""Copying current results from one folder to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_new
from bench.results.index import ResultIndex, unit_key
from bench.results.schema import AuditRecord, UnitRecord
from bench.results.store import ResultStore


def records_to_copy(source: Path, target: Path) -> list[Path]:
    """The records of current models and data, if they would be current in the target too.

    Args:
        source: A results folder.
        target: Another, to which they are to be copied.

    Raises:
        BenchError: A file cannot be read, or the target has newer results.
    """
    records = ResultStore(source).records()
    index = ResultIndex(records)
    current = [(path, record) for path, record in records if _is_current(record, index)]
    known = {path.relative_to(target): record for path, record in ResultStore(target).records()}
    merged = dict(known) | {path.relative_to(source): record for path, record in current}
    later = ResultIndex(sorted(merged.items(), key=lambda item: (item[1].created, item[0].name)))
    hidden = sorted(
        {record.model.name for _, record in current if not isinstance(record, AuditRecord) and later.superseded(record)}
    )
    if hidden:
        raise BenchError(
            f"holds newer results of {', '.join(hidden)}, which would stay current",
            where=str(target),
            hint="run bench run --force here, so that these results are the newest",
        )
    return [path for path, _ in current]


def copy_records(records: Sequence[Path], source: Path, target: Path) -> int:
    """Copy records, their tables, and all environments and acceptances; nothing is overwritten.

    Args:
        records: The records, below the source.
        source: A results folder.
        target: Another.

    Returns:
        How many files were new there.

    Raises:
        BenchError: A file cannot be read or written.
    """
    files = [*records, *(table for path in records if (table := path.with_suffix(".parquet")).exists())]
    files += sorted((source / "environments").glob("*.json")) + sorted((source / "acceptances").glob("*.json"))
    # A table before its record, which needs it.
    files.sort(key=lambda path: path.suffix == ".json")
    return sum(_copy(path, target / path.relative_to(source)) for path in files)


def _is_current(record: UnitRecord, index: ResultIndex) -> bool:
    if isinstance(record, AuditRecord):
        newest = index.audit(unit_key(record))
        return newest is not None and newest.task.fingerprint == record.task.fingerprint
    return not index.superseded(record)


def _copy(path: Path, target: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=str(path)) from error
    return not target.exists() and write_new(target, content)
