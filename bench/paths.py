"""What is at a path and in a folder. What cannot be read is an error, never nothing: a gate would pass without it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from bench.errors import BenchError
from bench.regular import MOST_TEXT, check_kind, read_bytes


def path_exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that no file system could hold does not exist.

    Raises:
        BenchError: It cannot be told: no permission, links in a circle, or a link to what is not there.
    """
    return _mode(path) is not None


def name_taken(path: Path) -> bool:
    """Whether anything has this name, a link that leads nowhere among it.

    Raises:
        BenchError: It cannot be told.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise unreadable(path, error) from error
    return True


def is_file(path: Path) -> bool:
    """Whether there is such a file; a folder is none.

    Raises:
        BenchError: As path_exists.
    """
    mode = _mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        check_kind(path)
    return mode is not None and stat.S_ISREG(mode)


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; a file is none.

    Raises:
        BenchError: As path_exists.
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def has_file(path: Path) -> bool:
    """Whether there is a file of a name that only a file can have.

    Raises:
        BenchError: As path_exists, or what has that name is no file.
    """
    mode = _mode(path)
    return mode is not None and _checked(path, mode) == path


def bytes_if_there(path: Path, most: int = MOST_TEXT) -> bytes | None:
    """The content of a file of at most `most` bytes; None where there is none.

    Raises:
        BenchError: It cannot be read, is larger, or is no file.
    """
    if not has_file(path):
        return None
    try:
        return read_bytes(path, most)
    except FileNotFoundError:
        # Removed meanwhile.
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in the order of names; nothing where there is no such folder.

    Raises:
        BenchError: It cannot be read, is a file, or holds a name that is not UTF-8.
    """
    try:
        here = sorted(folder.iterdir())
    except FileNotFoundError:
        _refuse_lost_link(folder)
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    _check_names(folder, (path.name for path in here))
    return here


def walk_files(folder: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, through links too; a link that leads back up is not followed.

    Raises:
        BenchError: A folder is not there or cannot be read; a link leads nowhere; a name is not UTF-8; something is
            neither file nor folder.
    """
    if not path_exists(folder):
        raise BenchError("no such folder", where=str(folder))
    for path, mode in _walk(folder, (folder.resolve(),)):
        # git keeps a socket among its own files.
        if not stat.S_ISDIR(mode) and (stat.S_ISREG(mode) or ".git" not in path.parts):
            yield _checked(path, mode)


def files_below(folder: Path, suffix: str) -> list[Path]:
    """The files below a folder whose names end in `suffix`, as walk_files finds them.

    Raises:
        BenchError: As walk_files, or something of such a name is no file.
    """
    found = _walk(folder, (folder.resolve(),)) if path_exists(folder) else ()
    return [
        _checked(path, mode)
        for path, mode in found
        if path.name.endswith(suffix) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    ]


def links_and_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What is below a folder but folders, links themselves instead of what they lead to, each with its status.

    What another process removes meanwhile counts for nothing.

    Raises:
        BenchError: A folder cannot be read.
    """
    for entry in _scan(folder):
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from links_and_files(folder / entry.name)
            else:
                yield folder / entry.name, entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unreadable(folder / entry.name, error) from error


def size_below(folder: Path) -> int:
    """Bytes of the files below a folder; what a link leads to may lie elsewhere and does not count.

    Raises:
        BenchError: As links_and_files.
    """
    return sum(status.st_size for _, status in links_and_files(folder))


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that match a glob pattern (`**` for any folders), in order.

    Raises:
        BenchError: As walk_files.
    """
    if not path_exists(folder):
        return []
    found = set(_matching(folder, PurePosixPath(pattern).parts, (folder.resolve(),)))
    return sorted(path for path in found if is_file(path))


def unreadable(path: Path, error: OSError) -> BenchError:
    """The BenchError for a file or folder that cannot be read."""
    hints = {
        errno.EACCES: "you may not read it: change the permissions",
        errno.EPERM: "you may not read it: change the permissions",
        errno.ENOTDIR: "a folder belongs there: move the file away",
        errno.EISDIR: "a file belongs there: move the folder away",
        errno.ELOOP: "symbolic links lead in a circle: remove them",
    }
    return BenchError(f"cannot read: {error.strerror or error}", where=str(path), hint=hints.get(error.errno or 0))


def _mode(path: Path) -> int | None:
    """The mode of what a path leads to, None where there is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        _refuse_lost_link(path)
        return None
    except (NotADirectoryError, ValueError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None
        raise unreadable(path, error) from error


def _refuse_lost_link(path: Path) -> None:
    """Refuse a path that is missing because it, or a folder above it, is a link to what is not there."""
    for place in (path, *path.parents):
        if os.path.lexists(place):
            # What exists only as a link is one that leads nowhere.
            if place.is_symlink() and not place.exists():
                raise BenchError(
                    f"no such file: a symbolic link to {place.readlink()}, which is not there",
                    where=str(place),
                    hint="restore what it leads to, or remove the link",
                )
            return


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            here = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        _refuse_lost_link(folder)
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    _check_names(folder, (entry.name for entry in here))
    return here


def _check_names(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise BenchError(
                f"holds a name that is not UTF-8: {os.fsencode(name)!r}",
                where=str(folder),
                hint="rename the file, or move it away",
            ) from error


def _walk(folder: Path, trail: tuple[Path, ...]) -> Iterator[tuple[Path, int]]:
    """Everything below a folder with its mode; what is in a folder that a link leads back up to is not passed again."""
    for entry in _scan(folder):
        path = folder / entry.name
        mode = _mode_of(entry, path)
        if mode is None:
            continue
        if not stat.S_ISDIR(mode):
            yield path, mode
            continue
        target = path.resolve() if entry.is_symlink() else trail[-1] / entry.name
        yield path, mode
        if target not in trail:
            yield from _walk(path, (*trail, target))


def _mode_of(entry: os.DirEntry[str], path: Path) -> int | None:
    """The mode of a folder's entry, as far as it can be had without asking the file system again."""
    try:
        if not entry.is_symlink():
            if entry.is_file(follow_symlinks=False):
                return stat.S_IFREG
            if entry.is_dir(follow_symlinks=False):
                return stat.S_IFDIR
    except OSError as error:
        raise unreadable(path, error) from error
    return _mode(path)


def _matching(folder: Path, parts: tuple[str, ...], trail: tuple[Path, ...]) -> Iterator[Path]:
    if not parts:
        return
    first, rest = parts[0], parts[1:]
    if first == "**":
        yield from _matching(folder, rest, trail)
    for entry in _scan(folder):
        path = folder / entry.name
        if first != "**" and not fnmatchcase(entry.name, first):
            continue
        if not rest and first != "**":
            yield path
        elif (mode := _mode_of(entry, path)) is not None and stat.S_ISDIR(mode):
            target = path.resolve()
            if target not in trail:
                yield from _matching(path, parts if first == "**" else rest, (*trail, target))


def _checked(path: Path, mode: int) -> Path:
    if stat.S_ISDIR(mode):
        raise BenchError("a folder, where a file belongs", where=str(path), hint="move it away, or restore the file")
    check_kind(path)
    return path
