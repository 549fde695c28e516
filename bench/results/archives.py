"""Results in an archive: its members are checked, and only the results' own files are read."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from bench.errors import BenchError
from bench.files import write_error
from bench.inside import OutsideError, check_name, inside
from bench.regular import open_regular, size_text
from bench.results.store import RECORD_FOLDERS, is_result_file

# What a results folder stays far below, and a bomb goes beyond.
MOST_BYTES = 4 << 30
MOST_MEMBERS = 1_000_000
_BLOCK = 1 << 20
# Records are packed to a tenth or so; below this size a ratio says little.
_RATIO = 200
_FREE_OF_RATIO = 100_000_000
_LONGEST_NAME = 1_000_000
_READ_WHOLE = frozenset(
    (
        tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )
)  # fmt: skip
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
_PACK_AGAIN = "pack the folder again: tar -czf results.tgz results"


@dataclass(frozen=True)
class _Member:
    """A file, link or device in an archive; folders are left out.

    Attributes:
        path: Its name.
        size: Bytes that it claims to have.
        plain: Whether it is a file.
        entry: The library's own object.
    """

    path: PurePosixPath
    size: int
    plain: bool
    entry: Any


def unpack_results(archive: Path, folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Copy the results in an archive to a folder.

    The results folder is the one nearest to the top of the archive.

    Args:
        archive: A .zip, or a .tar as it is or compressed.
        folder: An empty folder.
        most_bytes: Beyond this it is refused.

    Raises:
        BenchError: It is no archive, broken, encrypted or too large, holds no results or several results folders, or a
            member leads out of the folder, stands twice, or is a link among the results.
    """
    try:
        with open_regular(archive) as handle:
            _open(handle, archive, folder, most_bytes)
    except BenchError as error:
        error.where = error.where or str(archive)
        raise
    except _BROKEN as error:
        raise BenchError(f"a broken archive: {error}", where=str(archive), hint=_PACK_AGAIN) from error
    except RuntimeError as error:
        # What zipfile raises for a password.
        raise BenchError(f"cannot be unpacked: {error}", where=str(archive), hint=_PACK_AGAIN) from error
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=str(archive)) from error


def _open(handle: BinaryIO, archive: Path, folder: Path, most_bytes: int) -> None:
    most_bytes = min(most_bytes, max(_FREE_OF_RATIO, _RATIO * archive.stat().st_size))
    if zipfile.is_zipfile(handle):
        handle.seek(0)
        with zipfile.ZipFile(handle) as opened:
            _unpack(archive, list(_zip_members(opened)), opened.open, folder, most_bytes)
        return
    handle.seek(0)
    with _tar(handle) as opened_tar:
        members = list(_tar_members(archive, opened_tar, most_bytes))
        _unpack(archive, members, opened_tar.extractfile, folder, most_bytes)


def _tar(handle: BinaryIO) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=handle, tarinfo=_TarInfo)
    except tarfile.ReadError as error:
        raise BenchError("neither a folder nor a .zip or .tar archive", hint="name a results folder") from error


class _TarInfo(tarfile.TarInfo):
    """A member of a tar archive; the library reads names and the headers of others whole before it gives them out."""

    def _proc_member(self, opened: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _READ_WHOLE and self.size > _LONGEST_NAME:
            # The library takes its own errors for another compression.
            raise BenchError(
                f"a name or header of {self.size:,} bytes; at most {_LONGEST_NAME:,} are read", hint=_PACK_AGAIN
            )
        return super()._proc_member(opened)  # type: ignore[misc,no-any-return]


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in opened.infolist():
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if not entry.is_dir():
            yield _Member(PurePosixPath(entry.filename), entry.file_size, kind in {0, stat.S_IFREG}, entry)


def _tar_members(archive: Path, opened: tarfile.TarFile, most_bytes: int) -> Iterator[_Member]:
    total = 0
    for number, entry in enumerate(opened):
        # A compressed archive is unpacked to find the next member: stop before a bomb has gone off.
        total += entry.size
        if number >= MOST_MEMBERS or total > most_bytes:
            raise _too_large(archive, most_bytes)
        if not entry.isdir():
            yield _Member(PurePosixPath(entry.name), entry.size, entry.isreg(), entry)


def _unpack(
    archive: Path,
    members: Sequence[_Member],
    read: Callable[[Any], IO[bytes] | None],
    folder: Path,
    most_bytes: int,
) -> None:
    if len(members) > MOST_MEMBERS:
        raise _too_large(archive, most_bytes)
    for member in members:
        _check_inside(member.path, archive)
    root = _results_folder([member.path for member in members], archive)
    if sum(member.size for member in members if member.path.is_relative_to(root)) > most_bytes:
        raise _too_large(archive, most_bytes)
    seen = set()
    left = most_bytes
    for member in members:
        if not member.path.is_relative_to(root):
            continue
        path = member.path.relative_to(root)
        if not member.plain:
            raise BenchError(f"`{member.path}` is no file but a link or a device", where=str(archive), hint=_PACK_AGAIN)
        if not is_result_file(path):
            continue
        if path in seen:
            raise BenchError(f"`{member.path}` stands in it twice", where=str(archive), hint=_PACK_AGAIN)
        seen.add(path)
        opened = read(member.entry)
        if opened is not None:
            with opened:
                left -= _copy(opened, inside(folder, path.as_posix()), left)
        if left < 0:
            raise _too_large(archive, most_bytes)


def _check_inside(path: PurePosixPath, archive: Path) -> None:
    try:
        check_name(str(path))
    except OutsideError as error:
        raise BenchError(f"a member leads out of the folder: `{path}`", where=str(archive), hint=_PACK_AGAIN) from error


def _results_folder(paths: Sequence[PurePosixPath], archive: Path) -> PurePosixPath:
    """The folder nearest to the top that holds records."""
    found = set()
    for path in paths:
        for depth, part in enumerate(path.parts[:-1]):
            if part in RECORD_FOLDERS and is_result_file(PurePosixPath(*path.parts[depth:])):
                found.add(PurePosixPath(*path.parts[:depth]))
                break
    if not found:
        raise BenchError("no results in this archive", where=str(archive), hint=_PACK_AGAIN)
    highest = min(len(folder.parts) for folder in found)
    nearest = sorted(str(folder) for folder in found if len(folder.parts) == highest)
    if len(nearest) > 1:
        raise BenchError(
            f"holds several results folders: {', '.join(nearest)}",
            where=str(archive),
            hint="unpack it and name one of them",
        )
    return PurePosixPath(nearest[0])


def _copy(source: IO[bytes], path: Path, most: int) -> int:
    """Write a file, and a block beyond `most` bytes at the most; returns its bytes."""
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except OSError as error:
        raise write_error(path, error) from error
    with target:
        while size <= most and (block := source.read(_BLOCK)):
            size += len(block)
            try:
                target.write(block)
            except OSError as error:
                raise write_error(path, error) from error
    return size


def _too_large(archive: Path, most_bytes: int) -> BenchError:
    packed = size_text(archive.stat().st_size)
    return BenchError(
        f"{packed} that unpack to more than {size_text(most_bytes)} or {MOST_MEMBERS:,} members: "
        "no results folder is so large",
        where=str(archive),
        hint="unpack it yourself if you trust it, and name the folder",
    )
