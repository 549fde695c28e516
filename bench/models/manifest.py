"""The lists of files, with digests, of model folders that bench made: what is loaded is what was made.

A list lies beside its folder or above it, and carries its own digest. Every file is hashed in full before a process
first uses the folder, since times that an earlier process saw do not show a flipped bit.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

from bench.cache import sha256_in_full
from bench.errors import BenchError
from bench.files import remove_file
from bench.paths import links_and_files
from bench.sealed import DamagedError, read_sealed, write_sealed

MANIFEST = "files.json"

_LOG = logging.getLogger(__name__)
# Not empty in a process whose parent has looked at every folder that it uses.
_trusted: list[bool] = []


class NoManifestError(BenchError):
    """A folder has no list of its files; versions before lists wrote none."""


def write_manifest(folder: Path, file: Path) -> None:
    """List the files of a folder.

    Args:
        folder: The folder.
        file: The list; it may be in the folder.

    Raises:
        BenchError: A file cannot be read, or the list cannot be written.
    """
    write_sealed(file, dict(_contents(folder, file)))


def damage(folder: Path, file: Path) -> list[str]:
    """The files of a folder that are missing or not as they were made.

    Files that were added are removed, since the folder is bench's own and a loader would read them.

    Raises:
        NoManifestError: It has no list.
        BenchError: It cannot be read.
    """
    if _trusted:
        return []
    try:
        listed = read_sealed(file)
    except DamagedError:
        return [file.name]
    if listed is None:
        raise NoManifestError("has no list of its files", where=str(folder))
    found = dict(_contents(folder, file))
    for name in sorted(found.keys() - listed.keys()):
        _LOG.warning("damaged: %s was added to %s; it is removed", name, folder)
        remove_file(folder / name)
    return [name for name in sorted(listed) if found.get(name) != listed[name]]


def trust_parent() -> None:
    """Look at no folder in this process: the one that started it has, and looking would be measured as loading."""
    _trusted.append(True)


def warn_damaged(folder: Path, files: list[str]) -> None:
    """Say that a folder is damaged and made again."""
    _LOG.warning("damaged: %s in %s; made again", ", ".join(files), folder)


def _contents(folder: Path, but: Path) -> Iterator[tuple[str, str]]:
    """Names of files, and their digests; of links where they lead."""
    for path, status in links_and_files(folder):
        if path == but:
            continue
        name = path.relative_to(folder).as_posix()
        yield name, f"link to {path.readlink()}" if stat.S_ISLNK(status.st_mode) else sha256_in_full(path)
