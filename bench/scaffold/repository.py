"""What the git repository that a project lies in says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.paths import has_file
from bench.reading import read_text
from bench.results.revisions import Git

DEFAULT_BRANCH = "main"
_HEADS = "refs/remotes/origin/"
# What means nothing else in a workflow's patterns, expressions and shell lines.
_PLAIN_BRANCH = re.compile(r"[A-Za-z0-9][\w./-]*", re.ASCII)
_PLAIN_FOLDER = re.compile(r"[\w./-]*", re.ASCII)


@dataclass(frozen=True)
class Repository:
    """A project's place in its repository.

    Attributes:
        top: The repository's top folder; the project's own where it is in none.
        inner: The project's folder from there; `.` for the top itself.
        branch: The default branch.
        known: Whether it is a git repository.
        lfs: Whether it keeps files in Git LFS.
        ignored: Those of the paths asked for that git ignores.
    """

    top: Path
    inner: str
    branch: str
    known: bool
    lfs: bool = False
    ignored: tuple[str, ...] = ()


def find_repository(folder: Path, paths: Iterable[str]) -> Repository:
    """Look at the repository of a folder.

    Args:
        folder: The project's folder.
        paths: Files in it, that need not be there, of which is asked whether git ignores them.

    Raises:
        UsageError: The branch's or the folder's name cannot stand in a workflow.
    """
    folder = folder.resolve()
    try:
        git = Git(folder)
    except BenchError:
        return Repository(folder, ".", DEFAULT_BRANCH, known=False)
    shown = git.answer("rev-parse", "--show-toplevel")
    if not shown:
        return Repository(folder, ".", DEFAULT_BRANCH, known=False)
    top = Path(shown).resolve()
    inner = folder.relative_to(top).as_posix()
    if not _PLAIN_FOLDER.fullmatch(inner):
        raise UsageError(
            "a folder of this name cannot stand in a workflow",
            where=inner,
            hint="name it with letters, digits, `_`, `-` and `.`, or run bench init at the top of the repository",
        )
    attributes = top / ".gitattributes"
    lfs = has_file(attributes) and "filter=lfs" in read_text(attributes)
    ignored = tuple(path for path in paths if git.answer("check-ignore", "--quiet", "--", path) is not None)
    return Repository(top, inner, _default_branch(git), known=True, lfs=lfs, ignored=ignored)


def _default_branch(git: Git) -> str:
    """What the remote calls its head; else main or master; else the branch that is checked out."""
    head = git.answer("symbolic-ref", "--quiet", f"{_HEADS}HEAD")
    if head and head.startswith(_HEADS):
        return _checked(head.removeprefix(_HEADS))
    names = (git.answer("for-each-ref", "--format=%(refname)", "refs/heads", _HEADS) or "").splitlines()
    known = {name.removeprefix("refs/heads/").removeprefix(_HEADS) for name in names}
    usual = next((name for name in (DEFAULT_BRANCH, "master") if name in known), None)
    return _checked(usual or git.answer("symbolic-ref", "--quiet", "--short", "HEAD") or DEFAULT_BRANCH)


def _checked(branch: str) -> str:
    if not _PLAIN_BRANCH.fullmatch(branch):
        raise UsageError(
            f"the default branch `{branch}` cannot stand in a workflow",
            hint="its name may have letters, digits, `_`, `-`, `.` and `/`",
        )
    return branch
