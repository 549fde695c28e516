"""The columns of numbers in leaderboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        key: Attribute of a row.
        title: Heading.
        lower_is_better: Which end is best; None where neither is.
        help: What it means, for the legend.
    """

    key: str
    title: str
    lower_is_better: bool | None
    help: str


# Of a model at a view.
VIEW_COLUMNS = (
    Column("share", "kept", False, "share of the model's score at full width in float32; the best cut is marked"),
    Column("bytes_per_vector", "bytes/vector", True, "storage of one vector"),
    Column("index_bytes", "index MB", True, "serialised exact index of the task's documents, in 10^6 bytes"),
    Column("search_ms", "search p50 ms", True, "one query against the task's documents, exact search, one thread"),
    Column("search_p95_ms", "search p95 ms", True, "likewise"),
    Column("hnsw_ms", "HNSW p50 ms", True, "likewise, by an HNSW index"),
    Column("hnsw_recall", "HNSW recall", False, "share of HNSW's ten that are at least as near as the exact tenth"),
    Column("search_mib", "search MiB", True, "peak resident memory of the process that searches"),
    Column("reranked", "reranked", False, "the score when the 100 best are ranked again at full width in float32"),
)
# Of a model, whatever the view: cutting dimensions after encoding does not make encoding cheaper.
ENCODING_COLUMNS = (
    Column("p50_ms", "query p50 ms", True, "one query (for STS a sentence), tokenised and encoded, all cores"),
    Column("p95_ms", "p95 ms", True, "likewise"),
    Column("p99_ms", "p99 ms", True, "likewise"),
    Column("one_thread_ms", "p50 ms, 1 thread", True, "likewise, on one thread and core"),
    Column("document_ms", "document p50 ms", True, "one document, all cores"),
    Column("texts_per_s", "texts/s", False, "documents in batches, all cores, at the best batch size"),
    Column("tokens_per_s", "tokens/s", False, "likewise"),
    Column("best_batch", "batch", None, "that batch size, in texts"),
    Column("matmul_share", "of peak", False, "share of the machine's rate of matrix products that this makes up"),
    Column("encode_mib", "encode MiB", True, "peak resident memory of the process that encodes"),
    Column("weights_mb", "weights MB", True, "the weights in memory, in 10^6 bytes"),
    Column("joules", "J/1,000 texts", True, "energy of 1,000 texts in batches"),
)


def shown_columns(rows: Sequence[Any], columns: Sequence[Column]) -> list[Column]:
    """The columns that have a value in any row."""
    return [column for column in columns if any(getattr(row, column.key) is not None for row in rows)]


def best_value(rows: Sequence[Any], column: Column) -> float | None:
    """The best value of a column; None where there is nothing to be better than."""
    if column.lower_is_better is None:
        return None
    values: set[float] = {getattr(row, column.key) for row in rows if _competes(row, column)} - {None}
    # A cut that is the only one is still the best cut.
    if len(values) < (1 if column.key == "share" else 2):
        return None
    return min(values) if column.lower_is_better else max(values)


def is_best(row: Any, column: Column, best: float | None) -> bool:
    """Whether a row has the best value of its column (see best_value)."""
    return best is not None and _competes(row, column) and bool(getattr(row, column.key) == best)


def _competes(row: Any, column: Column) -> bool:
    """Full-width rows keep all of their score by definition, so they do not compete for the share kept."""
    return column.key != "share" or not row.reference
