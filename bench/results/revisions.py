"""Results in a git revision, read from the repository's objects: nothing is checked out."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.errors import BenchError, UsageError
from bench.files import write_error
from bench.inside import inside
from bench.regular import MOST_TABLE, size_text
from bench.results.archives import MOST_BYTES
from bench.results.store import is_result_file

_FILE_MODES = frozenset({"100644", "100755"})
_OBJECT = re.compile(r"[0-9a-f]{40,64}")
_BRANCH = re.compile(r"[A-Za-z0-9][\w./-]*")
_SHORT_HASH = re.compile(r"[0-9a-f]{4,39}")
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class _Blob:
    path: PurePosixPath
    name: str
    size: int


def check_revision(revision: str, text: str) -> None:
    """Refuse what git could take for an option, and what is no name.

    Args:
        revision: The revision.
        text: What it was written in.

    Raises:
        UsageError: It is refused.
    """
    if not revision.strip() or revision.startswith("-") or any(ord(letter) < 32 for letter in revision):
        raise UsageError(
            f"`{text}` names no git revision",
            hint="write git:REVISION, REVISION:FOLDER or git:REVISION:FOLDER, for instance main:results",
        )


def read_revision(revision: str, path: str, where: Path, folder: Path) -> None:
    """Copy the results in a revision to a folder.

    Args:
        revision: A commit, by any name that git knows.
        path: The folder in it, from the top of the repository; one that starts with `./` or `../`, from `where`.
        where: A folder of the repository.
        folder: An empty folder.

    Raises:
        UsageError: The path leads out of the repository.
        BenchError: Git is not installed, this is no repository, there is no such revision or folder in it, or its
            files are links, not here, or too large.
    """
    git = Git(where)
    commit = git.answer("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit is None or not _OBJECT.fullmatch(commit):
        raise _no_revision(git, revision)
    inner = _inner_path(git, path)
    tree = git.answer("rev-parse", "--verify", "--quiet", f"{commit}:{inner}")
    if tree is None or git.answer("cat-file", "-t", tree) != "tree":
        raise BenchError(
            f"no folder `{inner}` in the revision `{revision}`",
            where=str(where.resolve()),
            hint=f"name another: {revision}:FOLDER; `git ls-tree -d --name-only {revision}` lists them",
        )
    blobs = list(_blobs(git, tree, f"{revision}:{inner}"))
    if sum(blob.size for blob in blobs) > MOST_BYTES or any(blob.size > MOST_TABLE for blob in blobs):
        raise BenchError(
            f"too large for a results folder: more than {size_text(MOST_BYTES)}, or a file of more than "
            f"{size_text(MOST_TABLE)}",
            where=f"{revision}:{inner}",
            hint="name the results folder",
        )
    for blob, content in git.contents(blobs):
        if content.startswith(_LFS):
            raise BenchError(
                f"`{blob.path}` is stored by Git LFS, and only its pointer is in the revision",
                where=f"{revision}:{inner}",
                hint="check the revision out elsewhere (git worktree add), run git lfs pull, and name that folder",
            )
        _write(inside(folder, blob.path.as_posix()), content)


class Git:
    """The git of a repository.

    Args:
        where: A folder of the repository.

    Raises:
        BenchError: Git is not installed, or this is no repository that it reads.
    """

    def __init__(self, where: Path) -> None:
        program = shutil.which("git")
        if program is None:
            raise BenchError("git is not installed", hint="install it, or name a folder or an archive of results")
        self._where = where
        self._command = [program, "-C", str(where)]
        # Messages are told apart by their words; nobody is there to type a password.
        self._environment = os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        found = self._run("rev-parse", "--git-dir")
        if found.returncode:
            said = found.stderr.decode(errors="replace").strip()
            if "not a git repository" in said:
                raise BenchError(
                    "not in a git repository",
                    where=str(where.resolve()),
                    hint="run it inside the repository, or name a folder or an archive of results",
                )
            raise BenchError(f"git: {said}", where=str(where.resolve()), hint="see whether `git log` works there")

    def answer(self, *arguments: str) -> str | None:
        """What a command prints, None where it fails."""
        found = self._run(*arguments)
        return None if found.returncode else os.fsdecode(found.stdout).removesuffix("\n")

    def need(self, *arguments: str) -> bytes:
        """What a command prints.

        Raises:
            BenchError: It failed, with its own words.
        """
        found = self._run(*arguments)
        if found.returncode:
            raise self.failed(found.stderr.decode(errors="replace").strip())
        return found.stdout

    def failed(self, said: str) -> BenchError:
        """What to say of a command that failed."""
        return BenchError(
            f"git cannot read its objects: {said or 'no reason given'}",
            where=str(self._where.resolve()),
            hint="a partial clone fetches them: go online, or git fetch --refetch",
        )

    def contents(self, blobs: Iterable[_Blob]) -> Iterator[tuple[_Blob, bytes]]:
        """The contents of files.

        Raises:
            BenchError: One is not in the repository.
        """
        with subprocess.Popen(
            [*self._command, "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise self.failed("no pipe")
            for blob in blobs:
                try:
                    process.stdin.write(f"{blob.name}\n".encode())
                    process.stdin.flush()
                except BrokenPipeError as error:
                    raise self.failed(f"{blob.path}: git stopped") from error
                head = process.stdout.readline().split()
                if len(head) != 3:
                    raise self.failed(f"{blob.path}: {b' '.join(head).decode(errors='replace') or 'git stopped'}")
                content = process.stdout.read(int(head[2]))
                process.stdout.read(1)
                yield blob, content

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self._command, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=self._environment,
            check=False,
        )


def _inner_path(git: Git, path: str) -> str:
    """A folder from the top of the repository; empty for the top itself."""
    prefix = (git.answer("rev-parse", "--show-prefix") or "") if re.match(r"\.\.?(/|$)", path) else ""
    inner = posixpath.normpath(posixpath.join(prefix, path)) if prefix + path else ""
    if inner.startswith(("/", "../")) or inner == ".." or "\x00" in inner:
        raise UsageError(
            f"`{path}` leads out of the repository",
            hint="a path in a revision starts at the top of the repository, or with ./ at this folder",
        )
    return "" if inner == "." else inner


def _blobs(git: Git, tree: str, label: str) -> Iterator[_Blob]:
    """The files of results in a tree."""
    for line in git.need("ls-tree", "--full-tree", "-r", "-z", "--long", tree).split(b"\x00"):
        if not line:
            continue
        facts, _, name = line.partition(b"\t")
        mode, _, blob, size = facts.decode().split()
        path = PurePosixPath(os.fsdecode(name))
        if not is_result_file(path):
            continue
        if mode not in _FILE_MODES:
            raise BenchError(f"`{path}` is no file but a link", where=label, hint="results are files: commit them so")
        yield _Blob(path, blob, int(size))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise write_error(path, error) from error


def _no_revision(git: Git, revision: str) -> BenchError:
    return BenchError(
        f"git knows no commit `{revision}` here", where=f"git:{revision}", hint=_how_to_get(git, revision)
    )


def _how_to_get(git: Git, revision: str) -> str:
    remotes = (git.answer("remote") or "").split()
    remote = "origin" if "origin" in remotes else next(iter(remotes), None)
    shallow = git.answer("rev-parse", "--is-shallow-repository") == "true"
    if remote is None:
        return "`git branch --all` and `git log` list what there is"
    if _OBJECT.fullmatch(revision):
        return f"fetch it: git fetch --depth=1 {remote} {revision}"
    if shallow and (not _BRANCH.fullmatch(revision) or _SHORT_HASH.fullmatch(revision)):
        return "this clone is shallow, fetch more of its history: git fetch --deepen=100, or --unshallow"
    if not _BRANCH.fullmatch(revision):
        return "`git log` lists what there is"
    branch = revision.removeprefix(f"{remote}/")
    if branch == revision and git.answer("rev-parse", "--verify", "--quiet", f"refs/remotes/{remote}/{branch}"):
        return f"did you mean `git:{remote}/{branch}`?"
    fetch = f"git fetch --depth=1 {remote} {branch}:refs/remotes/{remote}/{branch}"
    return f"fetch it: {fetch}, then name it git:{remote}/{branch}; `git branch --all` lists what there is"
