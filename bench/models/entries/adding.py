"""Adding a public model or a folder to models.yaml: what its files and mteb say of it, as an entry that is checked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, UsageError, did_you_mean
from bench.files import write_text
from bench.models.entries.folder_facts import FolderFacts, read_facts
from bench.models.entries.needs import ModelNeeds, known_models, known_needs, mteb_version
from bench.models.entries.new_entry import Wanted, entry_lines
from bench.models.entries.registry_edit import with_entry
from bench.models.registry import ModelEntry, Registry
from bench.models.registry_file import load_registry
from bench.models.source import hub_repo, locate
from bench.paths import path_exists
from bench.reading import read_text, user_path
from bench.regular import MOST_TEXT, read_bytes

_MOST_NAMESAKES = 3


@dataclass(frozen=True)
class NewModel:
    """An entry that is checked and not yet written.

    Attributes:
        path: The registry's file.
        before: The text of the file; None where there is none.
        content: Its text with the entry.
        lines: The entry's lines.
        registry: What the file will hold.
        entry: The entry in it.
        here: Whether the model's files are on this machine.
    """

    path: Path
    before: str | None
    content: str
    lines: Sequence[str]
    registry: Registry
    entry: ModelEntry
    here: bool

    def write(self) -> None:
        """Write the file.

        Raises:
            BenchError: It cannot be written, or it was changed meanwhile.
        """
        if _text_of(self.path) != self.before:
            raise BenchError("was changed while the entry was made", where=str(self.path), hint="run again")
        write_text(self.path, self.content)


def new_model(
    sources: Sequence[str], path: Path, name: str | None = None, truncate_dims: Sequence[int] = ()
) -> NewModel:
    """Make an entry for a model; nothing is downloaded and nothing is written.

    Args:
        sources: Its sources, tried in order: folders (relative to the current one), Hub ids, `package:NAME`.
        path: The registry's file, which need not exist.
        name: What tables will call it; by default the last part of its Hub id, or the name of its folder.
        truncate_dims: The dimensions to evaluate; by default its Matryoshka dimensions, or as `defaults` has them.

    Raises:
        UsageError: The name is taken, the file is no registry, or nobody here knows the model.
        BenchError: A folder or package is not there, or its files are broken.
    """
    before = _text_of(path)
    registry = load_registry(path, before) if before is not None else None
    written = [_as_written(source, path.resolve().parent) for source in sources]
    hub = next((repo for source in written if (repo := hub_repo(source, path.resolve().parent))), None)
    name = name or _name_of(hub or written[0])
    taken = [entry.name for entry in registry.models] if registry is not None else []
    if name in taken:
        raise UsageError(f"a model named `{name}` is in {path} already", hint="give the new one another --name")
    facts, trouble = _local_facts(name, written, path)
    version = mteb_version()
    needs = _needs(hub or (facts.hub_id if facts is not None else None), version)
    if facts is None and needs is None:
        raise _unknown(hub, trouble, version)
    width = facts.width if facts is not None else None
    if width is not None and max(truncate_dims, default=0) > width:
        raise UsageError(f"it has {width} dimensions, not {max(truncate_dims)}", where=f"model `{name}`")
    wanted = Wanted(
        name=name,
        sources=written,
        facts=facts,
        needs=needs,
        version=version,
        truncate_dims=truncate_dims,
        default_dims=(registry.defaults.truncate_dims or ()) if registry is not None else (),
        namesakes=_namesakes(name) if version is not None and needs is None else (),
    )
    lines = entry_lines(wanted)
    content = with_entry(before or "", lines, path)
    new = load_registry(path, content)
    (entry,) = new.select([name])
    return NewModel(path, before, content, lines, new, entry, facts is not None)


def _text_of(path: Path) -> str | None:
    """The text of a file with its own line ends; None where there is none."""
    if not path_exists(path):
        return None
    read_text(path)  # refuses what is no text
    return read_bytes(path, MOST_TEXT).decode("utf-8")


def _as_written(source: str, folder: Path) -> str:
    """A source as it stands in a file in `folder`: a path that starts from the current folder starts from there."""
    if source.startswith(("package:", "hub:")):
        return source
    given = user_path(source)
    if not path_exists(given):
        return source
    if given.is_absolute() or source.startswith("~"):
        return source
    relative = Path(os.path.relpath(given.resolve(), folder)).as_posix()
    return relative if relative.startswith(".") else f"./{relative}"


def _name_of(source: str) -> str:
    """What a model is called after its source."""
    last = re.split(r"[/\\]", source.removeprefix("package:").rstrip("/\\"))[-1]
    return last if last.strip(".~") else user_path(source).resolve().name


def _local_facts(name: str, sources: list[str], path: Path) -> tuple[FolderFacts | None, BenchError | None]:
    """What the model's files on this machine show, or why there are none."""
    try:
        entry = ModelEntry(name=name, source=sources)
    except ValueError as error:
        raise UsageError(f"`{name[:60]}` cannot name a model", hint="give it another --name") from error
    # Nothing is loaded: whether its code may run is for whoever reads the entry to decide.
    entry = entry.model_copy(update={"base_dir": path.resolve().parent, "trust_remote_code": True})
    try:
        located = locate(entry, download=False)
    except BenchError as error:
        return None, error
    return read_facts(located.path, f"model `{name}`"), None


def _needs(hub: str | None, version: str | None) -> ModelNeeds | None:
    return known_needs(hub) if hub is not None and version is not None else None


def _namesakes(name: str) -> list[str]:
    """Models of mteb with the same last part of their name."""
    return [model for model in known_models() if model.split("/")[-1].casefold() == name.casefold()][:_MOST_NAMESAKES]


def _unknown(hub: str | None, trouble: BenchError | None, version: str | None) -> BenchError:
    """The error for a model of which nothing is known here."""
    if hub is None:
        return trouble or BenchError("no source of it is here")
    close = did_you_mean(hub, known_models()) if version is not None else None
    mteb = f"the installed mteb ({version})" if version is not None else "mteb, which is not installed,"
    ways = f"correct the id, download the model first (`hf download {hub}`), or give the path of a folder"
    return UsageError(
        f"`{hub}` is no folder here, and neither the Hub's cache nor {mteb} knows it",
        hint=f"{close} Else {ways}" if close else ways,
    )
