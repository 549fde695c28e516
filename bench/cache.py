"""The cache folder: encoded vectors, and digests of large files that have not changed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.files import digest_file
from bench.paths import unreadable
from bench.reading import user_path
from bench.sealed import DamagedError, read_sealed, write_sealed

# Below this size hashing costs less than looking the digest up.
_MEMO_BYTES = 16 << 20
# A file changed this recently could change again within the clock's resolution (as git's "racy" entries).
_SETTLED_NS = 2_000_000_000
# What this process has hashed in full: stamp and digest by path.
_hashed: dict[str, tuple[list[int], str]] = {}


def cache_root() -> Path:
    """`$BENCH_CACHE`, else `mrl-bench` in the user's cache folder (`$XDG_CACHE_HOME`, `~/.cache`).

    Raises:
        UsageError: The path starts with a home folder that there is not.
    """
    for name, inner in (("BENCH_CACHE", ""), ("XDG_CACHE_HOME", "mrl-bench")):
        if chosen := os.environ.get(name):
            return _expanded(chosen, name) / inner
    return _expanded("~/.cache", "HOME") / "mrl-bench"


def _expanded(text: str, variable: str) -> Path:
    path = user_path(text)
    if path.parts[:1] and path.parts[0].startswith("~"):
        raise UsageError(
            f"there is no home folder `{path.parts[0]}`, so no place for the cache",
            where=variable,
            hint="set BENCH_CACHE to a folder",
        )
    return path.resolve()


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file; that of a large file is remembered until its size, times or inode change.

    Raises:
        BenchError: The file cannot be read.
    """
    status = _status(path)
    key, stamp = str(path.resolve()), _stamp(status)
    if _hashed.get(key, ([], ""))[0] == stamp:
        return _hashed[key][1]
    if status.st_size < _MEMO_BYTES:
        return _digest(path)
    memo_file = cache_root() / "digests.json"
    memo = _memo(memo_file)
    known = memo.get(key)
    if isinstance(known, list) and known[:-1] == stamp:
        return str(known[-1])
    digest = _digest(path)
    if _settled(status):
        # A cache that cannot be written only costs time.
        with suppress(BenchError):
            write_sealed(memo_file, {**memo, key: [*stamp, digest]})
    return digest


def sha256_in_full(path: Path) -> str:
    """Hex SHA-256 of a file that this process has read in full, whatever earlier ones remembered of it.

    Raises:
        BenchError: The file cannot be read.
    """
    status = _status(path)
    key, stamp = str(path.resolve()), _stamp(status)
    if _hashed.get(key, ([], ""))[0] == stamp:
        return _hashed[key][1]
    digest = _digest(path)
    if _settled(status):
        _hashed[key] = stamp, digest
    return digest


def _settled(status: os.stat_result) -> bool:
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS


def _memo(file: Path) -> dict[str, list[object]]:
    try:
        found = read_sealed(file)
    except DamagedError:
        # Files are hashed again.
        return {}
    return found if isinstance(found, dict) else {}


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise unreadable(path, error) from error


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _digest(path: Path) -> str:
    try:
        return digest_file(path, "sha256")
    except OSError as error:
        raise unreadable(path, error) from error
