"""Copying current results from one folder to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_new
from bench.inside import inside
from bench.paths import files_below, path_exists, unreadable
from bench.regular import MOST_RECORD, read_bytes
from bench.results.acceptances import AcceptanceRecord
from bench.results.index import ResultIndex, unit_key
from bench.results.parsing import read_record, table_name
from bench.results.schema import AuditRecord, EnvironmentRecord, UnitRecord
from bench.results.store import ResultStore, table_bytes, table_path


def records_to_copy(source: Path, target: Path) -> list[Path]:
    """The records of current models and data, if they would be current in the target too.

    Args:
        source: A results folder.
        target: Another, to which they are to be copied.

    Raises:
        BenchError: A file cannot be read or is damaged, or the target has newer results.
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
    for path, record in current:
        if not isinstance(record, AuditRecord) and table_name(record):
            table_bytes(path, record)
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
        BenchError: A file cannot be read or written, or is damaged.
    """
    others = files_below(source / "environments", ".json") + files_below(source / "acceptances", ".json")
    return sum(_copy(path, source, target) for path in [*records, *others])


def _is_current(record: UnitRecord, index: ResultIndex) -> bool:
    if isinstance(record, AuditRecord):
        newest = index.audit(unit_key(record))
        return newest is not None and newest.task.fingerprint == record.task.fingerprint
    return not index.superseded(record)


def _copy(path: Path, source: Path, target: Path) -> int:
    """Copy a record and its table; how many of the two were new."""
    record, _ = read_record(path)
    copied = 0
    # The table before its record, which needs it.
    if not isinstance(record, AuditRecord | EnvironmentRecord | AcceptanceRecord) and table_name(record):
        table = table_path(path, record)
        copied += _write(inside(target, table.relative_to(source).as_posix()), table_bytes(path, record))
    return copied + _write(inside(target, path.relative_to(source).as_posix()), _content(path))


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, MOST_RECORD)
    except OSError as error:
        raise unreadable(path, error) from error


def _write(path: Path, content: bytes) -> bool:
    return not path_exists(path) and write_new(path, content)
