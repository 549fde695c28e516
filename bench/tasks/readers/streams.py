"""The content of a data file: decompressed, and as lines of text in whatever encoding it is in."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from bench.errors import BenchError
from bench.reading import SAVE_AS_UTF8, text_lines
from bench.regular import size_text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from bench.tasks.readers.files import DataFile

UTF8 = ("utf-8",)
# Bytes of JSON arrays, of UTF-16 and UTF-32, and of compressed Parquet.
MOST_WHOLE = 2_000_000_000

_BLOCK = 1 << 20
# Texts are packed to a tenth or so, tables of judgements to a fiftieth; a bomb goes beyond both of these.
_UNPACKED = 1_000_000_000
_RATIO = 200
_HINT = f"say what it is, `encoding: latin-1` in the card's `table` or --encoding latin-1; or {SAVE_AS_UTF8}"
# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
# What begins a file that is no text, and what it is.
_SIGNATURES = (
    (b"\x1f\x8b", "compressed with gzip: end its name in .gz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: end its name in .zst"),
    (b"BZh", "compressed with bzip2: decompress it with bunzip2"),
    (b"\xfd7zXZ", "compressed with xz: decompress it with unxz"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet: unpack it, or save it as CSV"),
    (b"PAR1", "Parquet: end its name in .parquet"),
    (b"ARROW1", "an Arrow file: write it as Parquet"),
    (b"SQLite format 3", "a database: export the table as CSV"),
    (b"%PDF", "a PDF: write its rows as CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS: fetch the file itself with git lfs pull"),
)


@contextmanager
def opened(file: DataFile) -> Iterator[BinaryIO]:
    """A file's content, decompressed.

    Raises:
        BenchError: The file is not there, cannot be read, or its compression is broken.
    """
    try:
        with file.open() as raw:
            compression = file.parts.compression
            yield raw if compression is None else io.BufferedReader(_Unpacked(raw, compression, file.where), _BLOCK)
    except FileNotFoundError as error:
        raise BenchError("no such file", where=file.where, hint="check the path") from error
    except OSError as error:
        raise BenchError(f"cannot read: {error.strerror or error}", where=file.where) from error


class _Unpacked(io.RawIOBase):
    """A decompressed stream whose faults are a user's errors."""

    def __init__(self, raw: BinaryIO, compression: str, where: str) -> None:
        self.compression = compression
        self.where = where
        self.raw = raw
        self.given = 0
        if compression == "gzip":
            self.source = gzip.GzipFile(fileobj=raw)
        else:
            import pyarrow as pa

            self.source = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            content = self.source.read(len(view))
        except (OSError, EOFError, zlib.error) as error:
            raise BenchError(
                f"broken {self.compression}: {error}",
                where=self.where,
                hint="was it downloaded or written to its end? decompress it to see",
            ) from error
        view[: len(content)] = content
        self.given += len(content)
        if self.given > _UNPACKED and self.given > _RATIO * max(self.raw.tell(), 1):
            raise BenchError(
                f"{self.compression} that unpacks to more than {size_text(_UNPACKED)} and {_RATIO} times its size: "
                "no table of texts does",
                where=self.where,
                hint="decompress it yourself if you trust it, and name the file",
            )
        return len(content)


def read_whole(handle: BinaryIO, where: str) -> bytes:
    """All that a file holds, of one that can only be read whole.

    Raises:
        BenchError: More than MOST_WHOLE bytes.
    """
    content = handle.read(MOST_WHOLE + 1)
    if len(content) > MOST_WHOLE:
        raise BenchError(
            f"more than {size_text(MOST_WHOLE)}, the most that is read of a file that has to be read whole",
            where=where,
            hint="write it as JSON Lines or CSV in UTF-8, or as Parquet without .gz or .zst",
        )
    return content


def read_lines(file: DataFile, encodings: Sequence[str] = UTF8) -> Iterator[str]:
    """The lines of a text file with their ends; only a newline ends a line.

    A byte order mark says the encoding, and so do the zeros of UTF-16 and UTF-32; else the first of `encodings` counts
    that the whole file can be read in. No line begins with a byte order mark.

    Raises:
        BenchError: The file cannot be read, or is no text, with the line.
    """
    encoding = encoding_of(file, encodings)
    with opened(file) as handle:
        if encoding.startswith(("utf-16", "utf-32")):
            yield from _wide_lines(handle, file.where, encoding)
        else:
            _check_text(handle, file)
            hint = _HINT if file.parts.format in {"csv", "tsv"} else SAVE_AS_UTF8
            yield from text_lines(handle, file.where, encoding, hint)


def encoding_of(file: DataFile, encodings: Sequence[str] = UTF8) -> str:
    """The encoding of a text file (see read_lines)."""
    with opened(file) as handle:
        start = handle.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    zeros = tuple(byte == 0 for byte in start)
    wide: dict[tuple[bool, ...], str] = {
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
    }
    return wide.get(zeros) or _fitting(file, encodings)


def _fitting(file: DataFile, encodings: Sequence[str]) -> str:
    """The first encoding that a whole file can be read in, else the last."""
    for encoding in encodings[:-1]:
        decoder = codecs.getincrementaldecoder(encoding)()
        with opened(file) as handle:
            try:
                while block := handle.read(_BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            else:
                return encoding
    return encodings[-1]


def _check_text(handle: BinaryIO, file: DataFile) -> None:
    """Refuse what its first bytes show to be no text; the file is left at its start."""
    start = handle.peek(16) if isinstance(handle, io.BufferedReader) else handle.read(16)
    if not isinstance(handle, io.BufferedReader):
        handle.seek(0)
    for signature, found in _SIGNATURES:
        if start.startswith(signature):
            raise BenchError(f"this is {found.partition(':')[0]}", where=file.where, hint=found.partition(": ")[2])


def _wide_lines(handle: BinaryIO, where: str, encoding: str) -> Iterator[str]:
    raw = read_whole(handle, where)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].decode(encoding).count("\n") + 1
        raise BenchError(
            f"these bytes are not {encoding.upper()}: {error.reason}",
            where=f"{where}, line {line}",
            hint="was the file written to its end? save it as UTF-8",
        ) from error
    yield from io.StringIO(text.removeprefix("\ufeff"), newline="\n")
