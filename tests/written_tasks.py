"""Small tasks written in every layout, format, dialect, encoding and compression that is read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.tasks.card import TaskCard
from bench.tasks.data import PairData, RetrievalData, make_retrieval
from bench.tasks.layouts import TaskData, read_data
from bench.tasks.pairs import make_pairs

Rows = list[dict[str, Any]]
FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")
COMPRESSIONS = ("", ".gz", ".zst")


@dataclass(frozen=True)
class Dialect:
    """How delimited text is written.

    Attributes:
        delimiter: Between cells; by default a comma, in TSV a tab.
        quoting: minimal, all or none.
        encoding: Of the text.
        end: The end of a line.
        first: A line before the heading.
        decimal: Before the fraction of numbers.
    """

    delimiter: str | None = None
    quoting: str = "minimal"
    encoding: str = "utf-8"
    end: str = "\n"
    first: str = ""
    decimal: str = "."


PLAIN = Dialect()
_QUOTING = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL}


def write_table(path: Path, rows: Rows, dialect: Dialect = PLAIN) -> Path:
    """Write rows as the name of a file says: its format and compression."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    kind = name.rpartition(".")[2]
    if kind == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        content = sink.getvalue()
    elif kind == "jsonl":
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(dialect.encoding)
    elif kind == "json":
        content = json.dumps(rows, ensure_ascii=False, indent=1).encode(dialect.encoding)
    else:
        table = [list(rows[0]), *([row.get(key) for key in rows[0]] for row in rows)]
        mark = dialect.delimiter or ("\t" if kind == "tsv" else ",")
        content = delimited(table, mark, dialect).encode(dialect.encoding)
    path.write_bytes(packed(content, path.suffix))
    return path


def delimited(table: Iterable[Sequence[Any]], mark: str, dialect: Dialect = PLAIN) -> str:
    """Delimited text."""
    cells = [[_cell(value, dialect.decimal) for value in row] for row in table]
    if dialect.quoting == "none":
        lines = [mark.join(row) for row in cells]
        return dialect.first + "".join(line + dialect.end for line in lines)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark, quoting=_QUOTING[dialect.quoting], lineterminator=dialect.end)
    writer.writerows(cells)
    return dialect.first + out.getvalue()


def _cell(value: Any, decimal: str) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return text.replace(".", decimal) if isinstance(value, float) else text


def packed(content: bytes, suffix: str) -> bytes:
    """Content as a file of a name is stored."""
    if suffix == ".gz":
        return gzip.compress(content, mtime=0)
    if suffix == ".zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(content)
        return sink.getvalue().to_pybytes()
    return content


@dataclass(frozen=True)
class Content:
    """What a retrieval task holds, whatever it is written as.

    Attributes:
        documents: Texts by id.
        queries: Texts by id.
        labels: Query, document and label.
    """

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    labels: Sequence[tuple[str, str, int]]

    def data(self) -> RetrievalData:
        """The task in memory."""
        asked = list(dict.fromkeys(query for query, _, _ in self.labels))
        rows = {name: row for row, name in enumerate(self.documents)}
        positive = [(asked.index(q), rows[d], label) for q, d, label in self.labels if label > 0]
        texts = [text.strip() for text in self.documents.values()]
        return make_retrieval(
            (list(self.documents), texts), (asked, [self.queries[name] for name in asked]), positive, "here"
        )


def beir(
    folder: Path,
    content: Content,
    kinds: Sequence[str] = ("jsonl", "jsonl", "tsv"),
    *,
    packing: str = "",
    dialect: Dialect = PLAIN,
    ids: Callable[[str], Any] = str,
) -> TaskCard:
    """A folder of three tables, each in a format of its own."""
    corpus = [{"_id": ids(name), "title": "", "text": text} for name, text in content.documents.items()]
    queries = [{"_id": ids(name), "text": text} for name, text in content.queries.items()]
    labels = [{"query-id": ids(q), "corpus-id": ids(d), "score": label} for q, d, label in content.labels]
    for name, rows, kind in zip(("corpus", "queries", "qrels/test"), (corpus, queries, labels), kinds, strict=True):
        write_table(folder / f"{name}.{kind}{packing}", rows, dialect)
    return TaskCard(name="x", type="retrieval")


def trec(folder: Path, content: Content, *, packing: str = "", between: str = " ") -> TaskCard:
    """BEIR's corpus with TREC's topics and judgements."""
    corpus = [{"_id": name, "text": text} for name, text in content.documents.items()]
    write_table(folder / f"corpus.jsonl{packing}", corpus)
    write_lines(folder / f"topics.tsv{packing}", ("\t".join(item) for item in content.queries.items()))
    lines = (between.join((q, "0", d, str(label))) for q, d, label in content.labels)
    write_lines(folder / f"qrels.test.txt{packing}", lines)
    return TaskCard(name="x", type="retrieval")


