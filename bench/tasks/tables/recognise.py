"""Recognising what the columns of a table hold, by their names and by what stands in them."""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from bench.errors import UsageError, did_you_mean
from bench.files import text_lines
from bench.tasks.pairs import is_number
from bench.tasks.tables.files import DataFile
from bench.tasks.tables.rows import Format, fitting_encoding, read_rows
from bench.tasks.tables.section import OPTIONAL, REQUIRED, Shape

Kind = Literal["text", "number", "list", "empty", "other"]

_LOOKED_AT = 200
_DELIMITERS = (";", "\t", "|")

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
    "title": ["title"],
}
_KINDS: dict[str, tuple[Kind, ...]] = {
    "answer": ("text", "list"),
    "positive": ("text", "list"),
    "negative": ("text", "list"),
    "relevance": ("number",),
    "score": ("number",),
    "query_id": ("text", "number"),
    "document_id": ("text", "number"),
}
# The order in which shapes are tried: what says most comes first.
_SHAPES: tuple[Shape, ...] = ("pairs", "triplets", "relevance", "qa")


class NotRecognisedError(UsageError):
    """The columns of a table do not say what it holds."""


@dataclass(frozen=True)
class Survey:
    """What a look at the start of a table shows.

    Attributes:
        where: The file, for messages.
        kinds: What stands in each column.
        text: How the file is written.
    """

    where: str
    kinds: dict[str, Kind]
    text: Format


@dataclass(frozen=True)
class Recognised:
    """The shape of a table and which column holds what.

    Attributes:
        shape: The shape.
        columns: Column, or pattern of columns, by role.
    """

    shape: Shape
    columns: dict[str, str]


def survey(file: DataFile, text: Format) -> Survey:
    """Look at the first rows of a file; a CSV without a comma in its heading may have another delimiter.

    Raises:
        BenchError: The file cannot be read, is broken, or has no rows.
    """
    if text.delimiter is None and file.suffix == ".csv":
        text = replace(text, delimiter=_delimiter(file, text))
    kinds = _kinds(file, text)
    return Survey(file.where, kinds, text)


def recognise(table: Survey, shape: Shape | None, given: Mapping[str, str]) -> Recognised:
    """What a table is.

    Args:
        table: A look at it.
        shape: Its shape, where the user says it.
        given: Columns that the user names, by role; `query` also stands for `question`, and `document` for `answer`
            and `positive`.

    Raises:
        UsageError: A column named is not there.
        NotRecognisedError: It cannot be told what the table is, with the columns found.
    """
    named = {role: _named(table, column) for role, column in given.items()}
    reasons = []
    for candidate in [shape] if shape else _SHAPES:
        columns = _columns(table, candidate, named)
        lacking = [role for role in REQUIRED[candidate] if role not in columns]
        unused = [role for role in named if not _takes(candidate, role)]
        if not lacking and not unused:
            if shape is None:
                _check_relevance(table, candidate, columns)
            return Recognised(candidate, columns)
        reasons.append(f"{candidate} needs {_listed(lacking)}" if lacking else f"{candidate} has no {unused[0]}")
    raise NotRecognisedError(
        f"cannot tell what the table holds: {'; '.join(reasons)}",
        where=table.where,
        hint=f"{_found(table)}; name them with --query-column, --document-column, --relevance-column, ...",
    )


def _check_relevance(table: Survey, shape: Shape, columns: Mapping[str, str]) -> None:
    """Labels that cannot be read must not make every row a relevant one."""
    free = [name for name, kind in table.kinds.items() if kind in {"text", "other"} and name not in columns.values()]
    if shape == "qa" and (found := _matching(USUAL["relevance"], free)):
        raise UsageError(
            f"the column `{found}` looks like labels, but does not hold numbers alone",
            where=table.where,
            hint="make it numbers; or say --shape qa, and every row is a relevant pair",
        )


def _named(table: Survey, column: str) -> str:
    found = _matching([column], table.kinds)
    if found is None:
        raise UsageError(f"no column `{column}`", where=table.where, hint=_found(table, column))
    return found


def _takes(shape: Shape, role: str) -> bool:
    return any(role in _user_roles(own) for own in (*REQUIRED[shape], *OPTIONAL[shape]))


def _columns(table: Survey, shape: Shape, given: Mapping[str, str]) -> dict[str, str]:
    """The columns of a shape's roles, as far as they are there; no column holds two."""
    columns: dict[str, str] = {}
    roles = (*REQUIRED[shape], *OPTIONAL[shape])
    for role in roles:
        named = next((given[name] for name in _user_roles(role) if name in given), None)
        if named is not None:
            columns[role] = named
    for role in roles:
        taken = {*columns.values(), *given.values()}
        free = {name: kind for name, kind in table.kinds.items() if name not in taken}
        fitting = {name: kind for name, kind in free.items() if kind in _KINDS.get(role, ("text",))}
        # Several texts under one id are no document.
        lists = role == "document_id" and table.kinds.get(columns.get("answer", "")) == "list"
        if role not in columns and not lists and (found := _matching(USUAL[role], fitting)):
            columns[role] = found
    return columns


def _user_roles(role: str) -> tuple[str, ...]:
    """The names under which a user may give a role."""
    return {
        "question": ("question", "query"),
        "answer": ("answer", "document"),
        "positive": ("positive", "document"),
    }.get(role, (role,))


def _matching(names: Iterable[str], columns: Iterable[str]) -> str | None:
    """The first name that a column has, as the column writes it; a pattern of several is returned as such."""
    plain = {_plain(column): column for column in columns}
    for name in names:
        if _plain(name) in plain:
            return plain[_plain(name)]
        matches = [column for key, column in plain.items() if "*" in name and fnmatch.fnmatchcase(key, _plain(name))]
        if matches:
            # The common start of the columns as they are written.
            start = matches[0][: len(name.partition("*")[0])]
            return f"{start}*"
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip()).lower()


def _delimiter(file: DataFile, text: Format) -> str | None:
    """Another delimiter than the comma, where the heading shows one."""
    with file.open() as handle:
        heading = next(text_lines(handle, file.where, fitting_encoding(handle, text.encodings)), "")
    return None if "," in heading else next((mark for mark in _DELIMITERS if mark in heading), None)


def _kinds(file: DataFile, text: Format) -> dict[str, Kind]:
    columns: list[str] = []

    def choose(found: list[str]) -> list[str]:
        columns.extend(found)
        return found

    rows = [row.cells for row in itertools.islice(read_rows(file, choose, text), _LOOKED_AT)]
    if not columns or not rows:
        raise UsageError(
            "no rows", where=file.where, hint="a table has a heading with the columns' names and rows below"
        )
    return {column: _kind([row.get(column) for row in rows]) for column in columns}


def _kind(values: list[Any]) -> Kind:
    present = [value for value in values if value is not None and value != ""]
    if not present:
        return "empty"
    if all(isinstance(value, list) for value in present):
        return "list"
    if all(isinstance(value, str) for value in present):
        return "number" if all(map(is_number, present)) else "text"
    numbers = all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in present)
    return "number" if numbers else "other"


def _listed(roles: list[str]) -> str:
    return " and ".join(f"a column for {role}" for role in roles)


def _found(table: Survey, name: str | None = None) -> str:
    shown = ", ".join(f"{column} ({kind})" for column, kind in table.kinds.items())
    close = did_you_mean(name, table.kinds) if name else None
    return f"{close} columns found: {shown}" if close else f"columns found: {shown}"
