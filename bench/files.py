"""Reading and writing files so that nothing is half written and nothing escapes its folder."""

from __future__ import annotations

import codecs
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

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HASH_BLOCK = 1 << 20
SAVE_AS_UTF8 = "save the file as UTF-8, for instance: iconv -f latin1 -t utf-8 OLD > NEW"


def path_exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that the system cannot even ask for does not exist."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def user_path(text: str) -> Path:
    """A path as a user wrote it, with `~` expanded where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def walk_files(folder: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, through links too; a link that leads back up is not followed."""
    yield from _walk(folder, (folder.resolve(),))


def _walk(folder: Path, trail: tuple[Path, ...]) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=str(folder)) from error
    for path in paths:
        if path.is_dir():
            target = path.resolve()
            if target not in trail:
                yield from _walk(path, (*trail, target))
        elif path.is_file():
            yield path


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


def digest_file(path: Path, algorithm: str = "blake2b") -> str:
    """Hex digest of a file, read in blocks (`blake2b` means BLAKE2b-128)."""
    state = hashlib.blake2b(digest_size=16) if algorithm == "blake2b" else hashlib.new(algorithm)
    with path.open("rb") as handle:
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
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
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


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file with sorted keys, two-space indents and a final newline."""
    write_text(path, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


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
    draft = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.tmp")
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
    probe = folder / f".write-check-{os.getpid()}"
    write_bytes(probe, b"")
    with suppress(OSError):
        probe.unlink()


def read_text(path: Path) -> str:
    """A UTF-8 text file (a byte order mark is dropped).

    Raises:
        BenchError: No such file, no permission, or bytes that are not UTF-8 (with the line).
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        # Line by line, for the message.
        return "".join(_lines(path))


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as handle:
            yield from text_lines(handle, str(path))
    except FileNotFoundError as error:
        raise BenchError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=str(path)) from error


def text_lines(handle: Iterable[bytes], name: str, encoding: str = "utf-8", hint: str = SAVE_AS_UTF8) -> Iterator[str]:
    """The lines of a text file with their ends, one at a time: a corpus may be larger than memory.

    Only a newline ends a line: JSON text may hold U+2028 and its like, which str.splitlines would cut.

    Args:
        handle: The file, opened for bytes.
        name: What messages call it.
        encoding: One in which a newline is the byte 0x0A.
        hint: What to do about bytes of another encoding.

    Raises:
        BenchError: Bytes of another encoding, with the line.
    """
    for number, raw in enumerate(handle, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding)
        except UnicodeDecodeError as error:
            wide = number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            raise BenchError(
                f"byte 0x{raw[error.start]:02x} is not {encoding.upper()}{': this is UTF-16' if wide else ''}",
                where=f"{name}, line {number}",
                hint="save the file as UTF-8, for instance: iconv -f utf-16 -t utf-8 OLD > NEW" if wide else hint,
            ) from error


def parse_json(text: str) -> Any:
    """A JSON value.

    Raises:
        ValueError: It is broken, an object has a key twice, or it holds half of a surrogate pair, which is no text: no
            tokenizer takes it.
        RecursionError: It is nested too deeply.
    """
    value = json.loads(text, object_pairs_hook=_unique)
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError("half of a surrogate pair is no character") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key `{next(key for key in keys if keys.count(key) > 1)}` is there twice")
    return value
