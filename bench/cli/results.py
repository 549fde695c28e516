"""`bench results`: every number, filtered."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import ResultsFolder, split_list, whole_numbers
from bench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


class OutputFormat(StrEnum):
    """How the frame is printed."""

    table = "table"
    csv = "csv"
    json = "json"


_TABLE_COLUMNS = [
    "model", "kind", "task", "split", "subset", "truncate_dim", "precision", "control", "metric", "value",
    "ci_low", "ci_high", "n", "environment",
]  # fmt: skip

_Many = list[str] | None


def results(
    results: ResultsFolder = Path("results"),
    output: Annotated[OutputFormat, typer.Option("--format", help="How to print.")] = OutputFormat.table,
    model: Annotated[_Many, typer.Option("--model", metavar="NAMES", help="Only these models.")] = None,
    task: Annotated[_Many, typer.Option("--task", metavar="NAMES", help="Only these tasks.")] = None,
    truncate_dim: Annotated[_Many, typer.Option("--truncate-dim", metavar="DIMS", help="Only these dims.")] = None,
    precision: Annotated[_Many, typer.Option("--precision", metavar="NAMES", help="Only these precisions.")] = None,
    metric: Annotated[_Many, typer.Option("--metric", metavar="NAMES", help="Only these metrics.")] = None,
    superseded: Annotated[
        bool, typer.Option("--all", help="Also results of models and data that have changed since.")
    ] = False,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="List what is left out instead, and the commands that bring it back.")
    ] = False,
) -> None:
    """Print results, a row a model, task, view and metric. In Python: bench.load_results("results")."""
    from bench.cli.left_out import chosen_left_out, print_left_out, tell_left_out
    from bench.results.frame import make_frame, read_records

    records = read_records(results)
    lost = chosen_left_out(records, split_list(model), split_list(task))
    if left_out:
        print_left_out(lost, output)
        return
    frame = make_frame(records)
    hidden = 0
    if not superseded:
        hidden = int(frame["superseded"].sum())
        frame = frame[~frame["superseded"]]
    filters = {"model": model, "task": task, "precision": precision, "metric": metric}
    for column, values in filters.items():
        frame = _only(frame, column, split_list(values))
    dims = whole_numbers("--truncate-dim", truncate_dim)
    if dims:
        frame = frame[frame["truncate_dim"].isin(dims)]
    _print(frame.reset_index(drop=True), output)
    if hidden and output is OutputFormat.table:
        typer.echo(f"{hidden} superseded rows not shown (--all shows them)", err=True)
    if not superseded:
        tell_left_out(lost, err=True)


def _only(frame: pd.DataFrame, column: str, values: list[str]) -> pd.DataFrame:
    if not values:
        return frame
    known = sorted(frame[column].dropna().unique())
    for value in values:
        if value not in known:
            raise UsageError(
                f"--{column}: no results with {column} `{value}`",
                hint=did_you_mean(value, known) or f"there are: {', '.join(known) or 'none'}",
            )
    return frame[frame[column].isin(values)]


def _print(frame: pd.DataFrame, output: OutputFormat) -> None:
    if output is OutputFormat.csv:
        typer.echo(frame.to_csv(index=False), nl=False)
    elif output is OutputFormat.json:
        typer.echo(frame.to_json(orient="records", indent=2, double_precision=15))
    else:
        from tabulate import tabulate

        shown = frame[_TABLE_COLUMNS].astype(object)
        shown = shown.where(shown.notna(), "")
        rows = [[_text(value) for value in row] for row in shown.to_numpy().tolist()]
        typer.echo(tabulate(rows, headers=_TABLE_COLUMNS, tablefmt="simple", disable_numparse=True))


def _text(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
