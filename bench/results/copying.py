"""Copying current results from one folder to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_new
from bench.inside import inside
from bench.paths import files_below, path_exists, unreadable
from bench.regular import MOST_TABLE, read_bytes
from bench.results.index import ResultIndex
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
    files = [*records, *(table for path in records if path_exists(table := path.with_suffix(".parquet")))]
    files += files_below(source / "environments", ".json") + files_below(source / "acceptances", ".json")
    # A table before its record, which needs it.
    files.sort(key=lambda path: path.suffix == ".json")
    return sum(_copy(source, path.relative_to(source).as_posix(), target) for path in files)


def _is_current(record: UnitRecord, index: ResultIndex) -> bool:
    if isinstance(record, AuditRecord):
        return index.units.get((record.task.name, record.task.split, record.task.subset)) == record.task.fingerprint
    return not index.superseded(record)


def _copy(source: Path, name: str, target: Path) -> bool:
    path, copy = inside(source, name), inside(target, name)
    try:
        content = read_bytes(path, MOST_TABLE)
    except OSError as error:
        raise unreadable(path, error) from error
    return not path_exists(copy) and write_new(copy, content)
