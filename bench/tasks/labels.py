"""Labels beside a task's data: judgements that people added, merged over the data's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.files import digest_bytes
from bench.paths import path_exists
from bench.reading import user_path
from bench.tasks.data import RetrievalData, unanswered_note
from bench.tasks.readers.cells import identifier, plain_text
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import local_file
from bench.tasks.readers.labels import Judgement, LabelRule, judge
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import Row, columns_of, read_rows

COLUMNS = ("split", "subset", "query_id", "document_id", "label", "pair", "pool", "note")
# How files of labels are written; spreadsheets may save them with another delimiter.
WRITTEN = Format(quoting="standard")


@dataclass(frozen=True)
class Label:
    """How relevant a document is to a query, as a person says.

    Attributes:
        query: The query's id.
        document: The document's id.
        gain: The label; 0 and less is not relevant.
        pair: Identity of both texts (pair_digest); empty where it is not to be checked.
        pool: Which models' results the pair was chosen from; empty where that is not known.
        where: The file and line.
        note: What the person noted.
    """

    query: str
    document: str
    gain: int
    pair: str
    pool: str
    where: str
    note: str = ""


def pair_digest(query: str, document: str) -> str:
    """Identity of the texts that a label is about; no spreadsheet takes it for a number, since a letter begins it."""
    return "p" + digest_bytes(query.encode("utf-8", "surrogatepass"), document.encode("utf-8", "surrogatepass"))[:16]


def id_cell(name: str) -> str:
    """An id as a cell that spreadsheets neither run nor change: behind an apostrophe, unless a letter begins it."""
    return name if name[:1].isascii() and name[:1].isalpha() else f"'{name}"


def id_of_cell(cell: str) -> str:
    """The id in a cell that id_cell wrote."""
    return cell.removeprefix("'")


def read_labels(base: Path, files: Sequence[str], split: str, subset: str) -> list[Label]:
    """The labels of one split and subset; a pair without a label is passed over.

    Args:
        base: The folder that the files' names start from.
        files: CSV files with the columns COLUMNS.
        split: The split.
        subset: The subset.

    Raises:
        BenchError: A file is not there or broken, a label is no whole number, or a pair has two labels.
    """
    labels, rows = [], []
    for name in files:
        for row in _rows(base / user_path(name)):
            cells = row.cells
            if (cells["split"], cells["subset"]) == (split, subset):
                query, document = (id_of_cell(identifier(cells[key], key, row)) for key in ("query_id", "document_id"))
                rows.append(Judgement(query, document, cells["label"], row))
                texts = (plain_text(cells[key], key, row) for key in ("pair", "pool", "note"))
                labels.append((query, document, row.where, *texts))
    if not rows:
        return []
    gains = judge(rows, LabelRule()).gains
    unique = {(query, document): rest for query, document, *rest in labels if (query, document) in gains}
    return [Label(*key, gains[key], pair, pool, where, note) for key, (where, pair, pool, note) in unique.items()]


def _rows(path: Path) -> Iterator[Row]:
    if not path_exists(path):
        raise BenchError("no such file of labels", where=str(path), hint="check `labels` in the task's card")
    return read_cells(path, COLUMNS)


def read_cells(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The cells of some columns of a CSV file that write_csv wrote, or a spreadsheet after it.

    Raises:
        BenchError: It is no CSV, is broken, or lacks a column.
    """
    file = local_file(path)
    if file.parts.format != "csv":
        raise BenchError(
            "labels are read from CSV", where=str(path), hint="save the table as CSV; a form has a button for it"
        )
    found = columns_of(file, WRITTEN)
    missing = [column for column in columns if column not in found]
    if missing:
        raise BenchError(f"no column `{missing[0]}`", where=str(path), hint=listed_columns(found, missing[0]))
    return read_rows(file, lambda _: list(columns), WRITTEN)


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV that spreadsheets read as UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def with_labels(data: RetrievalData, labels: Sequence[Label]) -> RetrievalData:
    """The data with further judgements; notes say how many there are and what they were chosen from.

    Raises:
        BenchError: A label is of a query or document that is not there, of texts that have changed since, or another
            than the data's own; or no document is relevant to any query.
    """
    queries, documents = ({name: row for row, name in enumerate(ids)} for ids in (data.query_ids, data.document_ids))
    known = known_gains(data)
    positive: list[tuple[int, int, int]] = []
    rejected: list[tuple[int, int, int]] = []
    for label in labels:
        query, document = queries.get(label.query), documents.get(label.document)
        if query is None or document is None:
            raise BenchError(_unknown(label, query), where=label.where, hint="remove the row, or mend its id")
        if label.pair and label.pair != pair_digest(data.queries[query], data.documents[document]):
            raise BenchError(
                f"query `{label.query}` or document `{label.document}` has another text than when it was labelled",
                where=label.where,
                hint="label the pair again and remove this row, or empty its cell `pair` where the label still holds",
            )
        own = known.get((query, document))
        if own is None:
            (positive if label.gain > 0 else rejected).append((query, document, label.gain))
        elif own != max(label.gain, 0):
            raise BenchError(
                f"query `{label.query}` and document `{label.document}` have the label {label.gain}, "
                f"in the data {'0 or less' if own == 0 else own}",
                where=label.where,
                hint="remove the row, or mend the label in the data",
            )
    return _merged(data, labels, positive, rejected)


def known_gains(data: RetrievalData) -> dict[tuple[int, int], int]:
    """The labels of all judged pairs of the corpus, by query row and document row; 0 for 0 and less."""
    pairs = zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True)
    rejected = zip(data.irrelevant_queries.tolist(), data.irrelevant_documents.tolist(), strict=True)
    return dict.fromkeys(rejected, 0) | dict(zip(pairs, data.pair_gains.tolist(), strict=True))


def _unknown(label: Label, query: int | None) -> str:
    if query is None:
        return f"a label of query `{label.query}`, which the task does not have"
    return f"a label of document `{label.document}`, which the task does not have"


def _merged(
    data: RetrievalData,
    labels: Sequence[Label],
    positive: Sequence[tuple[int, int, int]],
    rejected: Sequence[tuple[int, int, int]],
) -> RetrievalData:
    added, other = (np.array(rows, dtype=np.int64).reshape(-1, 3).T for rows in (positive, rejected))
    before = unanswered_note(data.n, data.relevant_queries)
    merged = replace(
        data,
        pair_queries=np.concatenate([data.pair_queries, added[0]]),
        pair_documents=np.concatenate([data.pair_documents, added[1]]),
        pair_gains=np.concatenate([data.pair_gains, added[2]]),
        irrelevant=(data.irrelevant or 0) + len(rejected) if rejected else data.irrelevant,
        irrelevant_queries=np.concatenate([data.irrelevant_queries, other[0]]),
        irrelevant_documents=np.concatenate([data.irrelevant_documents, other[1]]),
    )
    if not len(merged.pair_queries):
        raise BenchError(
            "no document is relevant to any query: every label is 0 or less",
            where=labels[0].where,
            hint="a relevant document needs a label of 1 or more",
        )
    notes = [note for note in data.notes if note not in before]
    notes += [*unanswered_note(merged.n, merged.relevant_queries), _note(labels, len(positive), len(rejected))]
    return replace(merged, notes=notes)


def _note(labels: Sequence[Label], relevant: int, rejected: int) -> str:
    pools = list(dict.fromkeys(label.pool for label in labels if label.pool))
    chosen = f", chosen from {' and from '.join(pools)}: they favour these models over others" if pools else ""
    return f"{relevant + rejected:,} labels were added to the data's own, {relevant:,} of them relevant{chosen}"
