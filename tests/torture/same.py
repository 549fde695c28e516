"""Whether two results folders hold the same results: everything but when, under which names and in which order."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bench.results.schema import AuditRecord, EnvironmentRecord
from bench.results.store import ResultStore, read_items

# When a record was made and what it was called.
_OWN = {"created", "digest", "table_digest", "items", "samples"}


def entries(results: Path) -> Counter[str]:
    """What a results folder holds, each record with its table as one text."""
    found: Counter[str] = Counter()
    for path, record in ResultStore(results).records():
        value = {key: part for key, part in record.model_dump(mode="json").items() if key not in _OWN}
        if not isinstance(record, AuditRecord | EnvironmentRecord):
            value["rows"] = read_items(path, record).to_pydict()
        if isinstance(encoding := value.get("encoding"), dict):
            # What was there already, and how long the rest took.
            for key in ("encoded", "reused", "seconds"):
                encoding.pop(key)
        found[json.dumps([path.parent.parent.name, value], sort_keys=True)] += 1
    return found


def difference(expected: Counter[str], results: Path, *, twice: bool = False) -> str | None:
    """How a results folder differs from what is expected; None where it does not.

    Args:
        expected: `entries` of another.
        results: The folder.
        twice: Whether the same record may be there more than once, as after two runs at once.
    """
    found = entries(results)
    for name, some in (("lacks", set(expected) - set(found)), ("has", set(found) - set(expected))):
        if some:
            return f"{name} {len(some)} records that differ, such as {min(some)[:300]}"
    repeated = [entry for entry in found if found[entry] > expected[entry]]
    return f"has a record {found[repeated[0]]} times: {repeated[0][:300]}" if repeated and not twice else None
