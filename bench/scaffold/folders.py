"""Walking through somebody's project for what is theirs, past environments, caches and what programs made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Further down lies no model or data that a project would name in its configuration.
_DEPTH = 5
_PASSED_OVER = frozenset(
    "node_modules site-packages __pycache__ build dist venv env results reports wandb lightning_logs".split()
)


def project_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The folders of a project in a fixed order, each before those in it, with its files.

    Hidden folders, virtual environments, checkpoints of trainings and what builds, runs and reports write are passed
    over, links to folders are not followed, and names that are no text are left out.

    Args:
        folder: The top.

    Yields:
        A folder and its files by name; a folder that cannot be read has none.
    """
    for place, inner, names in os.walk(folder):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= _DEPTH
        inner[:] = [] if deep else sorted(name for name in inner if _is_text(name) and not _passed_over(here / name))
        yield here, [here / name for name in sorted(names) if _is_text(name) and (here / name).is_file()]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return name.isprintable()


def _passed_over(folder: Path) -> bool:
    name = folder.name
    return (
        name.startswith((".", "checkpoint-"))
        or name in _PASSED_OVER
        or name.endswith(".egg-info")
        or (folder / "pyvenv.cfg").exists()
    )


def unlike(name: str, taken: set[str]) -> str:
    """A name, with a number behind it where it is taken; it is taken from then on."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found
