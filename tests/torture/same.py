"""Whether two results folders hold the same results: everything but when, under which names and in which order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.results.schema import AuditRecord, EnvironmentRecord
from bench.results.store import ResultStore, read_items

# When and with which settings of the machine a record was made, its name, and which vectors were there already.
_OWN = {"created", "digest", "table_digest", "items", "samples", "encoding", "environment"}


def entries(results: Path) -> Counter[str]:
    """What a results folder holds, each record with its table as one text."""
    found: Counter[str] = Counter()
    for path, record in ResultStore(results).records():
        value = {key: part for key, part in record.model_dump(mode="json").items() if key not in _OWN}
        if not isinstance(record, AuditRecord | EnvironmentRecord):
            value["rows"] = read_items(path, record).to_pydict()
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
            return f"{name} {len(some)} records that differ, such as {_described(min(some), found + expected)}"
    repeated = [entry for entry in found if found[entry] > expected[entry]]
    return f"has a record {found[repeated[0]]} times: {repeated[0][:300]}" if repeated and not twice else None


def _described(entry: str, others: Counter[str]) -> str:
    """A record by its names, and where another of the same names differs."""
    value = json.loads(entry)
    near = [other for other in map(json.loads, others - Counter([entry])) if _names(other) == _names(value)]
    places = list(_places(value[1], near[0][1])) if near else ["there is no other of the names"]
    return f"{_names(value)}: {'; '.join(places[:5])}"


def _names(value: list) -> list:
    model, task = value[1].get("model"), value[1]["task"]
    return [value[0], model and model["name"], task["name"], task["split"], task["subset"]]


def _places(one: object, other: object, key: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from _places(one.get(name), other.get(name), f"{key}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for row, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _places(first, second, f"{key}[{row}]")
    elif one != other:
        yield f"{key} is {one!r:.80} and {other!r:.80}"
