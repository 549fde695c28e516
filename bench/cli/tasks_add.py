"""`bench tasks add`: a task card for data of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from bench.cli.chosen import task_folders
from bench.cli.options import one_of
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.tasks.add import NewTask
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
            help="A BEIR folder; a CSV, JSON Lines or Parquet file; or a folder with test, train, ... files of these.",
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
    relevance: Annotated[_Column, _column("--relevance-column", holds="how relevant the document is")] = None,
    title: Annotated[_Column, _column("--title-column", holds="a title to put before the document")] = None,
    query_id: Annotated[_Column, _column("--query-id-column", holds="the query's id")] = None,
    document_id: Annotated[_Column, _column("--document-id-column", holds="the document's id")] = None,
    sentence1: Annotated[_Column, _column("--sentence1-column", holds="the first sentence of a pair")] = None,
    sentence2: Annotated[_Column, _column("--sentence2-column", holds="the second sentence of a pair")] = None,
    score: Annotated[_Column, _column("--score-column", holds="the gold similarity of a pair")] = None,
    relevant_from: Annotated[
        float | None,
        typer.Option("--relevant-from", metavar="NUMBER", help="The least relevance of a relevant document."),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="Of CSV: utf-8, latin-1 or cp1252. Default: utf-8."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="CHARACTER", help="Between the cells of CSV. Default: recognised."),
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="One sentence for people.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="ISO code, for people.")] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Accept rows whose texts are empty.")] = False,
) -> None:
    """Make a task of your own data: recognise the columns, load it, and write its card, tasks/NAME.yaml.

    The data stays where it is. Nothing is written when something is wrong, and no card is written over.
    """
    from bench.files import user_path
    from bench.tasks.add import Wishes, new_task
    from bench.tasks.catalog import find_cards
    from bench.tasks.tables.section import Encoding, Shape

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
    wishes = Wishes(
        shape=one_of("--shape", shape, get_args(Shape)),
        columns={role: column for role, column in columns.items() if column is not None},
        encoding=one_of("--encoding", encoding, get_args(Encoding)),
        delimiter=_character(delimiter),
        relevant_from=relevant_from,
        card={key: value for key, value in card.items() if value is not None},
    )
    known = find_cards([*task_folders(), tasks_dir])
    task = new_task(user_path(str(data)), name, tasks_dir, known, wishes)
    task.write()
    _print(task)


def _character(delimiter: str | None) -> str | None:
    delimiter = "\t" if delimiter in {"\\t", "tab"} else delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise UsageError(
            f"--delimiter: `{delimiter}` is no character that can stand between cells",
            hint='--delimiter ";" or --delimiter tab',
        )
    return delimiter


def _print(task: NewTask) -> None:
    if task.recognised is not None:
        typer.echo(f"shape: {task.recognised.shape}")
        for role, column in task.recognised.columns.items():
            typer.echo(f"  {role}: column {column}")
    for unit in task.units:
        typer.echo(f"split {unit.split}: {size_of(unit.info)}")
        for note in unit.info.notes:
            typer.echo(f"  {note}")
    if task.training is not None:
        typer.echo(f"split train: {size_of(task.training.info)}, to train with")
    # A name is looked for in certain folders only.
    found = task.path.parent.resolve() in task_folders()
    typer.echo(f"wrote {task.path}; run it with: bench run --tasks {task.content['name'] if found else task.path}")


def size_of(info: UnitInfo) -> str:
    """How large the data of a task unit is, for people."""
    if info.documents is not None:
        return f"{info.n:,} queries, {info.documents:,} documents"
    return f"{info.n:,} {'pairs' if info.type == 'sts' else 'rows'}"
