"""Reading models.yaml and the files that it includes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bench.config import YamlDocument, parse_typed, parse_yaml, read_yaml
from bench.errors import UsageError, did_you_mean
from bench.models.registry import ModelEntry, Registry
from bench.paths import matching, path_exists
from bench.reading import user_path


@dataclass(frozen=True)
class _Placed:
    """An entry and where it stands."""

    entry: ModelEntry
    document: YamlDocument
    index: int

    def where(self, *keys: str) -> str:
        return self.document.where(("models", self.index, *keys))


def load_registry(path: Path, text: str | None = None) -> Registry:
    """Read models.yaml and what it includes; the defaults of each file are merged into its entries.

    Args:
        path: The file. Its own `tasks`, `subsets` and `run` count, not those of the files that it includes.
        text: What the file will hold; None for what it holds.

    Returns:
        The registry with all entries, its own first.

    Raises:
        UsageError: With file, line and key of every fault.
    """
    document = read_yaml(path) if text is None else parse_yaml(text, path)
    registry = parse_typed(Registry, document)
    placed = list(_entries(registry, document, {path.resolve()}))
    seen: dict[str, _Placed] = {}
    for item in placed:
        first = seen.setdefault(item.entry.name, item)
        if first is not item:
            raise UsageError(
                f"the model name `{item.entry.name}` stands twice",
                where=item.where("name"),
                hint=f"first used at {first.where('name')}; names must be unique",
            )
    for position, name in enumerate(registry.run or []):
        if name not in seen:
            raise UsageError(
                f"`run` names no model: {name}",
                where=document.where(("run", position)),
                hint=did_you_mean(name, seen) or f"known models: {', '.join(seen)}",
            )
    linked = [_with_base(item, seen, ()) for item in placed]
    return registry.model_copy(update={"models": linked, "base_dir": path.resolve().parent})


def _entries(registry: Registry, document: YamlDocument, read: set[Path]) -> Iterator[_Placed]:
    """The entries of a file, then those of the files that it includes; each file is read once.

    Args:
        registry: The file's content.
        document: The file.
        read: The files that have been read, to which those read here are added.
    """
    shared = {name: getattr(registry.defaults, name) for name in registry.defaults.model_fields_set}
    base = document.path.resolve().parent
    for index, entry in enumerate(registry.models):
        missing = (
            {}
            if entry.kind == "baseline"
            else {name: value for name, value in shared.items() if name not in entry.model_fields_set}
        )
        given = {**missing, "base_dir": base, "by_default": frozenset(missing)}
        placed = _Placed(entry.model_copy(update=given), document, index)
        # Defaults come after the entry's own check.
        if placed.entry.misfit is not None:
            raise UsageError(f"model `{entry.name}`: {placed.entry.misfit}", where=placed.where("backend"))
        yield placed
    for position, name in enumerate(registry.include):
        for path in _included(name, base, document.where(("include", position))):
            if path.resolve() not in read:
                read.add(path.resolve())
                inner = read_yaml(path)
                yield from _entries(parse_typed(Registry, inner), inner, read)


def _included(name: str, base: Path, where: str) -> list[Path]:
    """The files of a name or glob pattern that starts from a folder."""
    path = base / user_path(name)
    if path_exists(path):
        return [path]
    # Characters of the base that patterns give a meaning to must not be taken for one.
    start = Path(path.anchor) if user_path(name).is_absolute() else base
    pattern = str(path.relative_to(start)) if path.is_relative_to(start) else name
    found = matching(start, pattern)
    if not found:
        raise UsageError(f"`include` finds no file {name}", where=where, hint=f"names start from {base}")
    return found


def _with_base(item: _Placed, known: dict[str, _Placed], above: tuple[str, ...]) -> ModelEntry:
    """An entry with the one that its recipe starts from, which may start from another."""
    entry = item.entry
    if entry.recipe is None:
        return entry
    where = item.where("recipe", "base")
    chain = (*above, entry.name)
    named = known.get(entry.recipe.base[0]) if len(entry.recipe.base) == 1 else None
    if named is None:
        return entry.model_copy(update={"base_entry": _found_base(entry, where)})
    if named.entry.name in chain:
        raise UsageError(
            f"recipes go round in a circle: {' from '.join([*chain, named.entry.name])}",
            where=where,
            hint="one of them must start from a model that is not made from the others",
        )
    if named.entry.kind == "baseline":
        raise UsageError(f"`{named.entry.name}` is a baseline, which cannot be trained", where=where)
    if named.entry.drawn:
        raise UsageError(
            f"`{named.entry.name}` has random weights, of which only the cost is measured",
            where=where,
            hint="start from an entry without `weights: random`",
        )
    if named.entry.backend != "torch":
        raise UsageError(
            f"`{named.entry.name}` runs on {named.entry.backend}, which cannot train",
            where=where,
            hint="start from an entry of the same source without `backend`",
        )
    return entry.model_copy(update={"base_entry": _with_base(named, known, chain)})


def _found_base(entry: ModelEntry, where: str) -> ModelEntry:
    """A base that is no entry of the registry, but a source."""
    sources = entry.recipe.base if entry.recipe else []
    try:
        base = ModelEntry(name=sources[0], source=sources, trust_remote_code=entry.trust_remote_code)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"`base` names no model: {reason}", where=where) from error
    return base.model_copy(update={"base_dir": entry.base_dir})
