"""Recognising articles and clicks: which columns of the two files are queries, labels, documents and titles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bench.errors import UsageError
from bench.tasks.readers.named import plain_name
from bench.tasks.tables.profile import Kind, Profile
from bench.tasks.tables.recognise import (
    USUAL,
    NotRecognisedError,
    Recognised,
    check_spelling,
    check_unused,
    matching_column,
    named_column,
)
from bench.tasks.tables.section import Shape

# Further names of columns, where it is known which file holds the queries.
_QUERY = "search searched search_text search_phrase search_string search_terms keywords keyword term phrase".split()
_COUNT = (
    "clicks click_count clickcount n_clicks num_clicks number_of_clicks count counts n frequency freq clicked click"
).split()
_DOCUMENT = (
    "article article_text article_body body_text content_text plain_text html body_html html_body content_html markdown"
).split()
_TITLE = "title document_title doc_title article_title passage_title product_title headline heading subject".split()
# Words in the names of columns of a search log that are neither labels nor ids of articles.
_LOG = frozenset(
    "position pos rank page session user visitor timestamp time date day hour week month year device browser results "
    "duration".split()
)


@dataclass(frozen=True)
class Articles:
    """What two files were recognised as.

    Attributes:
        shape: qa, or relevance where a column of the clicks is a label.
        clicks: Column of the clicks by role.
        articles: Column of the articles by role.
        counted: Whether a pair's label follows from how often it is there: without a label, or where the label is a
            count and no grade.
    """

    shape: Shape
    clicks: dict[str, str]
    articles: dict[str, str]
    counted: bool


def is_of_log(column: str) -> bool:
    """Whether a column's name is that of a column of search logs that is neither a label nor an article's id."""
    return not _LOG.isdisjoint(plain_name(column).split("_"))


def recognise_articles(
    clicks: Profile,
    articles: Profile,
    keys: tuple[str, str],
    shape: Shape | None,
    given: Mapping[str, str],
    ignored: Collection[str],
) -> Articles:
    """What the columns of clicks and articles hold.

    Args:
        clicks: What the columns of the clicks hold.
        articles: What the columns of the articles hold.
        keys: The clicks' column that names an article, and the articles' column that it names.
        shape: The shape, where the user says it.
        given: Columns that the user names, by role.
        ignored: Columns that are not to be used.

    Raises:
        UsageError: A column named is not there, or the data cannot have such a one.
        UndecidedColumnError: A column of the clicks that is not used looks like labels.
        NotRecognisedError: A role has no column, with the columns found.
    """
    if shape not in {None, "qa", "relevance"}:
        raise UsageError(f"--shape: articles and clicks have no shape {shape}", hint="--shape qa or relevance")
    wrong = next((role for role in given if role not in _SIDES), None)
    if wrong is not None:
        raise UsageError(
            f"--{wrong.replace('_', '-')}-column: articles and clicks have no such column",
            hint="--query-column and --label-column are of the clicks, --document-column and --title-column of the "
            "articles",
        )
    if "document_id" in given and named_column(articles, given["document_id"]) != keys[1]:
        raise UsageError(f"--document-id-column: an article's id is `{keys[1]}`, by --on", hint="leave it out")
    asked = _of_clicks(clicks, keys[0], shape, given, ignored)
    shape = shape or ("relevance" if "relevance" in asked else "qa")
    texts = _of_articles(articles, keys[1], given, ignored)
    query, document = ("query", "document") if shape == "relevance" else ("question", "answer")
    asked = {query if role == "query" else role: column for role, column in asked.items()}
    texts = {document if role == "document" else role: column for role, column in texts.items()}
    left_out = {*ignored, *(column for column in clicks.kinds if is_of_log(column))}
    for table, columns in ((clicks, asked), (articles, texts)):
        check_spelling(table, columns, set(map(plain_name, ignored)))
    check_unused(clicks, Recognised(shape, {**asked, "document_id": keys[0]}, lists=False, unused=[]), left_out)
    label = asked.get("relevance")
    return Articles(shape, asked, texts, counted=label is None or not _is_grade(label))


# Which roles a user may name.
_SIDES = ("query", "query_id", "relevance", "document", "document_id", "title")


def _is_grade(column: str) -> bool:
    plain = plain_name(column)
    return plain in USUAL["relevance"] or not set(USUAL["relevance"]).isdisjoint(plain.split("_"))


def _of_clicks(
    table: Profile, key: str, shape: Shape | None, given: Mapping[str, str], ignored: Collection[str]
) -> dict[str, str]:
    """The columns of query, query id and label."""
    columns = {role: named_column(table, given[role]) for role in ("query", "query_id", "relevance") if role in given}
    free = _free(table, {key, *columns.values()}, ignored)
    if "query" not in columns:
        found = matching_column([*USUAL["query"], *_QUERY], _of_kind(free, "text"))
        if found is None:
            raise _not_recognised(table, "query", "--query-column")
        columns["query"] = found
    if "relevance" not in columns and shape != "qa":
        numbers = {name: kind for name, kind in free.items() if name not in columns.values()}
        found = matching_column([*USUAL["relevance"], *_COUNT], _of_kind(numbers, "number", "boolean"))
        if found is not None:
            columns["relevance"] = found
        elif shape == "relevance":
            raise _not_recognised(table, "relevance", "--label-column")
    return columns


def _of_articles(table: Profile, key: str, given: Mapping[str, str], ignored: Collection[str]) -> dict[str, str]:
    """The columns of document and title; a title without a text is the document."""
    columns = {role: named_column(table, given[role]) for role in ("document", "title") if role in given}
    free = _of_kind(_free(table, {key, *columns.values()}, ignored), "text", "list")
    document = columns.get("document") or matching_column([*USUAL["document"], *_DOCUMENT], _without(free, _TITLE))
    title = columns.get("title") or matching_column(_TITLE, _without(free, [document] if document else []))
    if document is None and title is not None and "title" not in given:
        document, title = title, None
    if document is None:
        raise _not_recognised(table, "document", "--document-column")
    return {"document": document} | ({"title": title} if title else {})


def _free(table: Profile, taken: Collection[str], ignored: Collection[str]) -> dict[str, Kind]:
    left_out = set(map(plain_name, ignored))
    return {name: kind for name, kind in table.kinds.items() if name not in taken and plain_name(name) not in left_out}


def _of_kind(columns: Mapping[str, Kind], *kinds: Kind) -> dict[str, Kind]:
    return {name: kind for name, kind in columns.items() if kind in kinds}


def _without(columns: Mapping[str, Kind], names: Collection[str]) -> dict[str, Kind]:
    left_out = set(map(plain_name, names))
    return {name: kind for name, kind in columns.items() if plain_name(name) not in left_out}


def _not_recognised(table: Profile, role: str, option: str) -> NotRecognisedError:
    return NotRecognisedError(
        f"no column is recognised as {role}",
        where=table.where,
        hint=f"{option} names it; columns found: {table.described()}",
    )
