"""Reading a retrieval task from a BEIR folder: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import read_jsonl, read_text
from bench.tasks.data import NotHereError, RetrievalData, make_retrieval
from bench.tasks.pairs import is_number

_SHOWN = 3
_LARGEST_LABEL = 1_000_000


def splits_of(folder: Path) -> list[str]:
    """The splits that a BEIR folder has judgements for."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def is_beir(folder: Path) -> bool:
    """Whether a folder holds a retrieval task."""
    return (folder / "corpus.jsonl").exists() or (folder / "queries.jsonl").exists() or (folder / "qrels").is_dir()


def read_beir(
    folder: Path, split: str, *, ignore_identical_ids: bool = False, allow_empty: bool = False
) -> RetrievalData:
    """Read one split.

    Args:
        folder: The BEIR folder.
        split: Name of the file in qrels/.
        ignore_identical_ids: See RetrievalData.
        allow_empty: Whether texts may be empty.

    Raises:
        BenchError: A file is missing or broken (with its line), an id stands twice, a text is empty, a
            judgement names an unknown query or document, or no document is relevant to any query.
    """
    documents = _read_texts(folder / "corpus.jsonl", "document", allow_empty=allow_empty, titled=True)
    queries = _read_texts(folder / "queries.jsonl", "query", allow_empty=allow_empty, titled=False)
    labels = _read_qrels(folder, split)
    path = folder / "qrels" / f"{split}.tsv"
    _check_known(path, "query", [key[0] for key in labels], queries)
    _check_known(path, "document", [key[1] for key in labels], documents)

    judged = dict.fromkeys(query for query, _ in labels)
    query_rows = {query: row for row, query in enumerate(judged)}
    document_rows = {document: row for row, document in enumerate(documents)}
    positive = [
        (query_rows[query], document_rows[document], gain) for (query, document), gain in labels.items() if gain > 0
    ]
    return make_retrieval(
        (list(documents), list(documents.values())),
        (list(judged), [queries[query] for query in judged]),
        positive,
        str(path),
        ignore_identical_ids=ignore_identical_ids,
        irrelevant=len(labels) - len(positive),
    )


def _read_texts(path: Path, what: str, *, allow_empty: bool, titled: bool) -> dict[str, str]:
    if not path.is_file():
        raise NotHereError(
            "no such file",
            where=str(path),
            hint="a retrieval task is a folder with corpus.jsonl, queries.jsonl and qrels/<split>.tsv",
        )
    texts: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in read_jsonl(path):
        where = f"{path}, line {line}"
        name = _identifier(row, where)
        if name in texts:
            raise BenchError(
                f"the {what} id `{name}` stands twice (first in line {lines[name]})",
                where=where,
                hint="ids must be unique",
            )
        text = _string(row, "text", where)
        if titled:
            text = f"{_string(row, 'title', where, default='')} {text}"
        text = text.strip()
        if not text and not allow_empty:
            raise BenchError(
                f"the {what} `{name}` has an empty text",
                where=where,
                hint="give it a text, remove it, or set `allow_empty: true` in the task card",
            )
        texts[name] = text
        lines[name] = line
    if not texts:
        raise BenchError(f"no {what} in the file", where=str(path))
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


def _read_qrels(folder: Path, split: str) -> dict[tuple[str, str], int]:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        known = ", ".join(splits_of(folder)) or "none"
        raise NotHereError(f"no judgements for the split `{split}`", where=str(path), hint=f"splits found: {known}")
    labels: dict[tuple[str, str], int] = {}
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
            raise BenchError(f"query `{query}` and document `{document}` have two different labels", where=where)
        labels[query, document] = gain
    if not labels:
        raise BenchError("no judgement in the file", where=str(path))
    return labels


def _check_known(path: Path, what: str, names: Sequence[str], known: dict[str, str]) -> None:
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        shown = ", ".join(f"`{name}`" for name in unknown[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
        file = "queries.jsonl" if what == "query" else "corpus.jsonl"
        plural = "queries" if what == "query" else "documents"
        raise BenchError(
            f"{len(unknown)} judged {plural} not in {file}: {shown}",
            where=str(path),
            hint=f"add them to {file} or remove their lines",
        )
