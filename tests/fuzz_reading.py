"""Mutated data files: read as a plain parser reads them, or refused; never a traceback, and never a hang.

    python tests/fuzz_reading.py --count 20000 --seed 1

writes small tasks in every layout and format, changes some bytes of a file, and reads the task. What is read without an
error and without a note that the task had none of before must be what the plain parser below reads: it knows how the
file was written, and nothing else of the program. Prints how many files were read and refused, and each fault.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import re
import signal
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from written_tasks import (
    COMPRESSIONS,
    FORMATS,
    Content,
    Dialect,
    beir,
    drawn_content,
    drawn_pairs,
    ms_marco,
    packed,
    pair_content,
    pairs,
    read,
    table,
    trec,
)

from bench.errors import BenchError
from bench.tasks.card import TaskCard

Rows = list[dict[str, Any]]
# No file here takes a tenth of this.
SECONDS = 20


class PlainError(Exception):
    """The plain parser cannot read a file."""


@dataclass(frozen=True)
class Written:
    """A task on disk, and how a plain parser reads it.

    Attributes:
        name: What it is called.
        card: Its card.
        files: Its files.
        parse: Its fingerprints by the plain parser: one for each way in which its files can be read.
    """

    name: str
    card: TaskCard
    files: list[Path]
    parse: Callable[[], set[str]]


# --- a plain parser ---


def _content(path: Path) -> bytes:
    try:
        return _unpacked(path.read_bytes(), path.suffix)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise PlainError from error


def _unpacked(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.decompress(content)
    return pa.CompressedInputStream(pa.BufferReader(content), "zstd").read() if suffix == ".zst" else content


def _text(path: Path) -> str:
    try:
        return _content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlainError from error


def _lines(path: Path) -> list[list[str]]:
    """Rows of cells with tabs between them, without quoting."""
    lines = [line.removesuffix("\r") for line in _text(path).split("\n")]
    if any("\r" in line for line in lines):
        raise PlainError
    return [line.split("\t") for line in lines if line.strip()]


def _tables(path: Path) -> list[Rows]:
    """The rows of a file with named columns, in each way in which delimited text can be read."""
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    if kind == "parquet":
        try:
            return [pq.read_table(io.BytesIO(_content(path))).to_pylist()]
        except Exception as error:
            raise PlainError from error
    if kind in {"json", "jsonl"}:
        text = _text(path)
        try:
            array = kind == "json" and text.lstrip().startswith("[")
            values = json.loads(text) if array else [json.loads(line) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError) as error:
            raise PlainError from error
        if not all(isinstance(value, dict) for value in values):
            raise PlainError
        return [values]
    found = []
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        for delimiter in ",;\t|":
            try:
                rows = [row for row in csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter,
                        quoting=quoting, strict=True) if row and (len(row) > 1 or row[0].strip())]  # fmt: skip
            except csv.Error:
                continue
            if rows and len({len(row) for row in rows}) == 1:
                heading = [cell.strip() for cell in rows[0]]
                found.append([dict(zip(heading, row, strict=True)) for row in rows[1:]])
    return found


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value in {"", None}:
        raise PlainError
    return value if isinstance(value, str) else str(int(value))


def _label(value: Any) -> int | None:
    """A label; None where there is none."""
    if value is None or (isinstance(value, str) and not value.strip()) or value != value:
        return None
    if str(value).strip().lower() in {"true", "false", "yes", "no"}:
        return int(str(value).strip().lower() in {"true", "yes"})
    try:
        number = float(str(value).replace(",", "."))
    except ValueError as error:
        raise PlainError from error
    if number != int(number):
        raise PlainError
    return int(number)


def _first(row: dict[str, Any], *names: str) -> Any:
    plain = {re.sub(r"[\s.-]+", "_", key.strip()).lower(): key for key in reversed(row)}
    return next((row[plain[name]] for name in names if name in plain), None)


def _judged(labels: list[tuple[Any, Any, Any]]) -> list[tuple[str, str, int]]:
    """Judgements by id, without those of queries that are not scored."""
    found = [(_id(query), _id(document), _label(label)) for query, document, label in labels]
    open_ = {query for query, _, label in found if label is None}
    answered = {query for query, _, label in found if label is not None and label > 0}
    kept = {(q, d, label) for q, d, label in found if label is not None and (q in answered or q not in open_)}
    if len({(q, d) for q, d, _ in kept}) < len(kept):
        raise PlainError
    return sorted(kept)


def _retrieval(documents: Any, queries: Any, labels: Any) -> str | None:
    try:
        content = Content(
            {_id(name): f"{title or ''} {text}" for name, title, text in documents},
            {_id(name): text for name, text in queries},
            _judged(labels),
        )
        return content.data().fingerprint()
    except (PlainError, KeyError, ValueError, TypeError, BenchError):
        return None


# Names that a mutation can make of the written ones.
_JUDGED = (("query_id", "qid", "q_id"), ("corpus_id", "did"), ("score",))


def _of_folder(paths: list[Path]) -> set[str]:
    """A folder of three tables, whose judgements, and in TSV whose texts, may also have no heading."""
    corpus, asked, judged = ([_columns(rows) for rows in _tables(path)] for path in paths)
    documents = [[(i, _first(row, "title"), t) for i, t, row in rows] for rows in corpus]
    queries = [[(i, t) for i, t, _ in rows] for rows in asked]
    labels = [[tuple(_first(r, *names) for names in _JUDGED) for _, _, r in t] for t in judged]
    if ".csv" in paths[0].name:
        lines = [line.strip("\r").split(",") for line in _text(paths[2]).split("\n") if line.strip()]
        labels.append([(cells[0], cells[-2], cells[-1]) for cells in lines if len(cells) in {3, 4}])
    if ".tsv" in paths[0].name:
        documents.append(_unnamed_texts(paths[0]))
        queries.append([(name, text) for name, _, text in _unnamed_texts(paths[1])])
        labels.append(_unnamed_labels(paths[2]))
    return {f for d in documents for q in queries for j in labels if (f := _retrieval(d, q, j))}


def _columns(rows: Rows) -> list[tuple[Any, Any, dict[str, Any]]]:
    return [(_first(row, "_id", "id"), _first(row, "text"), row) for row in rows]


def _unnamed_texts(path: Path) -> list[tuple[str, str, str]]:
    return [(cells[0], "", "\t".join(cells[1:])) for cells in _lines(path)]


def _unnamed_labels(path: Path) -> list[tuple[str, str, str]]:
    lines = [line for line in _text(path).split("\n") if line.strip()]
    # A cell of two quotes alone is empty.
    lines = [re.sub(r'(?<![^\t])""(?![^\t\r])', "", line) for line in lines]
    rows = [line.removesuffix("\r").split("\t") for line in lines]
    rows = rows if lines and "\t" in lines[0] else [line.split() for line in lines]
    return [(cells[0], cells[-2], cells[-1]) for cells in rows if len(cells) in {3, 4}]


def _unnamed(corpus: Path, topics: Path, qrels: Path) -> set[str]:
    if "jsonl" in corpus.name:
        documents = [(_first(row, "_id"), row.get("title"), _first(row, "text")) for row in _tables(corpus)[0]]
    else:
        documents = _unnamed_texts(corpus)
    queries = [(name, text) for name, _, text in _unnamed_texts(topics)]
    found = _retrieval(documents, queries, _unnamed_labels(qrels))
    return {found} if found else set()


def _of_table(path: Path) -> set[str]:
    found = set()
    for rows in _tables(path):
        labels = [(row.get("qid"), row.get("did"), row.get("relevance")) for row in rows]
        documents = dict.fromkeys((row.get("did"), None, row.get("document")) for row in rows)
        queries = dict.fromkeys((row.get("qid"), row.get("query")) for row in rows)
        try:
            unique = len({_id(name) for name, _, _ in documents}) == len({(_id(n), t.strip()) for n, _, t in documents})
            alone = len({_id(name) for name, _ in queries}) == len({(_id(n), t) for n, t in queries})
        except (PlainError, TypeError, AttributeError):
            continue
        if unique and alone and (one := _retrieval(documents, queries, labels)):
            found.add(one)
    return found


def _of_pairs(path: Path) -> set[str]:
    found = set()
    for rows in _tables(path):
        try:
            values = [(row["sentence1"], row["sentence2"], float(str(row["score"]).replace(",", "."))) for row in rows]
            found.add(pair_content(values).fingerprint())
        except (KeyError, ValueError, TypeError, AttributeError, BenchError):
            continue
    return found


# --- tasks ---


def written_tasks(folder: Path, seed: int) -> Iterator[Written]:
    """Tasks in every layout and format, each in a folder of its own."""
    content, scored = drawn_content(seed), drawn_pairs(seed)
    for kind in FORMATS:
        for packing in COMPRESSIONS:
            own = folder / f"beir-{kind}{packing}"
            card = beir(own, content, (kind,) * 3, packing=packing)
            names = [own / f"{name}.{kind}{packing}" for name in ("corpus", "queries", "qrels/test")]
            yield Written(own.name, card, names, lambda paths=names: _of_folder(paths))
            for dialect in [Dialect(), *([Dialect(quoting="all"), Dialect(";", "none")] if kind == "csv" else [])]:
                own = folder / f"table-{kind}{packing}-{dialect.quoting}"
                path = own / f"test.{kind}{packing}"
                card = table(own, content, f"{kind}{packing}", dialect=dialect)
                yield Written(own.name, card, [path], lambda path=path: _of_table(path))
                own = folder / f"pairs-{kind}{packing}-{dialect.quoting}"
                path = own / f"test.{kind}{packing}"
                card = pairs(own, scored, f"{kind}{packing}", dialect)
                yield Written(own.name, card, [path], lambda path=path: _of_pairs(path))
    for packing in COMPRESSIONS:
        own = folder / f"trec{packing}"
        card = trec(own, content, packing=packing)
        names = [own / f"{name}{packing}" for name in ("corpus.jsonl", "topics.tsv", "qrels.test.txt")]
        yield Written(own.name, card, names, lambda names=names: _unnamed(*names))
        own = folder / f"marco{packing}"
        card = ms_marco(own, content, packing=packing)
        names = [own / f"{name}{packing}" for name in ("collection.tsv", "queries.dev.tsv", "qrels.dev.tsv")]
        yield Written(own.name, card, names, lambda names=names: _unnamed(*names))


# --- mutations ---

_PIECES = [
    b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b" ", b"\x00", b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\\",
    b"{", b"}", b"[", b"]", b"null", b"NaN", b"1e9", b"0.5", b"1_0", b"-1", b"1;", b"#", b'""', b"\xe2\x80\xa8",
    b"\xd9\xa1", b"true",
]  # fmt: skip


def mutated(content: bytes, suffix: str, rng: np.random.Generator) -> bytes:
    """A file with one to three changes, most of them to what is compressed in it."""
    if suffix in COMPRESSIONS and rng.random() < 0.8:
        inner = _unpacked(content, suffix)
        return packed(mutated(inner, "", rng), suffix)
    for _ in range(int(rng.integers(1, 4))):
        content = _CHANGES[rng.integers(len(_CHANGES))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content) + 1))


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    place = min(_place(content, rng), max(len(content) - 1, 0))
    return content[:place] + bytes([content[place] ^ (1 << rng.integers(8))]) + content[place + 1 :] if content else b""


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    return content[:place] + content[place + int(rng.integers(1, 8)) :]


def _end(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    return content[:place] + _PIECES[rng.integers(len(_PIECES))] + content[place:]


def _line(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave a line out, write one twice, or exchange two."""
    lines = content.split(b"\n")
    one, other = (int(rng.integers(len(lines))) for _ in range(2))
    match rng.integers(3):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case _:
            lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _cell(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace what is between two delimiters."""
    places = [n for n, byte in enumerate(content) if byte in b",;\t:\n "]
    if len(places) < 2:
        return content
    start = int(rng.integers(len(places) - 1))
    piece = _PIECES[rng.integers(len(_PIECES))]
    return content[: places[start] + 1] + piece + content[places[start + 1] :]


_CHANGES = [_flip, _cut, _end, _insert, _line, _cell]


# --- the run ---


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(task: Written, rng: np.random.Generator) -> str:
    """Change one file of a task and read it; the file is put back.

    Returns:
        read, refused or noted.

    Raises:
        AssertionError: It was read as something that the plain parser does not read.
    """
    path = task.files[rng.integers(len(task.files))]
    before = path.read_bytes()
    changed = mutated(before, path.suffix, rng)
    path.write_bytes(changed)
    try:
        with _limit(SECONDS):
            data = read(path.parents[1] if path.parent.name == "qrels" else path.parent, task.card)
    except BenchError as error:
        assert error.where, error
        return "refused"
    else:
        if data.notes:
            return "noted"
        try:
            expected = task.parse()
        except PlainError:
            expected = set()
        if data.fingerprint() not in expected:
            raise AssertionError(f"read otherwise than by the plain parser: {changed!r}")
        return "read"
    finally:
        path.write_bytes(before)


def run(count: int, seed: int, report: Callable[[str], None] = print) -> tuple[Counter[str], int]:
    """Mutate and read so many files; returns how many came out how, and how many faults there were."""
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        tasks = list(written_tasks(Path(folder), seed))
        for task in tasks:
            if task.parse() != {read(task.files[0].parent, task.card).fingerprint()} and len(task.parse()) != 2:
                raise AssertionError(f"{task.name}: the plain parser reads another task")
        for number in range(count):
            task = tasks[number % len(tasks)]
            try:
                found[check(task, rng)] += 1
            except Exception as error:
                faults += 1
                last = traceback.format_exception(error)[-3:]
                report(f"{task.name}, try {number} of seed {seed}: {''.join(last)}")
    return found, faults


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found, faults = run(options.count, options.seed)
    print(", ".join(f"{name}: {number:,}" for name, number in sorted(found.items())), f"faults: {faults:,}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
