"""Small JSON files of the cache that carry their own digest: a damaged one is never taken for a good one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import digest_json, write_json
from bench.paths import bytes_if_there
from bench.reading import parse_json

_KEYS = {"digest", "value"}


class DamagedError(BenchError):
    """A file does not hold what was written to it."""


def write_sealed(path: Path, value: Any) -> None:
    """Write a JSON value with its digest.

    Raises:
        BenchError: It cannot be written.
    """
    write_json(path, {"digest": digest_json(value), "value": value})


def read_sealed(path: Path) -> Any:
    """The value of a file; None where there is none, or one of an earlier version that had no digest.

    Raises:
        DamagedError: It is damaged.
        BenchError: It cannot be read.
    """
    content = bytes_if_there(path)
    if content is None:
        return None
    try:
        found = parse_json(content.decode())
    except (ValueError, RecursionError) as error:
        raise DamagedError("damaged", where=str(path), hint="delete it: it is written again") from error
    if isinstance(found, dict) and found.keys().isdisjoint(_KEYS):
        return None
    if not isinstance(found, dict) or found.keys() != _KEYS or found["digest"] != digest_json(found["value"]):
        raise DamagedError("damaged", where=str(path), hint="delete it: it is written again")
    return found["value"]
