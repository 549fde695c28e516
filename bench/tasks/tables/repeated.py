"""The label of a pair of query and document that several rows hold, such as clicks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, TypeVar

from bench.errors import BenchError
from bench.tasks.readers.cells import decimal_mark, read_label
from bench.tasks.readers.labels import Judgement
from bench.tasks.readers.numbers import Decimal

# What becomes of n rows of the same pair. nDCG's gain is the label itself, and clicks are heavy-tailed: with `count`
# the few most clicked pairs decide the score, with `log2` twice the clicks are one grade more, with `once` clicks
# do not count.
Repeated = Literal["log2", "count", "once"]
RULES: dict[Repeated, str] = {"log2": "1 + floor(log2 n)", "count": "n", "once": "1"}
Document = TypeVar("Document", bound=Hashable)


def label_of(n: int, rule: Repeated) -> int:
    """The label of a pair that n rows hold; 0 where none does."""
    if n <= 0:
        return 0
    return {"log2": n.bit_length(), "count": n, "once": 1}[rule]


def merge_repeated(
    rows: Sequence[Judgement[Document]], rule: Repeated, decimal: Decimal | None, *, counted: bool, what: str
) -> tuple[list[Judgement[Document]], str]:
    """One judgement for each pair, and a note on what was merged.

    The label of a row is how many times it counts: n is their sum. A row without a label judges nothing and stays.

    Args:
        rows: The judgements.
        rule: The label of a pair whose rows count n times.
        decimal: The decimal mark of the rows' labels; recognised by default.
        counted: Whether a column holds the rows' labels; otherwise each is 1.
        what: What a row is, in the plural.

    Raises:
        BenchError: A label is no whole number of 0 or more, with its place.
    """
    decimal = decimal or decimal_mark(((row.label, row.row) for row in rows), "label")
    counts: dict[tuple[str, Document], int] = {}
    first: dict[tuple[str, Document], Judgement[Document]] = {}
    kept = []
    for row in rows:
        value = read_label(row.label, "label", row.row.where, decimal)
        if value is None:
            kept.append(row)
            continue
        if value < 0 or not value.is_integer():
            raise BenchError(
                f"the label {row.label} is no count",
                where=row.row.where,
                hint="`repeated` adds the labels of rows with the same query and document: whole numbers from 0 on",
            )
        pair = (row.query, row.document)
        counts[pair] = counts.get(pair, 0) + int(value)
        first.setdefault(pair, row)
    merged = [Judgement(row.query, row.document, label_of(counts[pair], rule), row.row) for pair, row in first.items()]
    queries = len({query for query, _ in counts})
    labelled = len(rows) - len(kept)
    pairs = f"{len(counts):,} query-document pairs of {queries:,} queries"
    if counted:
        total = sum(counts.values())
        note = f"{labelled:,} rows that count {total:,} {what}: {pairs} (label {RULES[rule]}, n their sum)"
    else:
        repeated = labelled - len(counts)
        end = f"; {repeated:,} repeated {what} merged (label {RULES[rule]})" if repeated else ", none of them repeated"
        note = f"{labelled:,} {what}: {pairs}{end}"
    return merged + kept, note
