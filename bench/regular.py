"""Opening files that are files: no FIFO, device or socket, which could hang or never end, and none beyond a size."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from bench.errors import BenchError

# Bytes that a file of its kind stays far below.
MOST_TEXT = 10_000_000
MOST_RECORD = 100_000_000
MOST_TABLE = 1_000_000_000
MOST_MODEL_JSON = 1_000_000_000
_BLOCK = 1 << 20

_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)
# Without it opening a FIFO waits for a writer. Windows has neither.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def check_kind(path: Path) -> None:
    """Refuse what is neither a file nor a folder; what is not there, or cannot be asked for, passes.

    Raises:
        BenchError: A FIFO, device or socket.
    """
    kind = special_kind(path)
    if kind is not None:
        raise _special(path, kind)


def special_kind(path: Path) -> str | None:
    """What is neither a file nor a folder: a FIFO, a device or a socket, with its article; None of anything else."""
    try:
        return _kind(path.stat().st_mode)
    except (OSError, ValueError):
        return None


def open_regular(path: Path, most: int | None = None) -> BinaryIO:
    """A file, opened for reading bytes; its kind is checked before it is opened and again on what was opened.

    Args:
        path: The file.
        most: The most bytes that it may have; None for any number.

    Raises:
        OSError: It cannot be opened, or is a folder.
        BenchError: A FIFO, device or socket; or larger.
    """
    check_kind(path)
    descriptor = os.open(path, _FLAGS)
    try:
        _check_opened(os.fstat(descriptor), path, most)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check_opened(status: os.stat_result, path: Path, most: int | None) -> None:
    kind = _kind(status.st_mode)
    if kind is not None:
        raise _special(path, kind)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if most is not None and status.st_size > most:
        raise _too_large(path, most)


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file.

    Args:
        path: The file.
        most: The most bytes that it may have, however many the system states.

    Raises:
        OSError: It cannot be read, or is a folder.
        BenchError: A FIFO, device or socket; or larger.
    """
    with open_regular(path, most) as handle:
        content = handle.read(most + 1)
    if len(content) > most:
        raise _too_large(path, most)
    return content


def copy_regular(source: Path, target: Path) -> None:
    """Copy the content of a file; the target's folder is made.

    Raises:
        OSError: A file cannot be read or written.
        BenchError: The source is a FIFO, device or socket.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_regular(source) as original, target.open("wb") as copy:
        shutil.copyfileobj(original, copy, _BLOCK)


def _kind(mode: int) -> str | None:
    return next((name for is_kind, name in _SPECIAL if is_kind(mode)), None)


def _special(path: Path, kind: str) -> BenchError:
    return BenchError(
        f"neither a file nor a folder ({kind})",
        where=str(path),
        hint="put a file in its place; what a pipe gives has to be written to a file first",
    )


def _too_large(path: Path, most: int) -> BenchError:
    return BenchError(
        f"too large: more than {size_text(most)}, the most that is read of such a file",
        where=str(path),
        hint="check that it is the file that is meant",
    )


def size_text(size: int) -> str:
    """A number of bytes as messages state it."""
    if size < 1_000_000:
        return f"{size:,} bytes"
    return f"{size / 1e9:.4g} GB" if size >= 1_000_000_000 else f"{size / 1e6:.4g} MB"
