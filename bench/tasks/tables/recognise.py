"""Recognising what the columns of a table hold, by their names and by what stands in them."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bench.errors import UsageError, did_you_mean
from bench.tasks.readers.named import plain_name
from bench.tasks.tables.profile import Kind, Profile, fits
from bench.tasks.tables.section import OPTIONAL, REQUIRED, Shape

_QUERY = [
    "question",
    "query",
    "anchor",
    "search_term",
    "search_query",
    "user_query",
    "question_text",
    "query_text",
    "q",
]
_DOCUMENT = (
    "answer answers positive positives pos document doc passage context text content response reply body description "
    "product_description document_text passage_text product_title"
).split()
_SCORE = "score label similarity similarity_score relatedness_score gold rating".split()

# Usual names of each role, the surest first; compared in small letters with `_` for spaces and hyphens.
USUAL: dict[str, list[str]] = {
    "query": _QUERY,
    "question": _QUERY,
    "document": [name for name in _DOCUMENT if name not in {"answers", "positives"}],
    "answer": _DOCUMENT,
    "positive": _DOCUMENT,
    "negative": ["negative", "negatives", "neg", "hard_negative", "hard_negatives", "negative_*", "neg_*"],
    "relevance": "relevance relevant relevancy rating grade judgement judgment label score gain".split(),
    "sentence1": "sentence1 sentence_1 sentence_a text1 text_1 text_a s1 sent1".split(),
    "sentence2": "sentence2 sentence_2 sentence_b text2 text_2 text_b s2 sent2".split(),
    "score": _SCORE,
    "query_id": "query_id qid question_id".split(),
    "document_id": (
        "document_id doc_id docid passage_id pid corpus_id product_id product_uid entity_id answer_id"
    ).split(),
    "title": "document_title doc_title passage_title".split(),
}
# Words in the names of columns of numbers that are labels, and of those that are none.
_LABELS = frozenset(
    "relevance relevant relevancy rel label labels score scores rating ratings grade judgment judgement gold correct "
    "match gain annotation helpful useful votes target".split()
)
_IDS = frozenset("id ids uid uids idx index key number nr no".split())
_SHOWN_VALUES = 5

_KINDS: dict[str, tuple[Kind, ...]] = {
    "document": ("text", "list"),
    "answer": ("text", "list"),
    "positive": ("text", "list"),
    "negative": ("text", "list"),
    "relevance": ("number", "boolean"),
    "score": ("number",),
    "query_id": ("text", "number"),
    "document_id": ("text", "number"),
}
# Roles whose cells may hold several texts.
_MANY = ("document", "answer", "positive", "negative")
# The order in which shapes are tried: what says most comes first.
_SHAPES: tuple[Shape, ...] = ("pairs", "triplets", "relevance", "qa")


class NotRecognisedError(UsageError):
    """The columns of a table do not say what it holds."""


class UndecidedColumnError(UsageError):
    """A column that looks like labels and is not used: without it every row counts as relevant.

    Args:
        column: The column.
        where: Its file.
    """

    def __init__(self, column: str, where: str, found: str) -> None:
        self.column = column
        super().__init__(
            f"the column `{column}` looks like labels ({found}), and without it every row counts as relevant",
            where=where,
            hint=f"--label-column {column} reads it as how relevant a document is (numbers, true/false, yes/no); "
            f"--ignore-column {column} leaves it out",
        )


@dataclass(frozen=True)
class Recognised:
    """The shape of a table and which column holds what.

    Attributes:
        shape: The shape.
        columns: Column, or pattern of columns, by role.
        lists: Whether a role's column holds lists that are written as text.
        unused: The other columns.
    """

    shape: Shape
    columns: dict[str, str]
    lists: bool
    unused: list[str]


def recognise(
    table: Profile, shape: Shape | None, given: Mapping[str, str], ignored: Collection[str] = ()
) -> Recognised:
    """What a table is.

    Args:
        table: What its columns hold.
        shape: Its shape, where the user says it.
        given: Columns that the user names, by role; `query` also stands for `question`, and `document` for `answer`
            and `positive`.
        ignored: Columns that are not to be used.

    Raises:
        UsageError: A column named is not there, or there are two of its name but for the spelling.
        UndecidedColumnError: A column that is not used looks like labels.
        NotRecognisedError: It cannot be told what the table is, with the columns found.
    """
    left_out = set(map(plain_name, ignored))
    named = {role: named_column(table, column) for role, column in given.items()}
    free = {name: kind for name, kind in table.kinds.items() if plain_name(name) not in left_out}
    reasons = []
    for candidate in [shape] if shape else _SHAPES:
        columns = _columns(free, candidate, named)
        lacking = [role for role in REQUIRED[candidate] if role not in columns]
        unused = [role for role in named if not _takes(candidate, role)]
        if not lacking and not unused:
            check_spelling(table, columns, left_out)
            found = Recognised(candidate, columns, _lists(table, columns), unused_columns(table, columns))
            if shape is None:
                check_unused(table, found, ignored)
            return found
        reasons.append(f"{candidate} needs {_listed(lacking)}" if lacking else f"{candidate} has no {unused[0]}")
    raise NotRecognisedError(
        f"cannot tell what the table holds: {'; '.join(reasons)}",
        where=table.where,
        hint=f"{_found(table)}; name them with --query-column, --document-column, --label-column, --score-column, ...",
    )


def check_spelling(table: Profile, columns: Mapping[str, str], left_out: Collection[str]) -> None:
    """Refuse two columns of one name but for its spelling: rows of JSON may write a key in two ways."""
    for role, column in columns.items():
        same = [name for name in table.kinds if plain_name(name) == plain_name(column)]
        if len(same) > 1 and plain_name(column) not in left_out:
            raise UsageError(
                f"the {role} can be in {' and '.join(f'`{name}`' for name in same)}",
                where=table.where,
                hint="give all rows the same name for it",
            )


def check_unused(table: Profile, found: Recognised, ignored: Collection[str]) -> None:
    """Refuse a column that may hold labels where every row would count as relevant.

    Raises:
        UndecidedColumnError: There is one.
    """
    if "relevance" in found.columns or found.shape == "pairs":
        return
    left_out = set(map(plain_name, ignored))
    for name in unused_columns(table, found.columns):
        if plain_name(name) not in left_out and _is_label(table, name):
            values = ", ".join(list(table.columns[name].values)[:_SHOWN_VALUES]) or table.kinds[name]
            raise UndecidedColumnError(name, table.where, values)


def _is_label(table: Profile, name: str) -> bool:
    column, plain = table.columns[name], plain_name(name)
    words = set(plain.split("_"))
    if plain in USUAL["relevance"]:
        return column.kind != "list"
    if not (column.letters or column.kind in {"number", "boolean"}) or column.positive or words & _IDS:
        return False
    # The numbers of rows have no name, and of two rows they are 0 and 1.
    named = not words & {"column", "unnamed"}
    return column.few or bool(words & _LABELS) or (column.binary and named)


def unused_columns(table: Profile, columns: Mapping[str, str]) -> list[str]:
    """The columns that hold no role."""
    used = columns.values()
    return [name for name in table.kinds if not any(fits(name, own) for own in used)]


def _lists(table: Profile, columns: Mapping[str, str]) -> bool:
    """Whether columns of roles that take lists hold lists that are written as text."""
    own = [columns[role] for role in _MANY if role in columns]
    return any(table.holds_lists(column) for column in own)


def named_column(table: Profile, column: str) -> str:
    """The column that a user names.

    Raises:
        UsageError: There is none.
    """
    found = matching_column([column], table.kinds)
    if found is None:
        raise UsageError(f"no column `{column}`", where=table.where, hint=_found(table, column))
    return found


def _takes(shape: Shape, role: str) -> bool:
    return any(role in _user_roles(own) for own in (*REQUIRED[shape], *OPTIONAL[shape]))


def _columns(kinds: Mapping[str, Kind], shape: Shape, given: Mapping[str, str]) -> dict[str, str]:
    """The columns of a shape's roles, as far as they are there; no column holds two."""
    columns: dict[str, str] = {}
    roles = (*REQUIRED[shape], *OPTIONAL[shape])
    for role in roles:
        named = next((given[name] for name in _user_roles(role) if name in given), None)
        if named is not None:
            columns[role] = named
    for role in roles:
        taken = {*columns.values(), *given.values()}
        free = {name: kind for name, kind in kinds.items() if name not in taken}
        fitting = {name: kind for name, kind in free.items() if kind in _KINDS.get(role, ("text",))}
        # Several texts under one id are no document.
        lists = role == "document_id" and "list" in {kinds.get(columns.get(many, "")) for many in _MANY}
        names = [*USUAL[role], *(["title"] if role == "title" and _of_document(columns) else [])]
        if role not in columns and not lists and (found := matching_column(names, fitting)):
            columns[role] = found
    return columns


