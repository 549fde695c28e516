"""A task of two files: articles, all of which are searched, and queries with what was clicked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError
from bench.paths import is_file, path_exists
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import DataFile, first_found, local_file, local_files
from bench.tasks.readers.named import ColumnUse
from bench.tasks.tables.articles import Articles, is_of_log, recognise_articles
from bench.tasks.tables.keys import Overlap, candidates, ids_of, only_one, overlap, overlaps
from bench.tasks.tables.profile import Profile, profile
from bench.tasks.tables.recognise import matching_column, named_column
from bench.tasks.tables.repeated import Repeated
from bench.tasks.tables.section import ALL
from bench.tasks.tables.split import TEST
from bench.tasks.tables.stated import stated_dialect, table_use
from bench.tasks.tolerance import LIMIT

if TYPE_CHECKING:
    from bench.tasks.add import Wishes

_SHOWN = 3


@dataclass(frozen=True)
class _File:
    """One of the two files: its name within the task's data, its parts, and what a look at them shows."""

    name: str
    parts: list[DataFile]
    table: Profile


@dataclass(frozen=True)
class ArticlesTask:
    """A task of articles and clicks, as a card describes it.

    Attributes:
        folder: The folder that both files lie in or below.
        section: The card's keys that say what the data is.
        use: What the columns of each file were taken for.
    """

    folder: Path
    section: dict[str, Any]
    use: list[ColumnUse]


def articles_task(data: Path, queries: Path, wishes: Wishes) -> ArticlesTask:
    """Describe a task of articles and clicks.

    Args:
        data: The file of the articles.
        queries: The file of the clicks.
        wishes: What the user says about them.

    Raises:
        UsageError: A file or column is not there, or it cannot be told which column holds what.
        UndecidedColumnError: A column of the clicks that is not used looks like labels.
        BenchError: A file is broken, with its place.
    """
    data, queries = _checked(data, "the articles"), _checked(queries, "--queries")
    if data == queries:
        raise UsageError("--queries is the file of the articles", where=str(data), hint="name the file of the clicks")
    # An encoding that one file has is none of the other's where that is UTF-8.
    encodings: list[str] = ["utf-8"]
    encodings += [wishes.encoding] if wishes.encoding not in {None, "utf-8"} else []
    text = Format(encodings, wishes.delimiter, wishes.quoting)
    folder = Path(os.path.commonpath([data.parent, queries.parent]))
    articles, clicks = (_looked_at(folder, path, text) for path in (data, queries))
    for column in wishes.ignored:
        if not any(matching_column([column], file.table.kinds) for file in (articles, clicks)):
            named_column(clicks.table, column)
    key = _key(articles, clicks, text, wishes)
    found = recognise_articles(
        clicks.table, articles.table, (key.column, key.other), wishes.shape, wishes.columns, wishes.ignored
    )
    section = _section(articles, clicks, key, found, wishes, encodings)
    joined = f"{key.column} = {key.other} of {articles.name}, {key.found}"
    time = {} if wishes.split is None or wishes.split.time is None else {"time": wishes.split.time}
    asked = table_use(clicks.name, clicks.table, {**found.clicks, **time, "document_id": key.column})
    texts = table_use(articles.name, articles.table, {"document_id": key.other, **found.articles})
    return ArticlesTask(
        folder, section, [texts, ColumnUse(asked.name, {**asked.roles, "document_id": joined}, asked.unused)]
    )


def _checked(path: Path, what: str) -> Path:
    if not path_exists(path):
        raise UsageError(f"{what}: no such file", where=str(path), hint="check the path")
    if not is_file(path.resolve()):
        raise UsageError(f"{what}: not a file", where=str(path), hint="articles and clicks are one table each")
    return path.resolve()


def _looked_at(folder: Path, path: Path, text: Format) -> _File:
    file = local_file(path, folder)
    name = file.name
    if file.parts.part is not None:
        name = f"{file.parts.stem}*-of-*{file.parts.suffix}"
    parts = first_found(local_files(folder), [name])
    return _File(name, parts, profile(parts, text))


