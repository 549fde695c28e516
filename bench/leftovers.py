"""What killed runs left: temporary files and folders, and locks. They are removed when they are old and nobody's.

Old is an hour without a change. Somebody's is what carries the number of a process that is alive and was so when it was
last changed, or what a lock guards that a process holds. Names that bench does not give are never touched.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from bench.cache import cache_root
from bench.files import DRAFT, SCRATCH

OLD_SECONDS = 3600.0
# Names of earlier versions, which had no number of a process or stood in no common form.
_EARLIER = (
    re.compile(r"\..{1,40}\.[a-z0-9_]{8}\.tmp"),
    re.compile(r"\.write-check-(?P<pid>\d+)"),
)
_EARLIER_SCRATCH = re.compile(r"bench-(cost|quick|results|probe)-[a-z0-9_]{8}")
# Folders of the cache in which bench writes; locks, and what they guard, by folder.
_WRITTEN = ("vectors", "built", "models", "downloads")
_LOCKED = {
    "built": re.compile(r"(?P<name>[0-9a-f]{32}-[a-z]+)\.(lock|unfinished)"),
    "models/unfinished": re.compile(r"(?P<name>[0-9a-f]{32})\.(lock|deleted|timed|name)"),
}
# Below a model or its checkpoints libraries write, and temporary files go with the whole.
_DEEP = 4


@dataclass(frozen=True)
class Leftover:
    """What a killed run left.

    Attributes:
        path: The file or folder.
        bytes: Its size.
        lock: The lock that guards it; None where its age and process decide.
    """

    path: Path
    bytes: int
    lock: Path | None = None


def find_leftovers(results: Path | None = None) -> list[Leftover]:
    """What killed runs left in a results folder, the cache and the system's folder for temporary files."""
    cache = cache_root()
    places = [cache / name for name in _WRITTEN] + ([results] if results is not None else [])
    paths = [path for place in places for path in _named(place, _is_draft, _DEEP)]
    paths += [*_named(cache, _is_draft, 0), *_named(Path(tempfile.gettempdir()), _is_scratch, 0)]
    found = [Leftover(path, _size(path)) for path in dict.fromkeys(paths) if _is_nobodys(path)]
    return found + [item for place, name in _LOCKED.items() for item in _locked(cache / place, name)]


def remove_leftovers(results: Path | None = None) -> list[Leftover]:
    """Remove what find_leftovers finds, but for what cannot be removed, which is only left over.

    Returns:
        What was removed.
    """
    return [item for item in find_leftovers(results) if _remove(item)]


def _named(folder: Path, wanted: Callable[[str], bool], depth: int) -> Iterator[Path]:
    """Files and folders of these names down to a depth; what cannot be read, or lies behind a link, is passed by."""
    folders = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if wanted(entry.name):
                yield Path(entry.path)
            elif depth and entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
    for inner in folders:
        yield from _named(inner, wanted, depth - 1)


def _is_draft(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (DRAFT, *_EARLIER))


def _is_scratch(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (SCRATCH, _EARLIER_SCRATCH))


def _is_nobodys(path: Path) -> bool:
    """Whether something is this user's, old, and no living process made it."""
    try:
        if path.lstat().st_uid != os.getuid():
            return False
        changed = _changed(path)
    except OSError:
        return False
    if time.time() - changed < OLD_SECONDS:
        return False
    matches = (pattern.fullmatch(path.name) for pattern in (DRAFT, SCRATCH, *_EARLIER))
    found = next((match for match in matches if match), None)
    pid = found.groupdict().get("pid") if found else None
    return pid is None or not _was_alive(int(pid), changed)


def _was_alive(pid: int, at: float) -> bool:
    """Whether the process of this number is one that was there at a time: numbers are given again."""
    try:
        return psutil.Process(pid).create_time() <= at
    except (psutil.NoSuchProcess, OverflowError, ValueError):
        return False
    except psutil.Error:
        return True


def _locked(folder: Path, pattern: re.Pattern[str]) -> Iterator[Leftover]:
    """Locks and what they guard, where all of a name is old and no process holds the lock."""
    by_name: dict[str, list[Path]] = {}
    for path in _named(folder, lambda name: pattern.fullmatch(name) is not None, 0):
        match = pattern.fullmatch(path.name)
        by_name.setdefault(match["name"] if match else "", []).append(path)
    for name, paths in by_name.items():
        # The name of a model whose training is unfinished is wanted as long as its checkpoints are.
        kept = (folder / name).is_dir() and pattern is _LOCKED["models/unfinished"]
        left = [path for path in paths if not (kept and path.suffix == ".name")]
        lock = folder / f"{name}.lock"
        if all(_is_nobodys(path) for path in left) and _is_free(lock):
            # The lock last: it guards the others.
            yield from (Leftover(path, _size(path), lock) for path in sorted(left, key=lambda path: path == lock))


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    try:
        with FileLock(lock).acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _remove(item: Leftover) -> bool:
    try:
        if item.lock is None:
            return _is_nobodys(item.path) and _delete(item.path)
        made = not item.lock.exists()
        with FileLock(item.lock).acquire(timeout=0):
            done = _is_nobodys(item.path) and _delete(item.path)
            if made:
                item.lock.unlink(missing_ok=True)
            return done
    except (Timeout, OSError):
        return False


def _delete(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    return True


def _changed(path: Path) -> float:
    """When something was last changed, seconds since 1970; of a folder the newest of what is in it."""
    newest = path.lstat().st_mtime
    for place, folders, files in os.walk(path):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                newest = max(newest, (Path(place) / name).lstat().st_mtime)
    return newest


def _size(path: Path) -> int:
    total = 0
    with suppress(OSError):
        total = 0 if path.is_dir() and not path.is_symlink() else path.lstat().st_size
    for place, _, files in os.walk(path):
        for name in files:
            with suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total
