"""`bench results`: every number, filtered."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import ResultsFolder, split_list, whole_numbers
from bench.cli.output import say, say_json, say_text
from bench.cli.verify import verify_results
from bench.errors import UsageError, did_you_mean
from bench.neutral import neutral, spreadsheet_cell

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
    raw: Annotated[
        bool,
        typer.Option("--raw", help="CSV for programs: no ' before cells that a spreadsheet would run as formulas."),
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every record and table instead; exit status 1 if any is damaged.")
    ] = False,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="List what is left out instead, and the commands that bring it back.")
    ] = False,
) -> None:
    """Print results, a row a model, task, view and metric. In Python: bench.load_results("results")."""
    from bench.cli.left_out import chosen_left_out, print_left_out, tell_left_out
    from bench.results.frame import make_frame, read_records

    if raw and output is not OutputFormat.csv:
        raise UsageError(f"--raw: --format {output} has nothing of the kind", hint="--format csv --raw")
    if verify:
        verify_results(str(results))
        return
    records = read_records(results)
    lost = chosen_left_out(records, split_list(model), split_list(task))
    if left_out:
        print_left_out(lost, output)
        return
    frame = make_frame(records)
    if frame.empty:
        say(f"no scores and no costs yet in {results}: bench run", err=True)
        if output is OutputFormat.table:
            return
    older = sum(getattr(record, "table_digest", "") is None for _, record in records)
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
    _print(frame.reset_index(drop=True), output, raw=raw)
    if older:
        say(f"{older} records were written before digests existed", err=True)
    if hidden and output is OutputFormat.table:
        say(f"{hidden} superseded rows not shown (--all shows them)", err=True)
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


def _print(frame: pd.DataFrame, output: OutputFormat, *, raw: bool) -> None:
    if output is OutputFormat.csv:
        shown = frame.map(_neutral if raw else spreadsheet_cell)
        say_text(shown.to_csv(index=False).removesuffix("\n"))
    elif output is OutputFormat.json:
        say_json(frame.to_json(orient="records", indent=2, double_precision=15))
    else:
        from bench.markdown import plain_table

        shown = frame[_TABLE_COLUMNS].astype(object)
        shown = shown.where(shown.notna(), "")
        rows = [[_text(value) for value in row] for row in shown.to_numpy().tolist()]
        say_text(plain_table(rows, _TABLE_COLUMNS))


def _neutral(value: object) -> object:
    return neutral(value) if isinstance(value, str) else value


def _text(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