def _section(
    articles: _File, clicks: _File, key: Overlap, found: Articles, wishes: Wishes, encodings: list[str]
) -> dict[str, Any]:
    further = {
        "encoding": encodings if len(encodings) > 1 else None,
        **stated_dialect([clicks.table, articles.table], wishes.delimiter, wishes.quoting),
        "decimal": wishes.decimal,
        "lists": wishes.lists,
        "repeated": wishes.repeated or (_rule(wishes) if found.counted else None),
        "relevant_from": wishes.relevant_from,
    }
    join = {
        "files": articles.name,
        "on": key.column if key.column == key.other else {key.column: key.other},
        "searched": "all",
    }
    table = {
        "shape": found.shape,
        "files": {ALL if wishes.split else TEST: clicks.name},
        "columns": {**found.clicks, **found.articles},
        "join": join | ({"encoding": encodings} if len(encodings) > 1 else {}),
        **{name: value for name, value in further.items() if value is not None},
        **({"split": wishes.split.model_dump(exclude_none=True)} if wishes.split else {}),
    }
    return {"type": "retrieval", "table": table}


def _rule(wishes: Wishes) -> Repeated:
    """The default rule of repeated clicks; a least relevance is one of their number."""
    return "log2" if wishes.relevant_from is None else "count"


def _key(articles: _File, clicks: _File, text: Format, wishes: Wishes) -> Overlap:
    """The column of the clicks that names an article, and the articles' column that it names."""
    if wishes.on is None:
        return _recognised_key(articles, clicks, text, wishes)
    column, other = _stated_key(articles, clicks, text, wishes, wishes.on)
    ids, there = ids_of(clicks.parts, text, column), ids_of(articles.parts, text, other)
    if column not in ids or other not in there:
        file, empty = (clicks, column) if column not in ids else (articles, other)
        raise UsageError(f"--on: the column `{empty}` is empty", where=file.table.where)
    found = overlap(column, ids[column], other, there[other])
    if found.share < 1 - LIMIT:
        names = ", ".join(f"`{name}`" for name in found.lacking[:_SHOWN]) + ", ..." * (len(found.lacking) > _SHOWN)
        raise UsageError(
            f"{len(found.lacking):,} of {found.of:,} values of `{column}` are not in `{other}` of {articles.name}: "
            f"{names}",
            where=clicks.table.where,
            hint=f"{_candidates(articles, clicks, text, wishes)}; if it is this one, add the articles or remove the "
            f"rows: more than {LIMIT:.0%} are taken for a mistake",
        )
    return found


def _stated_key(articles: _File, clicks: _File, text: Format, wishes: Wishes, on: str) -> tuple[str, str]:
    """The columns that `--on` names: one name for both files, or two with `=` between them."""
    places = [place for place, character in enumerate(on) if character == "="]
    readings = [(on, on), *((on[:place], on[place + 1 :]) for place in places)]
    for left, right in readings:
        column = matching_column([left], clicks.table.kinds)
        other = matching_column([right], articles.table.kinds)
        if column is not None and other is not None:
            return column, other
    left, right = readings[min(1, len(places))]
    file, name = (clicks, left) if matching_column([left], clicks.table.kinds) is None else (articles, right)
    raise UsageError(
        f"--on: no column `{name}` in {file.name}; columns found: {', '.join(file.table.kinds)}",
        where=file.table.where,
        hint=_candidates(articles, clicks, text, wishes),
    )


def _recognised_key(articles: _File, clicks: _File, text: Format, wishes: Wishes) -> Overlap:
    rows, other = (_ids(file, text, wishes) for file in (clicks, articles))
    found = overlaps(rows, other)
    only = only_one(found, [column for column in rows if is_of_log(column)])
    if only is None:
        raise UsageError(
            f"which column of {clicks.name} names the article?",
            where=clicks.table.where,
            hint=candidates(found, rows, other),
        )
    return only


def _candidates(articles: _File, clicks: _File, text: Format, wishes: Wishes) -> str:
    rows, other = (_ids(file, text, wishes) for file in (clicks, articles))
    return candidates(overlaps(rows, other), rows, other)


def _ids(file: _File, text: Format, wishes: Wishes) -> dict[str, Any]:
    found = ids_of(file.parts, text)
    return {column: ids for column, ids in found.items() if column not in wishes.ignored}
