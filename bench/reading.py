"""Reading files: paths as users write them, text in UTF-8 by lines, strict JSON."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from bench.errors import BenchError
from bench.paths import unreadable
from bench.regular import MOST_TEXT, open_regular, read_bytes, size_text

# Bytes of a line of text, ends included: longer ones are no rows of a table.
MOST_LINE = 100_000_000
SAVE_AS_UTF8 = "save the file as UTF-8, for instance: iconv -f latin1 -t utf-8 OLD > NEW"


def user_path(text: str) -> Path:
    """A path as a user wrote it, with `~` expanded where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """A UTF-8 text file of at most `most` bytes (a byte order mark is dropped).

    Raises:
        BenchError: No such file, no permission, no regular file, larger, or bytes that are not UTF-8 (with the line).
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        # Line by line, for the message.
        return "".join(_lines(path, most))


def _lines(path: Path, most: int) -> Iterator[str]:
    try:
        with open_regular(path, most) as handle:
            yield from text_lines(handle, str(path))
    except FileNotFoundError as error:
        raise BenchError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise unreadable(path, error) from error


def text_lines(handle: BinaryIO, name: str, encoding: str = "utf-8", hint: str = SAVE_AS_UTF8) -> Iterator[str]:
    """The lines of a text file with their ends, one at a time: a corpus may be larger than memory.

    Only a newline ends a line: JSON text may hold U+2028 and its like, which str.splitlines would cut.

    Args:
        handle: The file, opened for bytes.
        name: What messages call it.
        encoding: One in which a newline is the byte 0x0A.
        hint: What to do about bytes of another encoding.

    Raises:
        BenchError: Bytes of another encoding, or a line of more than MOST_LINE bytes, with the line.
    """
    for number, raw in enumerate(iter(partial(handle.readline, MOST_LINE + 1), b""), 1):
        if len(raw) > MOST_LINE:
            raise BenchError(
                f"a line of more than {size_text(MOST_LINE)}, the most that is read of one",
                where=f"{name}, line {number}",
                hint="end every row with a newline",
            )
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
