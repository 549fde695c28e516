"""Reading a retrieval task from a BEIR folder: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import read_jsonl, read_text
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.judged import make_judged
from bench.tasks.pairs import is_number
from bench.tasks.tolerance import Tolerance

_LARGEST_LABEL = 1_000_000


def splits_of(folder: Path) -> list[str]:
    """The splits that a BEIR folder has judgements for."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def is_beir(folder: Path) -> bool:
    """Whether a folder holds a retrieval task."""
    return (folder / "corpus.jsonl").exists() or (folder / "queries.jsonl").exists() or (folder / "qrels").is_dir()


def read_beir(
    folder: Path,
    split: str,
    *,
    ignore_identical_ids: bool = False,
    allow_empty: bool = False,
    strict: bool = False,
) -> RetrievalData:
    """Read one split.

    Args:
        folder: The BEIR folder.
        split: Name of the file in qrels/.
        ignore_identical_ids: See RetrievalData.
        allow_empty: Whether texts may be empty, however many.
        strict: Whether oddities that MTEB tolerates are refused, however few (bench.tasks.tolerance).

    Raises:
        BenchError: A file is missing or broken (with its line), an id stands for two texts, too many texts are empty,
            too many judgements name an unknown query or document, or no document is relevant to any query.
    """
    tolerance = Tolerance(strict)
    reader = _Texts(tolerance, allow_empty)
    documents = reader.read(folder / "corpus.jsonl", "document", "documents", titled=True)
    queries = reader.read(folder / "queries.jsonl", "query", "queries", titled=False)
    labels = _read_qrels(folder, split, tolerance)
    where = str(folder / "qrels" / f"{split}.tsv")
    return make_judged(documents, queries, labels, where, tolerance, ignore_identical_ids=ignore_identical_ids)


@dataclass(frozen=True)
class _Texts:
    """Reads texts under ids.

    Attributes:
        tolerance: Decides how many oddities are too many.
        allow_empty: Whether texts may be empty, however many.
    """

    tolerance: Tolerance
    allow_empty: bool

    def read(self, path: Path, what: str, several: str, *, titled: bool) -> dict[str, str]:
        """The texts of a file by id."""
        if not path.is_file():
            raise NotHereError(
                "no such file",
                where=str(path),
                hint="a retrieval task is a folder with corpus.jsonl, queries.jsonl and qrels/<split>.tsv",
            )
        texts: dict[str, str] = {}
        lines: dict[str, int] = {}
        empty: dict[str, str] = {}
        repeated: dict[str, str] = {}
        for line, row in read_jsonl(path):
            where = f"{path}, line {line}"
            name = _identifier(row, where)
            text = _string(row, "text", where)
            if titled:
                text = f"{_string(row, 'title', where, default='')} {text}"
            text = text.strip()
            if texts.get(name, text) != text:
                raise BenchError(
                    f"duplicate {what} id `{name}` with another text (first in line {lines[name]})",
                    where=where,
                    hint="ids must be unique",
                )
            if name in texts:
                repeated[name] = where
            elif not text:
                empty[name] = where
            texts[name] = text
            lines.setdefault(name, line)
        if not texts:
            raise BenchError(f"no {what} in the file", where=str(path))
        self.tolerance.take(
            list(repeated),
            len(texts),
            f"{what} ids are repeated with the same text",
            counts="each is one, as in MTEB",
            where=next(iter(repeated.values()), ""),
            hint="ids must be unique",
        )
        if not self.allow_empty:
            self.tolerance.take(
                list(empty),
                len(texts),
                f"{several} have an empty text",
                counts="they are encoded as they are, as in MTEB",
                where=next(iter(empty.values()), ""),
                hint="give them a text, remove them, or set `allow_empty: true` in the task card",
            )
        return texts


def _identifier(row: dict[str, Any], where: str) -> str:
    value = row.get("_id", row.get("id"))
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BenchError("the key `_id` is missing or not a string", where=where)
    return str(value)


def _string(row: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        found = "is missing" if value is None else f"must be a string, found {type(value).__name__}"
        raise BenchError(f"the key `{key}` {found}", where=where)
    return value


def _read_qrels(folder: Path, split: str, tolerance: Tolerance) -> dict[tuple[str, str], int]:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        known = ", ".join(splits_of(folder)) or "none"
        raise NotHereError(f"no judgements for the split `{split}`", where=str(path), hint=f"splits found: {known}")
    labels: dict[tuple[str, str], int] = {}
    contradicting: dict[str, str] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        where = f"{path}, line {number}"
        if len(cells) != 3:
            raise BenchError(
                f"expected 3 columns with tabs between them, found {len(cells)}",
                where=where,
                hint="query-id<TAB>corpus-id<TAB>score",
            )
        query, document, label = (cell.strip() for cell in cells)
        try:
            gain = int(label)
        except ValueError:
            if number == 1 and not is_number(label):
                continue
            raise BenchError(
                f"the label `{label[:20]}` is not a whole number", where=where, hint="0 is not relevant, 1 and up is"
            ) from None
        if abs(gain) > _LARGEST_LABEL:
            raise BenchError(f"the label {label[:20]} is too large", where=where, hint="labels are small whole numbers")
        if labels.get((query, document), gain) != gain:
            contradicting[f"{query} {document}"] = where
        labels[query, document] = gain
    if not labels:
        raise BenchError("no judgement in the file", where=str(path))
    tolerance.take(
        list(contradicting),
        len(labels),
        "pairs of query and document have two different labels",
        counts="the last one counts, as in MTEB",
        where=next(iter(contradicting.values()), ""),
        hint="keep one of the lines",
    )
    return labels
