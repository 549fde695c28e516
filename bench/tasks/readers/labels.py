"""From cells with labels to judgements, by one rule for every layout: docs/tasks.md has it as a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from bench.errors import BenchError
from bench.tasks.readers.cells import decimal_mark, read_label
from bench.tasks.readers.numbers import Decimal
from bench.tasks.readers.rows import Row
from bench.tasks.tolerance import Tolerance

_LARGEST = 1_000_000
_SHOWN = 20

# What becomes of a query that is judged and has no relevant document.
Unanswered = Literal["zero", "leave_out"]
Document = TypeVar("Document", bound=Hashable)


@dataclass(frozen=True)
class LabelRule:
    """How labels are read.

    Attributes:
        relevant_from: The least label of a relevant document, whose gain is 1; without it labels are whole numbers and
            are gains.
        above: In place of it, the label that a relevant document exceeds.
        decimal: The decimal mark of labels; recognised by default.
        unanswered: What becomes of a query that is judged and has no relevant document.
    """

    relevant_from: float | None = None
    above: float | None = None
    decimal: Decimal | None = None
    unanswered: Unanswered = "zero"


@dataclass(frozen=True)
class Judgement(Generic[Document]):
    """A row that says how relevant a document is to a query.

    Attributes:
        query: The query's id.
        document: The document.
        label: The cell with the label.
        row: Its place.
    """

    query: str
    document: Document
    label: Any
    row: Row


@dataclass
class Judged(Generic[Document]):
    """What the judgements of a split say.

    Attributes:
        gains: By query and document, in the order of rows; 0 and less is not relevant.
        queries: The queries that are scored, in the order in which they are first judged.
        notes: What a reader of the scores should know.
    """

    gains: dict[tuple[str, Document], int] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def irrelevant(self) -> int:
        """How many judgements of these queries say that a document is not relevant."""
        asked = set(self.queries)
        return sum(gain <= 0 and query in asked for (query, _), gain in self.gains.items())


def judge(
    rows: Sequence[Judgement[Document]], rule: LabelRule, tolerance: Tolerance | None = None, *, of: int | None = None
) -> Judged[Document]:
    """The gains of judgements, and the queries that are scored with them.

    A row without a label judges nothing. A query is scored when a row judges it; one without a relevant document
    scores 0, unless the rule leaves it out, or it has rows without a label, which may hold its relevant documents.

    Args:
        rows: The judgements.
        rule: How labels are read.
        tolerance: Decides how many pairs may have two labels, of which the last counts; without it none may.
        of: How many rows the judgements are from; by default each is one.

    Raises:
        BenchError: A label is no number, or no whole one where it must be, or too many pairs have two labels.
    """
    judged: Judged[Document] = Judged()
    places: dict[tuple[str, Document], Row] = {}
    open_: dict[str, None] = {}
    unlabelled = []
    contradicting: dict[str, str] = {}
    decimal = rule.decimal or decimal_mark(((row.label, row.row) for row in rows), "label")
    for row in rows:
        value = read_label(row.label, "label", row.row.where, decimal)
        if value is None:
            open_[row.query] = None
            unlabelled.append(row.row)
            continue
        gain = _gain(value, rule, row)
        pair = (row.query, row.document)
        if judged.gains.setdefault(pair, gain) != gain and tolerance is not None:
            contradicting[f"{row.query} {row.document}"] = row.row.where
            judged.gains[pair] = gain
        elif judged.gains[pair] != gain:
            raise BenchError(
                f"the query `{row.query}` and the same document have another label than in {places[pair].where}",
                where=row.row.where,
                hint="keep one of the rows",
            )
        places.setdefault(pair, row.row)
    if tolerance is not None:
        tolerance.take(
            list(contradicting),
            len(judged.gains),
            "pairs of query and document have two different labels",
            counts="the last one counts, as in MTEB",
            where=next(iter(contradicting.values()), ""),
            hint="keep one of the lines",
        )
    if unlabelled:
        first = unlabelled[0].place
        judged.notes.append(
            f"{len(unlabelled):,} of {of or len(rows):,} rows have no label, the first in {first}: they judge nothing"
        )
    if unlabelled and not judged.gains:
        raise BenchError(
            "no row has a label", where=unlabelled[0].where, hint="give at least one row a label of 1 or more"
        )
    asked = dict.fromkeys(query for query, _ in judged.gains)
    answered = {query for (query, _), gain in judged.gains.items() if gain > 0}
    left_out = {query for query in asked if query in open_ or rule.unanswered == "leave_out"} - answered
    judged.queries = [query for query in asked if query not in left_out]
    if left_out:
        judged.notes.append(f"{len(left_out):,} of {len(asked):,} queries have no relevant document and are left out")
    return judged


def _gain(value: float, rule: LabelRule, row: Judgement[Any]) -> int:
    if rule.above is not None:
        return int(value > rule.above)
    if rule.relevant_from is not None:
        return int(value >= rule.relevant_from)
    if not value.is_integer():
        raise BenchError(
            f"the label {str(row.label)[:_SHOWN]} is not a whole number",
            where=row.row.where,
            hint="0 is not relevant, 1 and up is; of a table, `relevant_from` in the card or --relevant-from says from "
            "which label on a document is relevant",
        )
    if abs(value) > _LARGEST:
        raise BenchError(
            f"the label {str(row.label)[:_SHOWN]} is too large",
            where=row.row.where,
            hint="labels are small whole numbers",
        )
    return int(value)
