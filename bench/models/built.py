"""Model folders that bench makes once and keeps: exports for other backends, drawn weights, gathered files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from bench.cache import cache_root
from bench.errors import BenchError
from bench.files import write_error
from bench.models.manifest import MANIFEST, NoManifestError, damage, warn_damaged, write_manifest
from bench.paths import is_folder, path_exists, size_below


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
    folder, listed = root / identity, root / f"{identity}.{MANIFEST}"
    if not _broken(folder, listed):
        return folder
    draft = root / f"{identity}.unfinished"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f"{identity}.lock"):
            # Another process may have built it meanwhile.
            if wrong := _broken(folder, listed):
                if any(wrong):
                    warn_damaged(folder, wrong)
                _replace(folder, listed, draft, build)
    except BenchError:
        raise
    except OSError as error:
        # Libraries raise some without a number over what they do not find in a model's files.
        if error.errno is None:
            raise
        raise write_error(folder, error) from error
    return folder


def _broken(folder: Path, listed: Path) -> list[str]:
    """The files of a folder that are damaged; one without a name where there is no folder, or none with a list."""
    if not is_folder(folder):
        return [""]
    try:
        return damage(folder, listed)
    except NoManifestError:
        # An earlier version's, which is soon made again.
        return [""]


def _replace(folder: Path, listed: Path, draft: Path, build: Callable[[Path], None]) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        build(draft)
        # A kill from here on leaves a list that no other content fits.
        write_manifest(draft, listed)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def built_bytes() -> int:
    """Bytes of all built folders, unfinished ones included."""
    return size_below(built_root())


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
