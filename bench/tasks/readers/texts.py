"""Texts under ids, the documents or the queries of a retrieval task, from files of any format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from bench.errors import BenchError
from bench.tasks.readers.cells import identifier, needed_text, plain_text
from bench.tasks.readers.delimited import Format, read_delimited
from bench.tasks.readers.files import DataFile
from bench.tasks.readers.named import ColumnUse, column_use, named_columns, plain_name
from bench.tasks.readers.rows import Row, columns_of, read_rows
from bench.tasks.tolerance import LIMIT, Tolerance

Kind = Literal["document", "query"]

# The usual names of columns, as named.plain_name gives them; MS MARCO's files have none.
COLUMNS: dict[Kind, dict[str, list[str]]] = {
    "document": {
        "id": "_id id doc_id docid document_id corpus_id docno pid passage_id".split(),
        "title": "title document_title".split(),
        "text": "text contents content body passage document document_text passage_text".split(),
    },
    "query": {
        "id": "_id id query_id qid q_id topic_id topic".split(),
        "text": "text query question query_text".split(),
    },
}


class RepeatedIdError(BenchError):
    """An id that stands for two texts."""


def read_texts(
    files: Sequence[DataFile], kind: Kind, tolerance: Tolerance, *, allow_empty: bool, most_empty: float | None = LIMIT
) -> dict[str, str]:
    """The texts of documents or queries by id.

    A query is its text, unchanged; a document is its title, a space and its text, without the spaces around them.

    Args:
        files: The files.
        kind: What they hold.
        tolerance: Decides how many oddities are too many, and collects notes.
        allow_empty: Whether texts may be empty without a word.
        most_empty: The share of empty texts from which on they are refused; None where they only are noted.

    Raises:
        RepeatedIdError: An id stands for two texts.
        BenchError: A file is broken, has no such column, or holds nothing; too many texts are empty. With the line.
    """
    texts: dict[str, str] = {}
    places: dict[str, str] = {}
    empty: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for file in files:
        for name, text, row in _rows(file, kind):
            if texts.get(name, text) != text:
                raise RepeatedIdError(
                    f"duplicate {kind} id `{name}` with another text (first in {places[name]})",
                    where=row.where,
                    hint="ids must be unique",
                )
            if name in texts:
                repeated[name] = row.where
            elif not text.strip():
                empty[name] = row.where
            texts[name] = text
            places.setdefault(name, row.place)
    if not texts:
        raise BenchError(f"no {kind} in the file", where=files[0].where)
    tolerance.take(
        list(repeated),
        len(texts),
        f"{kind} ids are repeated with the same text",
        counts="each is one, as in MTEB",
        where=next(iter(repeated.values()), ""),
        hint="ids must be unique",
    )
    if not allow_empty:
        tolerance.take(
            list(empty),
            len(texts),
            f"{'documents' if kind == 'document' else 'queries'} have an empty text",
            counts="they are encoded as they are, as in MTEB",
            where=next(iter(empty.values()), ""),
            hint="give them a text, remove them, or set `allow_empty: true` in the task card",
            limit=most_empty,
        )
    return texts


def texts_use(file: DataFile, kind: Kind) -> ColumnUse:
    """What the columns of a file with texts are taken for.

    Raises:
        BenchError: See read_texts.
    """
    if file.parts.format in {"tsv", "text", None} and not _has_heading(file, kind):
        return ColumnUse(file.name, {"id": "column 1", "text": "column 2"}, [])
    found = columns_of(file)
    return column_use(file.name, named_columns(COLUMNS[kind], found, file.where, optional=["title"]), found)


def _rows(file: DataFile, kind: Kind) -> Iterator[tuple[str, str, Row]]:
    if file.parts.format in {"tsv", "text", None} and not _has_heading(file, kind):
        yield from _unnamed(file, kind)
        return
    roles: dict[str, str] = {}

    def choose(found: list[str]) -> list[str]:
        roles.update(named_columns(COLUMNS[kind], found, file.where, optional=["title"]))
        return list(roles.values())

    for row in read_rows(file, choose):
        title = plain_text(row.cells[roles["title"]], roles["title"], row) if "title" in roles else ""
        text = needed_text(row.cells[roles["text"]], roles["text"], row, allow_empty=True)
        place = Row({}, row.file, row.place)
        yield (
            identifier(row.cells[roles["id"]], roles["id"], row),
            f"{title} {text}".strip() if kind == "document" else text,
            place,
        )


def _has_heading(file: DataFile, kind: Kind) -> bool:
    _, cells = next(read_delimited(file, _UNNAMED), (1, []))
    return _is_heading(cells, kind)


def _is_heading(cells: Sequence[str], kind: Kind) -> bool:
    names = {plain_name(cell.strip('"')) for cell in cells}
    return all(not names.isdisjoint(COLUMNS[kind][role]) for role in ("id", "text"))


# MS MARCO's files and TREC's topics: an id, a tab, a text, in which a quote is a character.
_UNNAMED = Format(delimiter="\t", quoting="none")


def _unnamed(file: DataFile, kind: Kind) -> Iterator[tuple[str, str, Row]]:
    first = None
    numbered = True
    for line, cells in read_delimited(file, _UNNAMED):
        row = Row({}, file.where, f"line {line}")
        if len(cells) != 2:
            markup = cells[0].lstrip().startswith("<")
            raise BenchError(
                f"expected an id, a tab and a text, found {len(cells)} columns",
                where=row.where,
                hint="TREC's marked-up text is not read: write an id, a tab and the text in each line"
                if markup
                else "other columns need a heading with their names, such as id, title and text",
            )
        if _is_heading(cells, kind):
            raise BenchError(
                "a heading below other rows", where=row.where, hint="move it to the first line, or remove it"
            )
        name = identifier(cells[0], "the id", row)
        if first is None:
            first = (name, row)
        else:
            numbered &= name.isdecimal()
        yield name, cells[1].strip() if kind == "document" else cells[1], row
    if first is not None and numbered and line > 1 and not first[0].isdecimal():
        raise BenchError(
            f"`{first[0]}` is no number like the ids below it: is this line a heading?",
            where=first[1].where,
            hint="name the columns id and text, or remove the line",
        )
