"""What the name of a data file says: its format, its compression, and which part of a table it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "text"]
Compression = Literal["gzip", "zstd"]

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    # TREC's files: columns without names.
    ".txt": "text",
    ".qrels": "text",
    ".trec": "text",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_TEXT = ".txt .qrels .trec".split()
# What a table can be read from.
SUFFIXES = tuple(suffix for suffix in _FORMATS if suffix not in _TEXT)

# How the Hub and Spark name the parts of a table: test-00000-of-00002, at times with a hash behind it.
_PART = re.compile(r"[-_](\d{1,6})-of-(\d{1,6})(?:-[0-9a-f]{8,40})?$")

_SPREADSHEET = 'save it as "CSV UTF-8" in the spreadsheet program'
_ARROW = "read it with pyarrow.feather.read_table and write it with pyarrow.parquet.write_table"
_PICKLE = "loading it could run code, so bench does not; write the rows as JSON Lines with the program that made it"
_PLAIN = "write its rows as CSV, JSON Lines or Parquet, for instance with pandas"
# Formats that are not read, and what turns them into one that is.
_FOREIGN: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), ("a spreadsheet", _SPREADSHEET)),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), ("an Arrow file", _ARROW)),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".joblib"), ("a pickle", _PICKLE)),
    ".pklz4": (
        "ir_datasets' pickled documents",
        "export them: ir_datasets export NAME docs --format jsonl --out corpus.jsonl",
    ),
    ".bz2": ("compressed with bzip2", "decompress it: bunzip2 FILE"),
    **dict.fromkeys((".xz", ".lzma"), ("compressed with xz", "decompress it: unxz FILE")),
    ".lz4": ("compressed with lz4", "decompress it: unlz4 FILE"),
    ".br": ("compressed with brotli", "decompress it: brotli -d FILE"),
    ".zip": ("a zip archive", "unpack it: unzip FILE"),
    **dict.fromkeys((".tar", ".tgz"), ("a tar archive", "unpack it: tar -xf FILE")),
    **dict.fromkeys((".7z", ".rar"), ("an archive", "unpack it")),
    **dict.fromkeys(
        (".db", ".sqlite", ".sqlite3", ".duckdb"),
        ("a database", 'export the table: sqlite3 -header -csv FILE "SELECT * FROM NAME" > NAME.csv'),
    ),
    **dict.fromkeys((".sgml", ".xml"), ("marked-up text", "write an id and a text in each line, with a tab between")),
    **dict.fromkeys(".orc .avro .h5 .hdf5 .npy .npz .sav .dta .rds".split(), ("a binary file", _PLAIN)),
    **dict.fromkeys((".yaml", ".yml", ".html", ".md", ".docx", ".pdf"), ("a document", _PLAIN)),
}


@dataclass(frozen=True)
class FileName:
    """The parts of a file's name.

    Attributes:
        stem: The name, with its folders, without part, format and compression: `data/test`.
        format: The format, None where it is none that is read.
        compression: How the content is compressed.
        part: Which part of how many, as they are numbered, None for a whole file.
        suffix: The end of the name that says format and compression: `.csv.gz`.
    """

    stem: str
    format: Format | None
    compression: Compression | None
    part: tuple[int, int] | None
    suffix: str

    @classmethod
    def of(cls, name: str) -> FileName:
        """The parts of a name; suffixes count in any case."""
        path = PurePosixPath(name)
        compression = _COMPRESSIONS.get(path.suffix.lower())
        if compression is not None:
            path = path.with_suffix("")
        kind = _FORMATS.get(path.suffix.lower())
        if kind is not None:
            path = path.with_suffix("")
        stem = path.as_posix()
        suffix = name[len(stem) :]
        match = _PART.search(stem)
        if match is None:
            return cls(stem, kind, compression, None, suffix)
        return cls(stem[: match.start()], kind, compression, (int(match[1]), int(match[2])), suffix)

    @property
    def tabular(self) -> bool:
        """Whether the format has rows with names of columns."""
        return self.format is not None and self.format != "text"


def foreign(name: str) -> tuple[str, str] | None:
    """What a file in a format that is not read is, and how to convert it; None where the suffix is not known."""
    path = PurePosixPath(name)
    if path.suffix.lower() in _COMPRESSIONS and path.with_suffix("").suffix.lower() == ".tar":
        return _FOREIGN[".tar"]
    found = _FOREIGN.get(path.suffix.lower())
    return found and (found[0], found[1].replace("FILE", path.name))
