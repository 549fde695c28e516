"""`bench run`: encode, score, measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    ModelNames,
    RegistryFile,
    ResultsFolder,
    Subsets,
    TaskNames,
    check_device_name,
    chosen_models,
    chosen_tasks,
    split_list,
    task_folders,
    whole_numbers,
)
from bench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry
    from bench.plan import Failure, Plan


def run(
    models: RegistryFile = None,
    model: ModelNames = None,
    tasks: TaskNames = None,
    subsets: Subsets = None,
    results: ResultsFolder = Path("results"),
    truncate_dims: Annotated[
        list[str] | None,
        typer.Option("--truncate-dims", metavar="DIMS", help="Instead of the registry's: 384,192,96."),
    ] = None,
    precisions: Annotated[
        list[str] | None,
        typer.Option("--precisions", metavar="NAMES", help="Instead of the registry's: float32,float16,int8,binary."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Instead of the registry's: auto, cpu, cuda, mps.")
    ] = None,
    no_cost: Annotated[bool, typer.Option("--no-cost", help="Quality only: no latency, memory or storage.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Score and measure again what is done.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
) -> int:
    """Score every model on every task at every view, and measure what it costs.

    A model with a recipe that has not been trained yet is trained first. What is done is not done again. Exit status:
    0 all done, 1 something failed, 2 wrong usage.
    """
    from bench.cli.tables import print_tables
    from bench.cli.terminal import print_failures
    from bench.cli.work import plan_and_execute
    from bench.plan import Options

    entries, registry = chosen_models(models, model)
    options = Options(
        results=results,
        force=force,
        cost=not no_cost,
        truncate_dims=whole_numbers("--truncate-dims", truncate_dims),
        precisions=_precisions(precisions),
        download=not dry_run,
    )
    entries = _on_device(entries, device)
    chosen = chosen_tasks(registry, tasks, subsets)
    folders = task_folders(registry.base_dir)
    plan, failures, display = plan_and_execute(entries, chosen, options, folders, dry_run=dry_run)
    if not dry_run:
        print_tables(results, plan.jobs)
        display.print_files()
    print_failures(failures)
    return _status(plan, failures)


def _status(plan: Plan, failures: Sequence[Failure]) -> int:
    if failures and plan.only_wrong_usage:
        return 2
    return 1 if failures else 0


def _precisions(values: list[str] | None) -> tuple[str, ...]:
    from bench.views import PRECISIONS

    found = split_list(values)
    for value in found:
        if value not in PRECISIONS:
            raise UsageError(
                f"--precisions: unknown precision `{value}`",
                hint=did_you_mean(value, PRECISIONS) or f"known: {', '.join(PRECISIONS)}",
            )
    return tuple(found)


def _on_device(entries: list[ModelEntry], device: str | None) -> list[ModelEntry]:
    check_device_name(device)
    if device is None:
        return entries
    return [entry if entry.kind == "baseline" else entry.model_copy(update={"device": device}) for entry in entries]
