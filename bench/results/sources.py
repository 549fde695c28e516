"""Where results can be read from: a results folder, an archive of one, a folder in a git revision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BenchError, UsageError
from bench.files import scratch_folder
from bench.paths import files_below, is_folder, path_exists
from bench.reading import user_path
from bench.results.archives import unpack_results
from bench.results.digests import DamagedError
from bench.results.revisions import check_revision, read_revision
from bench.results.store import RECORD_FOLDERS

GIT_PREFIX = "git:"
# The folder beside the one that the command runs in, where a revision is named without one.
DEFAULT_PATH = "./results"
# A revision may hold colons between braces: main@{2024-01-31 12:00}.
# What to do about a damaged file of results that are no folder.
HEAL = {
    "archive": "get another copy of the archive, or pack the folder again: tar -czf results.tgz results",
    "git": "name another revision, or restore the file and commit it: git log -- FILE lists its versions",
}
_REVISION = re.compile(r"((?:[^:{]|\{[^}]*\})*)(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """Where results are.

    Attributes:
        text: As it was written.
        kind: What it is.
        place: The folder or archive; for git the folder whose repository is asked.
        revision: The git revision; empty for the others.
        path: The folder in that revision; it starts at the top of the repository, or with `./` at `place`.
    """

    text: str
    kind: Literal["folder", "archive", "git"]
    place: Path
    revision: str = ""
    path: str = ""


def parse_source(text: str, where: Path | None = None) -> Source:
    """What a text names: a path that exists, else a git revision.

    Args:
        text: A folder, an archive, `git:REV`, `REV:PATH` or `git:REV:PATH`.
        where: Where relative paths start and whose repository is asked; the working folder by default.

    Raises:
        UsageError: It can name none of them.
        BenchError: There is no such path.
    """
    base = where or Path()
    if not text.strip():
        raise UsageError("a source of results has an empty name", hint="name a folder, an archive or git:REVISION")
    if not text.startswith(GIT_PREFIX):
        path = base / user_path(text)
        if path_exists(path):
            return Source(text, "folder" if is_folder(path) else "archive", path)
        if ":" not in text:
            raise BenchError(
                "no such results folder or archive",
                where=text,
                hint=f"check the path; a git revision is written {GIT_PREFIX}{text} or {text}:results",
            )
    found = _REVISION.fullmatch(text.removeprefix(GIT_PREFIX))
    revision = found[1] if found else ""
    check_revision(revision, text)
    inner = found[2] if found else None
    return Source(text, "git", base, revision, DEFAULT_PATH if inner is None else inner)


@contextmanager
def open_source(text: str, where: Path | None = None) -> Iterator[Path]:
    """Results as a folder that ResultStore reads.

    Nothing of an archive or a revision is executed, and the repository's work tree is not touched: the results' own
    files are copied to a temporary folder, which is removed when the block ends.

    Args:
        text: See parse_source.
        where: Likewise.

    Yields:
        The folder.

    Raises:
        UsageError: The text can name no source.
        BenchError: There is no such source, it cannot be read or is not safe to read, or it holds no results.
    """
    source = parse_source(text, where)
    if source.kind == "folder":
        _check_filled(source.place, text)
        yield source.place
        return
    with scratch_folder("results") as folder:
        if source.kind == "archive":
            unpack_results(source.place, folder)
        else:
            read_revision(source.revision, source.path, source.place, folder)
        _check_filled(folder, text)
        try:
            yield folder
        except BenchError as error:
            # When the message is read the temporary folder is gone.
            if error.where is not None and error.where.startswith(str(folder)):
                error.where = text + error.where.removeprefix(str(folder))
                if isinstance(error, DamagedError):
                    error.hint = HEAL[source.kind]
            raise


def holds_results(folder: Path) -> bool:
    """Whether a folder holds any record but those of environments."""
    return any(files_below(folder / name, ".json") for name in RECORD_FOLDERS)


def _check_filled(folder: Path, text: str) -> None:
    if holds_results(folder):
        return
    inner = folder / "results"
    if holds_results(inner):
        raise BenchError("no results in it, but in its folder `results`", where=text, hint=f"name {text}/results")
    raise BenchError("no results in it", where=text, hint="make some: bench run; or name another folder")
