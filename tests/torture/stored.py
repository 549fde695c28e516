"""Part: damage to what a run reads: its cache, trained models, model folders, data, cards and registries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torture.beds import Project, copied, files_of, project
from torture.bytewise import damages
from torture.campaign import Case, chance, shuffled
from torture.same import difference, entries
from torture.verdicts import fault_of, says

_SECONDS = 120


def cases(folder: Path, seed: int, *, made: bool = True) -> Iterator[Case]:
    """Every damage to files of every kind, seen by a run with a full cache and without results; then again."""
    own = project(folder / "project", made=made)
    expected = entries(own.results)
    kinds = _kinds(own)
    for turn in range(1_000_000):
        rows = [(kind, damage) for kind in kinds for damage in (*damages(""), "deleted", "replaced", "swapped")]
        for number, (kind, damage) in enumerate(shuffled(rows, seed, turn)):
            rng = chance(seed, turn, number)
            path = kinds[kind][int(rng.integers(len(kinds[kind])))]
            content = (own.folder / path).read_bytes()
            others = [other for other in kinds[kind] if other != path] or [path]
            other = others[int(rng.integers(len(others)))]
            changes = {path: content}
            if damage in damages(""):
                changes = {path: damages("")[damage](content, rng)}
            elif damage == "deleted":
                changes = {path: None}
            else:
                changes = {path: (own.folder / other).read_bytes()}
                changes |= {other: content} if damage == "swapped" else {}
            yield Case(kind, f"{damage}: {path} ({other})",
                       lambda c=changes, k=kind: _run(own, expected, folder / "tried", c, k))  # fmt: skip


def without_training(folder: Path, seed: int) -> Iterator[Case]:
    """The same without a trained model."""
    return cases(folder, seed, made=False)


def _kinds(own: Project) -> dict[str, list[str]]:
    """Files by kind."""
    found: dict[str, list[str]] = {}
    for path in files_of(own.folder):
        name = path.relative_to(own.folder).as_posix()
        if name.startswith("results"):
            continue
        parts = name.split("/")
        kind = parts[0]
        if kind == "cache":
            model = "model" in parts[3:-1] or (parts[1] == "models" and len(parts) > 3)
            kind = f"cache: {parts[1]}{'/model' if model else ''}"
        elif kind == "tasks":
            kind = "cards" if path.suffix == ".yaml" else "data"
        found.setdefault(kind, []).append(name)
    return found


def _run(base: Project, expected: object, folder: Path, changes: dict[str, bytes | None], kind: str) -> str | None:
    bed = copied(base, folder, without=("results",))
    for name, content in changes.items():
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
    ended = bed.run(seconds=_SECONDS)
    fault = fault_of(ended)
    if fault is not None or not kind.startswith("cache"):
        # Another model, other data or another registry is another run.
        return fault
    if ended.status == 0:
        found = difference(expected, bed.results)
        return None if found is None else f"{found}; it said: {ended.err[-300:]!r}"
    if "damaged" in ended.text or any(says(ended, Path(name)) for name in changes):
        return None
    return f"fails without naming the file: {ended.text[-500:]}"
