"""Writing files so that nothing is half written, safe names, digests."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.neutral import neutral_json
from bench.paths import walk_files
from bench.regular import open_regular

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HASH_BLOCK = 1 << 20
# Names of what is written beside its place, and of folders among the system's temporary files, both with the process.
DRAFT = re.compile(r"\..{1,40}\.(?P<pid>\d+)\.[a-z0-9_]{8}\.tmp", re.DOTALL)
SCRATCH = re.compile(r"bench-[a-z]+-(?P<pid>\d+)-[a-z0-9_]{8}")


def safe_name(name: str, limit: int = 80) -> str:
    """`name` as one file-name component: no separator, no leading dot, at most `limit` characters.

    Two names may map to one component; callers append a fingerprint where that matters.
    """
    return _UNSAFE.sub("_", name).lstrip("._-")[:limit] or "_"


def digest_bytes(*parts: bytes) -> str:
    """Hex BLAKE2b-128 of the parts, each preceded by its length so that boundaries count."""
    return digest_parts(parts)


def digest_parts(parts: Iterable[bytes]) -> str:
    """`digest_bytes` of parts that need not be in memory at once."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def digest_json(value: Any) -> str:
    """Hex BLAKE2b-128 of a JSON value, independent of the order of its keys."""
    return digest_bytes(json.dumps(value, sort_keys=True, ensure_ascii=True).encode())


def digest_file(path: Path, algorithm: str = "blake2b", most: int | None = None) -> str:
    """Hex digest of a file, read in blocks.

    Args:
        path: The file.
        algorithm: One of hashlib's; `blake2b` means BLAKE2b-128.
        most: The most bytes that the file may have.

    Raises:
        OSError: It cannot be opened.
        BenchError: See open_regular.
    """
    state = hashlib.blake2b(digest_size=16) if algorithm == "blake2b" else hashlib.new(algorithm)
    with open_regular(path, most) as handle:
        while block := handle.read(_HASH_BLOCK):
            state.update(block)
    return state.hexdigest()


def write_error(path: Path, error: OSError) -> BenchError:
    """The BenchError for a file that could not be written."""
    hints = {
        errno.ENOSPC: "the disk is full: free some space and run again, finished work is kept",
        errno.EDQUOT: "the disk quota is used up: free some space and run again, finished work is kept",
        errno.EROFS: "the file system is read-only: choose another folder",
        errno.EACCES: "you may not write there: change the permissions or choose another folder",
        errno.EPERM: "you may not write there: change the permissions or choose another folder",
        errno.ENOTDIR: "a file stands where a folder is needed: choose another folder",
        errno.EEXIST: "a file stands where a folder is needed: choose another folder",
        errno.EISDIR: "a folder stands where the file should go: move it away or choose another folder",
        errno.ENAMETOOLONG: "choose a shorter name",
        errno.ENOTEMPTY: "there are files in it: choose another folder",
    }
    return BenchError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        hint=hints.get(error.errno or 0, "check the folder and run again, finished work is kept"),
    )


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: readers see the old content or the whole new one.

    Raises:
        BenchError: The folder cannot be written, or the disk is full.
    """
    _write(path, content, replace=True)


def write_new(path: Path, content: bytes) -> bool:
    """Write a file atomically where there is none yet, whoever else tries at the same time.

    Returns:
        Whether it was written; False where there is one.

    Raises:
        BenchError: The folder cannot be written, or the disk is full.
    """
    return _write(path, content, replace=False)


def _write(path: Path, content: bytes, *, replace: bool) -> bool:
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=_draft_prefix(path), suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        # mkstemp makes private files; results are meant to be shared like any other file.
        _share(Path(temporary))
        if replace:
            Path(temporary).replace(path)
            return True
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        else:
            return True
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()


def _share(path: Path) -> None:
    """Give a file the permissions that any new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def remove_file(path: Path) -> None:
    """Remove a file that may be gone already.

    Raises:
        BenchError: It may not be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def write_text(path: Path, content: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, content.encode("utf-8"))


def append_text(path: Path, content: str) -> None:
    """Add UTF-8 text to the end of a file.

    Raises:
        BenchError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.write(content)
    except OSError as error:
        raise write_error(path, error) from error


def json_text(value: Any) -> str:
    """JSON with sorted keys, two-space indents and a final newline.

    Raises:
        ValueError: A number in it is not finite.
    """
    return neutral_json(json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file as `json_text` gives it."""
    write_text(path, json_text(value))


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder that appears whole or not at all: it is filled under another name beside its place.

    Args:
        path: Its place; nothing, or an empty folder, is there.

    Yields:
        The folder to fill, which is moved to its place when the block ends, and removed when that raises.

    Raises:
        BenchError: It cannot be written there.
    """
    draft = path.with_name(f"{_draft_prefix(path)}{secrets.token_hex(4)}.tmp")
    try:
        draft.mkdir(parents=True)
        yield draft
        # Libraries that write weights make private files.
        for file in walk_files(draft):
            _share(file)
        draft.rename(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_writable(folder: Path) -> None:
    """Raise a BenchError now rather than after an hour of work when `folder` cannot be written."""
    probe = folder / f"{_draft_prefix(Path('write-check'))}{secrets.token_hex(4)}.tmp"
    write_bytes(probe, b"")
    with suppress(OSError):
        probe.unlink()


def _draft_prefix(path: Path) -> str:
    return f".{path.name[:40]}.{os.getpid()}."


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder among the system's temporary files, which is removed when the block ends.

    Args:
        purpose: A word of lower-case letters, for whoever finds it after a kill.
    """
    with tempfile.TemporaryDirectory(prefix=f"bench-{purpose}-{os.getpid()}-") as name:
        yield Path(name)
