"""The one way from a name that a file states to a path: it stays in the folder that the name belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from bench.errors import BenchError
from bench.regular import check_kind, copy_regular

_REPOSITORIES = ("models--", "datasets--", "spaces--")


class OutsideError(BenchError):
    """A name from a file does not stay in its folder."""


def check_name(name: object) -> str:
    """A name, or a glob pattern, that cannot lead out of a folder as it is written, on any system.

    Raises:
        OutsideError: It is no text, empty, absolute, or holds a drive, `..`, a backslash or a NUL.
    """
    if not isinstance(name, str):
        raise OutsideError(f"the path {str(name)[:60]!r} is no text")
    if not name:
        raise OutsideError("a path is empty")
    windows = PureWindowsPath(name)
    if "\0" in name or "\\" in name or windows.drive or windows.root or ".." in PurePosixPath(name).parts:
        raise OutsideError(
            f"the path {name!r} leads out of its folder",
            hint="write a relative path with `/` that stays in the folder, without `..`",
        )
    return name


def inside(folder: Path, name: object) -> Path:
    """The path that a name from a file means in a folder.

    Links are followed for the check. They may lead anywhere in the folder; from a snapshot of the Hub's cache
    (`models--OWNER--NAME/snapshots/COMMIT`) also to the `blobs` of the same repository, where the Hub's client keeps
    the content of its files.

    Args:
        folder: The folder.
        name: The name; what it means need not be there.

    Raises:
        OutsideError: See check_name; or a link leads out of the folder or in a circle.
        BenchError: It is a FIFO, a device or a socket.
    """
    path = folder / check_name(name)
    try:
        base, target = folder.resolve(), path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise OutsideError(f"the path {name!r} cannot be followed: its links lead in a circle") from error
    check_kind(path)
    if not target.is_relative_to(base):
        blobs = _blobs(base)
        if blobs is None or not target.is_relative_to(blobs):
            raise OutsideError(
                f"{name!r} is, or lies behind, a link that leads out of the folder {folder}",
                hint="put the file itself in the place of the link",
            )
    return path


def _blobs(folder: Path) -> Path | None:
    """Where the Hub's client keeps the content of the snapshot that a folder is, or is in."""
    for place in (folder, *folder.parents):
        if place.parent.name == "snapshots" and place.parents[1].name.startswith(_REPOSITORIES):
            return place.parents[1] / "blobs"
    return None


def copy_inside(folder: Path, name: str, target: Path) -> None:
    """Copy a file of a folder; a link that leads out of the folder is not followed.

    Args:
        folder: The folder.
        name: The file's name in it.
        target: The path of the copy; its folder is made.

    Raises:
        OSError: A file cannot be read or written.
        BenchError: See `inside`.
    """
    copy_regular(inside(folder, name), target)


def check_links(folder: Path, paths: Iterable[Path]) -> None:
    """Refuse files of a folder that links take from elsewhere, before they are copied or saved again.

    Raises:
        BenchError: See `inside`.
    """
    for path in paths:
        inside(folder, path.relative_to(folder).as_posix())
