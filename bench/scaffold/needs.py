"""What another machine needs to do what models.yaml says: bench with its extras, packages with models, folders."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from bench import __version__
from bench.models.registry import ModelEntry
from bench.paths import path_exists
from bench.reading import user_path
from bench.tasks.catalog import MTEB_PREFIX, Task

DISTRIBUTION = "mrl-bench"
_PACKAGE = "package:"


def extras_of(entries: Iterable[ModelEntry], tasks: Iterable[Task], names: Iterable[str]) -> set[str]:
    """The extras of bench that models and tasks need.

    Args:
        entries: The models.
        tasks: The tasks with cards.
        names: Further names of tasks.
    """
    found = {entry.backend for entry in entries if entry.backend != "torch"} & {"onnx", "openvino"}
    extras: set[str] = set(found)
    extras |= {"bm25" for entry in entries if entry.kind == "baseline"}
    extras |= {"train" for entry in entries if entry.recipe is not None}
    extras |= {"mteb" for task in tasks if task.card.mteb is not None}
    return extras | {"mteb" for name in names if name.startswith(MTEB_PREFIX)}


def requirement(extras: Collection[str]) -> tuple[str, str | None]:
    """What pip is to install to get the bench that runs here.

    Args:
        extras: Extras of the package.

    Returns:
        The requirement, and what is to be said where it is not surely what runs here.
    """
    name = f"{DISTRIBUTION}[{','.join(sorted(extras))}]" if extras else DISTRIBUTION
    published = f"{name}=={__version__}"
    note = f"bench runs from a folder here; the workflow installs {published}, which must be published"
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return published, note
    if text is None:
        return published, None
    origin = json.loads(text)
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        return f"{name} @ {origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}", None
    return (f"{name} @ {url}", None) if url.startswith("https://") else (published, note)


def packages_of(entries: Iterable[ModelEntry]) -> Iterator[str]:
    """The installed packages that models come from, as pip wants them."""
    tops = [
        source.removeprefix(_PACKAGE).split("/")[0]
        for entry in entries
        for source in entry.source
        if source.startswith(_PACKAGE)
    ]
    known = metadata.packages_distributions() if tops else {}
    for top in dict.fromkeys(tops):
        for name in known.get(top, []):
            yield f"{name}=={metadata.version(name)}"


def folders_of(entries: Sequence[ModelEntry], folder: Path) -> list[str]:
    """The folders of a project that models lie in, from its top; a model at the top itself is none of them.

    Args:
        entries: The models.
        folder: The project's folder, whole.
    """
    places = [
        (entry.base_dir / user_path(source)).resolve()
        for entry in entries
        for source in entry.source
        if entry.kind != "baseline" and path_exists(entry.base_dir / user_path(source))
    ]
    inner = [place.relative_to(folder).as_posix() for place in places if place.is_relative_to(folder)]
    return [place for place in dict.fromkeys(inner) if place != "."]
