"""The cache folder: encoded vectors, and digests of large files that have not changed."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.files import digest_file, write_json
from bench.reading import user_path

# Below this size hashing costs less than looking the digest up.
_MEMO_BYTES = 16 << 20
# A file changed this recently could change again within the clock's resolution (as git's "racy" entries).
_SETTLED_NS = 2_000_000_000


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
    try:
        status = path.stat()
        if status.st_size < _MEMO_BYTES:
            return digest_file(path, "sha256")
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        memo_file = cache_root() / "digests.json"
        memo: dict[str, list[object]] = {}
        with suppress(OSError, ValueError):
            found = json.loads(memo_file.read_text(encoding="utf-8"))
            memo = found if isinstance(found, dict) else {}
        key = str(path.resolve())
        known = memo.get(key)
        if isinstance(known, list) and known[:-1] == stamp:
            return str(known[-1])
        digest = digest_file(path, "sha256")
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            # A cache that cannot be written only costs time.
            with suppress(BenchError):
                write_json(memo_file, {**memo, key: [*stamp, digest]})
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=str(path)) from error
    return digest
