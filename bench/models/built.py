"""Model folders that bench makes once and keeps: exports for other backends, drawn weights, gathered files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from bench.cache import cache_root
from bench.errors import BenchError
from bench.files import write_error
from bench.paths import own_sizes, path_exists


def built_root() -> Path:
    """The folder of built models."""
    return cache_root() / "built"


def built_folder(identity: str, build: Callable[[Path], None]) -> Path:
    """The folder of an identity, built when it is not there; it appears whole or not at all.

    Args:
        identity: What decides its content.
        build: Writes it into a folder that is there and empty.

    Raises:
        BenchError: The cache cannot be written, or what `build` raises.
    """
    root = built_root()
    folder = root / identity
    if folder.is_dir():
        return folder
    draft = root / f"{identity}.unfinished"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f"{identity}.lock"):
            if not folder.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                try:
                    build(draft)
                    draft.rename(folder)
                finally:
                    shutil.rmtree(draft, ignore_errors=True)
    except BenchError:
        raise
    except OSError as error:
        # Libraries raise some without a number over what they do not find in a model's files.
        if error.errno is None:
            raise
        raise write_error(folder, error) from error
    return folder


def built_bytes() -> int:
    """Bytes of all built folders, unfinished ones included."""
    return sum(own_sizes(built_root()))


def delete_built() -> int:
    """Delete all built folders; they are built again when they are needed.

    Returns:
        How many bytes that were.

    Raises:
        BenchError: The cache cannot be written.
    """
    size = built_bytes()
    try:
        if path_exists(built_root()):
            shutil.rmtree(built_root())
    except OSError as error:
        raise write_error(built_root(), error) from error
    return size