def _of_document(columns: Mapping[str, str]) -> bool:
    """Whether a column `title` is the document's and not the question's: title and text are BEIR's pair of names."""
    query = columns.get("query", columns.get("question", ""))
    document = columns.get("document", columns.get("answer", ""))
    return plain_name(document) == "text" and "question" not in plain_name(query)


def _user_roles(role: str) -> tuple[str, ...]:
    """The names under which a user may give a role."""
    return {
        "question": ("question", "query"),
        "answer": ("answer", "document"),
        "positive": ("positive", "document"),
        "score": ("score", "relevance"),
    }.get(role, (role,))


def matching_column(names: Iterable[str], columns: Iterable[str]) -> str | None:
    """The first name that a column has, as the column writes it; a pattern of several is returned as such."""
    plain = {plain_name(column): column for column in columns}
    for name in names:
        if plain_name(name) in plain:
            return plain[plain_name(name)]
        matches = [
            column for key, column in plain.items() if "*" in name and fnmatch.fnmatchcase(key, plain_name(name))
        ]
        if matches:
            # The common start of the columns as they are written.
            start = matches[0][: len(name.partition("*")[0])]
            return f"{start}*"
    return None


def _listed(roles: list[str]) -> str:
    return " and ".join(f"a column for {role}" for role in roles)


def _found(table: Profile, name: str | None = None) -> str:
    shown = table.described()
    close = did_you_mean(name, table.kinds) if name else None
    return f"{close} columns found: {shown}" if close else f"columns found: {shown}"
