"""`bench tasks add`: a task card for data of one's own."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from bench.cli.chosen import task_folders
from bench.cli.options import one_of
from bench.cli.output import say
from bench.cli.tasks_add_split import division_lines
from bench.errors import UsageError
from bench.neutral import neutral

if TYPE_CHECKING:
    from bench.tasks.add import NewTask, Wishes
    from bench.tasks.tables.recognise import UndecidedColumnError
    from bench.tasks.unit import UnitInfo

_Column = str | None


def _column(*names: str, holds: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(*names, metavar="COLUMN", help=f"The column with {holds}.")
    return option


def add(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="FILE_OR_FOLDER",
            help="A folder as BEIR or MS MARCO have it; a CSV, JSON Lines or Parquet file (also .gz, .zst); or a "
            "folder with test, train, ... files of these.",
        ),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What tables call the task.")],
    tasks_dir: Annotated[Path, typer.Option("--tasks-dir", metavar="DIR", help="The folder of task cards.")] = Path(
        "tasks"
    ),
    shape: Annotated[
        str | None,
        typer.Option(
            "--shape", metavar="SHAPE", help="What a row is: qa, triplets, pairs or relevance. Default: recognised."
        ),
    ] = None,
    query: Annotated[_Column, _column("--query-column", holds="the question or query")] = None,
    document: Annotated[
        _Column, _column("--document-column", "--answer-column", holds="the document, answer or positive")
    ] = None,
    negative: Annotated[
        _Column, _column("--negative-column", holds="texts that are not relevant; `negative_*` names several")
    ] = None,
    relevance: Annotated[
        _Column, _column("--label-column", "--relevance-column", holds="how relevant the document is")
    ] = None,
    title: Annotated[_Column, _column("--title-column", holds="a title to put before the document")] = None,
    query_id: Annotated[_Column, _column("--query-id-column", holds="the query's id")] = None,
    document_id: Annotated[_Column, _column("--document-id-column", holds="the document's id")] = None,
    sentence1: Annotated[_Column, _column("--sentence1-column", holds="the first sentence of a pair")] = None,
    sentence2: Annotated[_Column, _column("--sentence2-column", holds="the second sentence of a pair")] = None,
    score: Annotated[_Column, _column("--score-column", holds="the gold similarity of a pair")] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore-column",
            metavar="COLUMN",
            help="A column that is not used, though it looks like labels; repeatable.",
        ),
    ] = None,
    relevant_from: Annotated[
        float | None,
        typer.Option("--relevant-from", metavar="NUMBER", help="The least relevance of a relevant document."),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="Queries and what was clicked; the other file then holds the articles, all of which are searched.",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="COLUMN[=COLUMN]",
            help="The column of --queries that names an article, and the articles' column that it names. Default: the "
            "only two that share their values.",
        ),
    ] = None,
    repeated: Annotated[
        str | None,
        typer.Option(
            "--repeated",
            metavar="RULE",
            help="The label of a query and document that n rows hold: log2 (1 + floor(log2 n)), count (n) or once "
            "(1). Default with --queries: log2, unless a column holds grades.",
        ),
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(
            "--split-by",
            metavar="NAME",
            help="Divide the rows of one file into train and test: by query (no query is in both), time (the latest "
            "rows are tested) or row.",
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option("--test-share", metavar="NUMBER", help="Share of the queries or rows to test. Default: 0.3."),
    ] = None,
    time: Annotated[_Column, _column("--time-column", holds="the time to split by")] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds", metavar="NUMBER", help="Instead of one test: as many folds of the queries, each tested once."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="NUMBER", help="What splits are drawn by. Default: 0.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="Of CSV: utf-8, latin-1 or cp1252. Default: as a byte order mark says, else utf-8.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="CHARACTER", help="Between the cells of CSV. Default: recognised."),
    ] = None,
    quoting: Annotated[
        str | None,
        typer.Option(
            "--quoting",
            metavar="NAME",
            help="Of CSV: standard (cells may be in double quotes) or none. Default: recognised.",
        ),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(
            "--decimal", metavar="CHARACTER", help="Before the fraction of numbers: . or a comma. Default: recognised."
        ),
    ] = None,
    lists: Annotated[
        bool | None,
        typer.Option(
            "--lists/--no-lists",
            help="Whether lists written as text, such as ['a', 'b'], are several texts. Default: recognised.",
        ),
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="One sentence for people.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="ISO code, for people.")] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Accept rows whose texts are empty.")] = False,
    strip_html: Annotated[
        bool, typer.Option("--strip-html", help="Read texts as plain text, without their HTML.")
    ] = False,
) -> None:
    """Make a task of your own data: recognise the columns, load it, and write its card, tasks/NAME.yaml.

    With --queries the data is two files: articles, and queries with the article that was clicked.

    The data stays where it is. Nothing is written when something is wrong, and no card is written over.
    """
    from bench.reading import user_path
    from bench.tasks.add import Wishes
    from bench.tasks.readers.delimited import Quoting
    from bench.tasks.readers.numbers import Decimal
    from bench.tasks.tables.new_split import asked_split
    from bench.tasks.tables.repeated import Repeated
    from bench.tasks.tables.section import Encoding, Shape
    from bench.tasks.tables.split import SplitBy

    columns = {
        "query": query,
        "document": document,
        "negative": negative,
        "relevance": relevance,
        "title": title,
        "query_id": query_id,
        "document_id": document_id,
        "sentence1": sentence1,
        "sentence2": sentence2,
        "score": score,
    }
    card = {"description": description, "language": language, "allow_empty": allow_empty or None}
    card |= {"strip_html": strip_html or None}
    wishes = Wishes(
        shape=one_of("--shape", shape, get_args(Shape)),
        columns={role: column for role, column in columns.items() if column is not None},
        encoding=one_of("--encoding", encoding, get_args(Encoding)),
        delimiter=_character(delimiter),
        quoting=one_of("--quoting", quoting, get_args(Quoting)),
        decimal=one_of("--decimal", decimal, get_args(Decimal)),
        lists=lists,
        ignored=frozenset(ignore or ()),
        relevant_from=relevant_from,
        queries=None if queries is None else user_path(str(queries)),
        on=on,
        repeated=one_of("--repeated", repeated, get_args(Repeated)),
        split=asked_split(one_of("--split-by", split_by, get_args(SplitBy)), test_share, time, folds, seed),
        card={key: value for key, value in card.items() if value is not None},
    )
    task = _decided(data, name, tasks_dir, wishes)
    task.write()
    _print(task)


def _decided(data: Path, name: str, folder: Path, wishes: Wishes) -> NewTask:
    """The task; on a terminal, columns that look like labels are asked about."""
    from bench.reading import user_path
    from bench.tasks.add import new_task
    from bench.tasks.catalog import find_cards
    from bench.tasks.tables.recognise import UndecidedColumnError

    known = find_cards([*task_folders(), folder])
    while True:
        try:
            return new_task(user_path(str(data)), name, folder, known, wishes)
        except UndecidedColumnError as error:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise
            wishes = _asked(error, wishes)


def _asked(error: UndecidedColumnError, wishes: Wishes) -> Wishes:
    say(f"{error.where}: {error.message}")
    if typer.confirm(neutral(f"Does `{error.column}` say how relevant a document is?")):
        return replace(wishes, columns={**wishes.columns, "relevance": error.column})
    return replace(wishes, ignored=wishes.ignored | {error.column})


def _character(delimiter: str | None) -> str | None:
    delimiter = "\t" if delimiter in {"\\t", "tab"} else delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise UsageError(
            f"--delimiter: `{delimiter}` is no character that can stand between cells",
            hint='--delimiter ";" or --delimiter tab',
        )
    return delimiter


def _print(task: NewTask) -> None:
    if task.shape is not None:
        say(f"shape: {task.shape}")
    for table in task.use:
        say(table.name)
        for role, column in table.roles.items():
            say(f"  {role}: column {column}")
        for column in table.unused:
            say(f"  not used: column {column}")
    for unit in task.units:
        say(f"split {unit.split}: {size_of(unit.info)}")
        for note in unit.info.notes:
            say(f"  {note}")
    if task.training is not None:
        say(f"split train: {size_of(task.training.info)}, to train with")
    for sentence in task.markup:
        if task.content.get("strip_html"):
            say(f"warning: after --strip-html, {sentence}")
        else:
            say(f"warning: {sentence}; --strip-html reads texts as plain text")
    for line in division_lines(task):
        say(line)
    # A name is looked for in certain folders only.
    found = task.path.parent.resolve() in task_folders()
    say(f"wrote {task.path}; run it with: bench run --tasks {task.content['name'] if found else task.path}")


def size_of(info: UnitInfo) -> str:
    """How large the data of a task unit is, for people."""
    if info.documents is not None:
        return f"{info.n:,} queries, {info.documents:,} documents"
    return f"{info.n:,} {'pairs' if info.type == 'sts' else 'rows'}"
