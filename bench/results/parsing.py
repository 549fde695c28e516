"""From the text of a record's file to the record: whether it is damaged, and what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from bench.errors import BenchError
from bench.reading import parse_json, read_text
from bench.regular import MOST_RECORD
from bench.results import digests
from bench.results.acceptances import AcceptanceRecord
from bench.results.digests import damaged_record
from bench.results.schema import SCHEMA_VERSION, AnyRecord, AuditRecord, CostRecord, EnvironmentRecord

Stored: TypeAlias = AnyRecord | AcceptanceRecord
_ADAPTER: TypeAdapter[Stored] = TypeAdapter(Annotated[Stored, Field(discriminator="record")])
# Keys of objects that may hold anything, numbers that are not finite left out.
_FREE = ("setup", "settings", "facts")


def read_record(path: Path) -> tuple[Stored, bool]:
    """Read a record.

    Args:
        path: Its file.

    Returns:
        The record, and whether it has a digest, which it matches; older records have none.

    Raises:
        DamagedError: It does not match its digest, or lacks one that it must have.
        BenchError: It cannot be read, is no record, or is of a newer schema.
    """
    value = _checked(_text(path), path)
    verified = value.pop(digests.DIGEST, None) is not None
    record = _validated(value, path)
    if verified and table_name(record) and getattr(record, digests.TABLE_DIGEST) is None:
        raise damaged_record(path, "it states no digest of its table")
    return record, verified


def table_name(record: Stored) -> str | None:
    """The file of a record's table, None of a record without one."""
    if isinstance(record, EnvironmentRecord | AuditRecord | AcceptanceRecord):
        return None
    return record.samples if isinstance(record, CostRecord) else record.items


def _text(path: Path) -> str:
    try:
        return read_text(path, MOST_RECORD)
    except BenchError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            raise damaged_record(path, error.message) from error
        raise


def _checked(text: str, path: Path) -> dict[str, Any]:
    """The JSON object in a text, whose digest was checked where it has one."""
    try:
        if digests.is_as_written(text):
            # Written by bench: neither key twice nor number that is not finite.
            found: dict[str, Any] = json.loads(text)
            return found
        value = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise damaged_record(path, f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise damaged_record(path, "not a result record: no JSON object")
    why = _why_damaged(value)
    if why:
        fault = _fault(value)
        raise damaged_record(path, f"{why} ({fault})" if fault else why)
    return value


def _why_damaged(value: dict[str, Any]) -> str | None:
    if digests.DIGEST in value:
        return None if digests.matches_digest(value) else "its content does not match its digest"
    return "it has no digest" if digests.needs_digest(value) and not _is_newer(value) else None


def _validated(value: dict[str, Any], path: Path) -> Stored:
    if _is_newer(value):
        raise BenchError(
            f"written with {_newer(value)}",
            where=str(path),
            hint="upgrade bench: pip install --upgrade mrl-bench",
        )
    try:
        return _valid(value)
    except ValueError as error:
        raise damaged_record(path, f"not a result record: {_first(error)}") from error


def _is_newer(value: dict[str, Any]) -> bool:
    version = value.get("schema_version")
    return isinstance(version, int) and version > SCHEMA_VERSION


def _newer(value: dict[str, Any]) -> str:
    return f"schema {value['schema_version']}; this bench reads up to {SCHEMA_VERSION}"


def _valid(value: dict[str, Any]) -> Stored:
    """The record in a JSON object without digest.

    Raises:
        ValueError: It is none; pydantic's ValidationError is one.
    """
    record = _ADAPTER.validate_python(value)
    for name in _FREE:
        _check_finite(value.get(name), name)
    return record


def _fault(value: dict[str, Any]) -> str | None:
    """Why a JSON object is no record that can be read, its digest aside; None where it is one."""
    if _is_newer(value):
        return f"or written with {_newer(value)}: upgrade bench if that is so"
    try:
        _valid({key: part for key, part in value.items() if key != digests.DIGEST})
    except ValueError as error:
        return _first(error)
    return None


def _first(error: ValueError) -> str:
    """The first thing that is wrong, by its key."""
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _check_finite(value: Any, key: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key}: Input should be a finite number, not {json.dumps(value)}")
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        _check_finite(part, f"{key}.{name}")
