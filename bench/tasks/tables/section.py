"""The section `table` of a task card: which columns of which files are the task."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from bench.config.names import InnerFile
from bench.tasks.readers.delimited import Quoting
from bench.tasks.readers.labels import LabelRule, Unanswered
from bench.tasks.readers.numbers import Decimal
from bench.tasks.tables.repeated import Repeated
from bench.tasks.tables.split import TEST, TRAIN, Split, is_training

Shape = Literal["qa", "triplets", "pairs", "relevance"]
Encoding = Literal["utf-8", "latin-1", "cp1252"]

# The split that holds the rows which `split` or `sample` divide.
ALL = "all"

REQUIRED: dict[Shape, tuple[str, ...]] = {
    "qa": ("question", "answer"),
    "triplets": ("query", "positive", "negative"),
    "pairs": ("sentence1", "sentence2", "score"),
    "relevance": ("query", "document", "relevance"),
}
OPTIONAL: dict[Shape, tuple[str, ...]] = {
    "qa": ("query_id", "document_id", "title"),
    "triplets": ("query_id",),
    "pairs": (),
    "relevance": ("query_id", "document_id", "title"),
}
# Shapes in which a row is a judgement of a document.
_JUDGING: tuple[Shape, ...] = ("qa", "relevance")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Text = Annotated[str, StringConstraints(min_length=1)]
# One name, or alternatives of which the first that is there counts.
Names = Annotated[list[_Text], BeforeValidator(_listed), Field(min_length=1)]


def _paired(value: Any) -> Any:
    names = _listed(value)
    return {name: name for name in names} if isinstance(names, list) and all(map(_is_text, names)) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# A column of the table and one of the second file; a plain name is that of both. Of alternatives, the first that is
# there counts.
Keys = Annotated[dict[_Text, _Text], BeforeValidator(_paired), Field(min_length=1)]

FileNames = Annotated[list[InnerFile], BeforeValidator(_listed), Field(min_length=1)]

# The first that a whole file can be read in counts.
Encodings = Annotated[list[Encoding], BeforeValidator(_listed), Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Columns(_Section):
    """Which column holds what: a name, or alternatives tried in order.

    Attributes:
        query: Text of the query (triplets, relevance).
        query_id: Rows with the same value are one query; without it, rows with the same text are.
        document: Text of the document, or a list of texts that have the same label (relevance).
        document_id: Rows with the same value are one document; without it, rows with the same text are.
        title: Put before the document's text, with a space between.
        relevance: How relevant the document is, a number.
        question: Text of the query (qa).
        answer: Text of the document, or a list of texts that are all relevant (qa).
        positive: A relevant text or a list of them (triplets).
        negative: A text that is not relevant, or a list of them (triplets); `negative_*` names several columns.
        sentence1: First sentence (pairs).
        sentence2: Second sentence (pairs).
        score: Their gold similarity, a number (pairs).
    """

    query: Names | None = None
    query_id: Names | None = None
    document: Names | None = None
    document_id: Names | None = None
    title: Names | None = None
    relevance: Names | None = None
    question: Names | None = None
    answer: Names | None = None
    positive: Names | None = None
    negative: Names | None = None
    sentence1: Names | None = None
    sentence2: Names | None = None
    score: Names | None = None


class Join(_Section):
    """A second file: further columns of the same rows, or all the documents that they are about.

    Attributes:
        files: Its name or glob pattern, or alternatives.
        on: The column, in both files, that says which rows belong together: a name, or a mapping from the table's
            column to the second file's where the names differ.
        searched: Which of its rows are documents of the corpus: those that the table names, or `all`. With `all` the
            columns of documents are the second file's, those of queries and labels the table's, and a document's id
            is the cell of `on`.
        encoding: Its encoding, where it is CSV, or alternatives.
    """

    files: FileNames
    on: Keys
    searched: Literal["named", "all"] = "named"
    encoding: Encodings = ["utf-8"]


class Distractors(_Section):
    """Documents to search besides those of the rows drawn: some that stand only in rows that `split` did not draw.

    They are taken by ascending id, numbers as numbers, so that the order of rows does not matter.

    Attributes:
        count: How many.
        first_id: The number that their ids start from.
    """

    count: int = Field(ge=1)
    first_id: int = 0


class Sample(_Section):
    """A part of `files.all` that is read without reading the whole.

    Blocks of rows (the row groups of a Parquet file, or a whole file of another format) are read in an order drawn
    by seed until enough different queries have been seen: first those of `test`, then those of `train`.

    Attributes:
        test: How many queries the split `test` has.
        train: How many queries the split `train` has, none of which stands in `test`.
        seed: Seed of the order.
    """

    test: int = Field(ge=1)
    train: int = Field(default=0, ge=0)
    seed: int = Field(ge=0)


class Table(_Section):
    """How a table becomes a task.

    Attributes:
        shape: What a row is: qa, triplets, pairs or relevance.
        files: By split, names or glob patterns tried in order; `all` for rows that `split` or `sample` divide.
        columns: Which column holds what; a role that is not named is looked for under its own name.
        encoding: Encoding of CSV files, or alternatives of which the first that fits a file counts; a byte order mark
            overrules it.
        delimiter: The character between the cells of CSV files; recognised by default.
        quoting: Whether cells of CSV files may be quoted (`standard`, `none`); recognised by default.
        decimal: The decimal mark of numbers written as text; recognised by default.
        lists: Whether documents, answers, positives and negatives that are lists written as text are several texts; by
            default such a cell is refused.
        join: A second file with further columns or with the documents.
        repeated: What the label of a pair of query and document is that several rows hold (see repeated.py). Without
            it, such rows must have the same label.
        relevant_from: The least relevance of a relevant document. Without it relevances are whole numbers and count
            as graded labels.
        unanswered: What becomes of a query that is judged and has no relevant document: `zero` scores it 0, as MTEB
            does, `leave_out` does not score it.
        train_above: The relevance that a training pair must exceed; by default training pairs are the relevant ones.
        split: Dividing the rows: by seed or time, or by seed with equal queries kept together.
        sample: Reading a part by seed.
        corpus: Splits whose documents are searched; by default those of the split that is scored.
        distractors: Documents of rows that `split` did not draw, which are searched too.
        same_document: What happens when a document id stands with two texts: `error`, or the `first` or `last`
            text counts.
    """

    shape: Shape
    files: dict[str, FileNames] = Field(min_length=1)
    columns: Columns = Columns()
    encoding: Encodings = ["utf-8"]
    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n]$')] | None = None
    quoting: Quoting | None = None
    decimal: Decimal | None = None
    lists: bool | None = None
    join: Join | None = None
    repeated: Repeated | None = None
    relevant_from: float | None = Field(default=None, strict=False)
    train_above: float | None = Field(default=None, strict=False)
    unanswered: Unanswered = "zero"
    split: Split | None = None
    sample: Sample | None = None
    corpus: list[_Text] | None = Field(default=None, min_length=1)
    distractors: Distractors | None = None
    same_document: Literal["error", "first", "last"] = "error"

    @model_validator(mode="after")
    def _whole(self) -> Table:
        faults = (
            self._column_fault(), self._division_fault(), self._split_fault(), self._shape_fault(), self._join_fault(),
        )  # fmt: skip
        for fault in faults:
            if fault:
                raise ValueError(fault)
        return self

    def _column_fault(self) -> str | None:
        known = (*REQUIRED[self.shape], *OPTIONAL[self.shape])
        unused = [role for role in Columns.model_fields if getattr(self.columns, role) and role not in known]
        if unused:
            return f"the shape {self.shape} has no column `{unused[0]}`; it has {', '.join(known)}"
        return None

    def _division_fault(self) -> str | None:
        if self.split is not None and self.sample is not None:
            return "`split` and `sample` exclude each other"
        divided = self.split is not None or self.sample is not None
        if divided != (ALL in self.files):
            return "`files.all` goes with `split` or `sample`, which say how its rows are divided"
        if self.distractors is not None and (self.split is None or self.split.rows is None):
            return "`distractors` come from the rows that `split` leaves out: `split.rows` is missing"
        known = {*self.files, *self.divided_into} - {ALL}
        unknown = [name for name in self.corpus or [] if name not in known]
        if unknown:
            return f"`corpus` names a split `{unknown[0]}`; there are {', '.join(sorted(known))}"
        return None

    def _split_fault(self) -> str | None:
        if self.split is None or self.split.by == "row":
            return None
        own = [name for name in self.split.names if name in self.files]
        if own:
            return f"`files.{own[0]}` is one of the splits that `split` makes of `files.all`"
        if self.split.by == "query" and self.shape == "pairs":
            return "the shape pairs has no queries: split it by row or by time"
        if self.split.folds is not None and self.corpus:
            return "`corpus` does not go with `folds`: the documents of all rows are searched"
        return None

    def _shape_fault(self) -> str | None:
        if self.shape != "relevance" and (self.relevant_from is not None or self.train_above is not None):
            return "`relevant_from` and `train_above` belong to the shape relevance"
        if self.shape == "pairs" and (self.corpus or self.sample):
            return "the shape pairs has neither `corpus` nor `sample`"
        if self.repeated is not None and self.shape not in _JUDGING:
            return "`repeated` belongs to the shapes qa and relevance"
        return None

    def _join_fault(self) -> str | None:
        if not self.searches_all:
            return None
        if self.shape not in _JUDGING:
            return "`join.searched: all` belongs to the shapes qa and relevance"
        if self.columns.document_id is not None:
            return "with `join.searched: all` a document's id is the column of `join.on`: leave `document_id` out"
        if self.corpus or self.distractors:
            return "`join.searched: all` searches every document: leave `corpus` and `distractors` out"
        return None

    @property
    def searches_all(self) -> bool:
        """Whether every row of the second file is a document of the corpus."""
        return self.join is not None and self.join.searched == "all"

    @property
    def divided_into(self) -> list[str]:
        """The splits that `files.all` is divided into; none where it is not."""
        if self.split is not None:
            return self.split.names
        return [TRAIN, TEST] if self.sample is not None else []

    @property
    def patterns(self) -> list[str]:
        """Names and glob patterns of all files that it may be read from."""
        joined = self.join.files if self.join else []
        return [*(name for names in self.files.values() for name in names), *joined]

    @property
    def task_type(self) -> Literal["retrieval", "sts"]:
        """The type of task that it makes."""
        return "sts" if self.shape == "pairs" else "retrieval"

    @property
    def roles(self) -> list[str]:
        """What its columns hold: the roles that the shape needs, and those that the card names besides."""
        return [*REQUIRED[self.shape], *(role for role in OPTIONAL[self.shape] if getattr(self.columns, role))]

    def label_rule(self, split: str) -> LabelRule:
        """How the labels of a split are read; a pair to train with is relevant, and queries without any are none."""
        if is_training(split):
            return LabelRule(self.relevant_from, self.train_above, self.decimal, "leave_out")
        return LabelRule(self.relevant_from, None, self.decimal, self.unanswered)

    def names(self, role: str) -> list[str]:
        """The columns that may hold a role, in order; by default the one of that name."""
        named: list[str] | None = getattr(self.columns, role)
        return named or [role]
