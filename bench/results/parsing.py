"""From the text of a record's file to the record: whether it is damaged, and what it says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from bench.errors import BenchError
from bench.reading import parse_json, read_text
from bench.results import digests
from bench.results.acceptances import AcceptanceRecord
from bench.results.digests import damaged_record
from bench.results.schema import SCHEMA_VERSION, AnyRecord, AuditRecord, CostRecord, EnvironmentRecord

Stored: TypeAlias = AnyRecord | AcceptanceRecord
_ADAPTER: TypeAdapter[Stored] = TypeAdapter(Annotated[Stored, Field(discriminator="record")])


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
        return read_text(path)
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
    fault = _fault(value) if why or not _is_newer(value) else None
    if why:
        raise damaged_record(path, f"{why} ({fault})" if fault else why)
    if fault:
        raise damaged_record(path, f"not a result record: {fault}")
    return value


def _why_damaged(value: dict[str, Any]) -> str | None:
    if digests.DIGEST in value:
        return None if digests.matches_digest(value) else "its content does not match its digest"
    return "it has no digest" if digests.needs_digest(value) and not _is_newer(value) else None


def _validated(value: dict[str, Any], path: Path) -> Stored:
    if _is_newer(value):
        raise BenchError(
            f"written with schema {value['schema_version']}; this bench reads up to {SCHEMA_VERSION}",
            where=str(path),
            hint="upgrade bench: pip install --upgrade mrl-bench",
        )
    try:
        return _ADAPTER.validate_python(value)
    except ValidationError as error:
        raise damaged_record(path, f"not a result record: {_first(error)}") from error


def _is_newer(value: dict[str, Any]) -> bool:
    version = value.get("schema_version")
    return isinstance(version, int) and version > SCHEMA_VERSION


def _fault(value: dict[str, Any]) -> str | None:
    """What is wrong with a record, its digest aside; None where nothing is."""
    # Settings and facts may hold anything but these.
    for key, number in _not_finite(value):
        return f"{key}: Input should be a finite number, not {json.dumps(number)}"
    try:
        _ADAPTER.validate_python({key: part for key, part in value.items() if key != digests.DIGEST})
    except ValidationError as error:
        return _first(error)
    return None


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _not_finite(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Numbers in a JSON value that are not finite, with their keys."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _not_finite(part, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for row, part in enumerate(value):
            yield from _not_finite(part, f"{key}.{row}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield key, value