def ms_marco(folder: Path, content: Content, *, packing: str = "") -> TaskCard:
    """MS MARCO's files, which have no headings."""
    write_lines(folder / f"collection.tsv{packing}", ("\t".join(item) for item in content.documents.items()))
    write_lines(folder / f"queries.dev.tsv{packing}", ("\t".join(item) for item in content.queries.items()))
    lines = ("\t".join((q, "0", d, str(label))) for q, d, label in content.labels)
    write_lines(folder / f"qrels.dev.tsv{packing}", lines)
    return TaskCard(name="x", type="retrieval", splits=["dev"])


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write lines, compressed as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed("".join(line + "\n" for line in lines).encode(), path.suffix))
    return path


def table(
    folder: Path,
    content: Content,
    kind: str,
    *,
    dialect: Dialect = PLAIN,
    ids: Callable[[str], Any] = str,
    **section: Any,
) -> TaskCard:
    """One table of all judgements, whose documents are those that are judged."""
    rows = [
        {
            "qid": ids(q), "query": content.queries[q], "did": ids(d), "document": content.documents[d],
            "relevance": label,
        }
        for q, d, label in content.labels
    ]  # fmt: skip
    write_table(folder / f"test.{kind}", rows, dialect)
    columns = {"query_id": "qid", "document_id": "did"}
    files = {"test": f"test.{kind}"}
    return TaskCard.model_validate(
        {
            "name": "x",
            "type": "retrieval",
            "table": {"shape": "relevance", "files": files, "columns": columns, **section},
        }
    )


def articles(
    folder: Path,
    content: Content,
    kinds: Sequence[str],
    *,
    dialect: Dialect = PLAIN,
    ids: Sequence[Callable[[str], Any]] = (str, str),
    **section: Any,
) -> TaskCard:
    """A table of all documents and one of judgements that name them, each in a format and with ids of its own."""
    texts = [{"nr": ids[0](name), "text": text} for name, text in content.documents.items()]
    rows = [
        {"qid": q, "query": content.queries[q], "article": ids[1](d), "relevance": label}
        for q, d, label in content.labels
    ]
    write_table(folder / f"articles.{kinds[0]}", texts, dialect)
    write_table(folder / f"clicks.{kinds[1]}", rows, dialect)
    join = {"files": f"articles.{kinds[0]}", "on": {"article": "nr"}, "searched": "all"}
    table = {
        "shape": "relevance",
        "files": {"test": f"clicks.{kinds[1]}"},
        "columns": {"query_id": "qid", "document": "text"},
        "join": {**join, **{key: value for key, value in section.items() if key == "encoding"}},
        **section,
    }
    return TaskCard.model_validate({"name": "x", "type": "retrieval", "table": table})


def pairs(folder: Path, rows: Sequence[tuple[str, str, float]], kind: str, dialect: Dialect = PLAIN) -> TaskCard:
    """A file of scored pairs."""
    objects = [{"sentence1": a, "sentence2": b, "score": score} for a, b, score in rows]
    write_table(folder / f"test.{kind}", objects, dialect)
    return TaskCard(name="x", type="sts")


def pair_content(rows: Sequence[tuple[str, str, float]]) -> PairData:
    """Scored pairs in memory."""
    return make_pairs([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], "here")


def read(folder: Path, card: TaskCard) -> TaskData:
    """Read a written task."""
    return read_data(card, folder, card.splits[0], "default")


@dataclass
class Words:
    """Draws texts of plain words, no two of which are the same."""

    rng: np.random.Generator
    count: int = field(default=0)

    def text(self) -> str:
        """A new text."""
        self.count += 1
        words = "red blue pipe saw lamp door nail wire hinge valve".split()
        return f"{' '.join(self.rng.choice(words, self.rng.integers(2, 6)))} {self.count}"


def drawn_content(seed: int, documents: int = 6, queries: int = 4) -> Content:
    """A small retrieval task whose ids are whole numbers and in which each query has a relevant document."""
    words = Words(np.random.default_rng(seed))
    texts = {str(10 + n): words.text() for n in range(documents)}
    asked = {str(n + 1): f"{words.text()}?" for n in range(queries)}
    labels = [
        (query, document, int(label))
        for n, query in enumerate(asked)
        for document, label in zip(list(texts)[n : n + 3], (1, 0, 2), strict=False)
    ]
    return Content(texts, asked, labels)


def drawn_pairs(seed: int, count: int = 8) -> list[tuple[str, str, float]]:
    """Scored pairs of plain words."""
    words = Words(np.random.default_rng(seed))
    return [(words.text(), words.text(), n / 2) for n in range(count)]
