"""Digests of records and of their tables, by which a reader finds that a file is damaged."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import json_text

DIGEST = "digest"
TABLE_DIGEST = "table_digest"
# The first version of the schema whose records must have a digest.
SINCE_VERSION = 4
# How the line of the digest begins in a file as bench writes it: no other line of JSON can.
_LINE = f'\n  "{DIGEST}": "'


class DamagedError(BenchError):
    """A file whose content is not what was written."""


def damaged_record(path: Path, why: str) -> DamagedError:
    """What is raised for a damaged record.

    Args:
        path: Its file.
        why: What is wrong with it.
    """
    return DamagedError(
        f"damaged: {why}",
        where=str(path),
        hint=f"restore it (git checkout -- {shlex.quote(str(path))}), or delete it and run again; "
        "bench results --verify checks the whole folder",
    )


def damaged_table(path: Path, why: str) -> DamagedError:
    """What is raised for a damaged table of a record; see damaged_record."""
    return DamagedError(
        f"damaged: {why}",
        where=str(path),
        hint=f"restore it (git checkout -- {shlex.quote(str(path))}), or run again with --force; "
        "bench results --verify checks the whole folder",
    )


def content_digest(*parts: bytes) -> str:
    """Hex BLAKE2b-128 of some bytes in a row, as `b2sum -l 128` prints it."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


def record_text(value: Mapping[str, Any]) -> str:
    """A record as JSON with its digest, that of the same JSON without the line of the digest."""
    rest = _without_digest(value)
    return json_text(rest | {DIGEST: content_digest(json_text(rest).encode())})


def is_as_written(text: str) -> bool:
    """Whether a text is `record_text` of something, letter by letter; that takes no parsing."""
    start = text.find(_LINE) + 1
    if start == 0:
        return False
    stop = text.find("\n", start)
    digest = content_digest(text[:start].encode(), text[stop + 1 :].encode())
    return text[start:stop] == f'{_LINE[1:]}{digest}",'


def matches_digest(value: Mapping[str, Any]) -> bool:
    """Whether a record has the content that its digest states, whatever its layout and the order of its keys."""
    try:
        return bool(content_digest(json_text(_without_digest(value)).encode()) == value[DIGEST])
    except ValueError:
        # A number that is not finite, which bench does not write.
        return False


def needs_digest(value: Mapping[str, Any]) -> bool:
    """Whether a record cannot be from before there were digests."""
    version = value.get("schema_version")
    return TABLE_DIGEST in value or (isinstance(version, int) and version >= SINCE_VERSION)


def _without_digest(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key != DIGEST}
