"""`bench choose`: the best view under a budget."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import ResultsFolder, split_list
from bench.cli.output import say_json, say_text


class AnswerFormat(StrEnum):
    """How the answer is printed."""

    text = "text"
    json = "json"


_Limit = str | None


def choose(
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="The task that stands for your search.")],
    max_storage: Annotated[
        _Limit, typer.Option("--max-storage", metavar="SIZE", help="Most storage of the index: 2GB, 500MB, 1GiB.")
    ] = None,
    corpus_size: Annotated[
        str | None,
        typer.Option(
            "--corpus-size", metavar="N", help="How many documents you will search: 10_000_000. Default: the task's."
        ),
    ] = None,
    max_search_p95: Annotated[
        _Limit, typer.Option("--max-search-p95", metavar="TIME", help="Longest search of a query, p95: 20ms, 0.5s.")
    ] = None,
    max_encode_p95: Annotated[
        _Limit, typer.Option("--max-encode-p95", metavar="TIME", help="Longest encoding of a query, p95.")
    ] = None,
    max_memory: Annotated[
        _Limit, typer.Option("--max-memory", metavar="SIZE", help="Most memory of encoding and searching together.")
    ] = None,
    min_share: Annotated[
        _Limit,
        typer.Option(
            "--min-share", metavar="SHARE", help="Least share kept of the model's score at full width in float32: 0.97."
        ),
    ] = None,
    min_share_of_best: Annotated[
        _Limit,
        typer.Option("--min-share-of-best", metavar="SHARE", help="Least share of the best score on the task."),
    ] = None,
    min_score: Annotated[
        _Limit, typer.Option("--min-score", metavar="SCORE", help="Least main score of the task.")
    ] = None,
    min_ndcg: Annotated[
        _Limit, typer.Option("--min-ndcg", metavar="SCORE", help="The same, where the main score is nDCG.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAMES", help="Only these models. May be repeated.")
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            metavar="FINGERPRINT",
            help="Whose costs count. Default: where most models were measured, the newest of equals.",
        ),
    ] = None,
    allow_rerank: Annotated[
        bool,
        typer.Option("--allow-rerank", help="Shortlists that are ranked again at full width may be the answer too."),
    ] = False,
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help="Of a task with several.")] = None,
    subset: Annotated[str | None, typer.Option("--subset", metavar="NAME", help="Of a task with several.")] = None,
    results: ResultsFolder = Path("results"),
    output: Annotated[AnswerFormat, typer.Option("--format", help="How to print.")] = AnswerFormat.text,
) -> int:
    """Choose the best view that fits a budget, with what cannot be told from it and the code that uses it.

    In Python: bench.choose("hardware_store", max_storage="2GB"). What was not measured never counts as fitting: the
    answer says so, with the command that measures it. Exit status: 0 a view is named, 1 nothing fits, 2 wrong usage.
    """
    from bench.choosing.answering import choose as answer
    from bench.cli.choice_text import render

    found = answer(
        task,
        split=split,
        subset=subset,
        max_storage=max_storage,
        corpus_size=corpus_size,
        max_search_p95=max_search_p95,
        max_encode_p95=max_encode_p95,
        max_memory=max_memory,
        min_share=min_share,
        min_share_of_best=min_share_of_best,
        min_score=min_score,
        min_ndcg=min_ndcg,
        models=split_list(model),
        environment=environment,
        allow_rerank=allow_rerank,
        results=results,
    )
    if output is AnswerFormat.json:
        say_json(found.model_dump_json(indent=2))
    else:
        say_text(render(found))
    return int(found.best is None)
