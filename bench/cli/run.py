"""`bench run`: encode, score, measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.chosen import chosen_models, chosen_tasks, task_folders
from bench.cli.options import (
    Device,
    DryRun,
    ModelNames,
    Precisions,
    RegistryFile,
    ResultsFolder,
    Subsets,
    TaskNames,
    TruncateDims,
    chosen_precisions,
    chosen_shortlists,
    chosen_studies,
    exit_status,
    on_device,
    whole_numbers,
)


def run(
    models: RegistryFile = None,
    model: ModelNames = None,
    tasks: TaskNames = None,
    subsets: Subsets = None,
    results: ResultsFolder = Path("results"),
    truncate_dims: TruncateDims = None,
    precisions: Precisions = None,
    device: Device = None,
    controls: Annotated[
        bool | None,
        typer.Option(
            "--controls/--no-controls",
            help="Score the same cuts of principal components, last and random dimensions too. Default: as cards say.",
        ),
    ] = None,
    fidelity: Annotated[
        bool | None,
        typer.Option(
            "--fidelity/--no-fidelity",
            help="Compare every view with full width in float32, without labels. Default: as cards say.",
        ),
    ] = None,
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            help="Score shortlists of every view ranked again at full width too. Default: as cards say.",
        ),
    ] = None,
    shortlists: Annotated[
        list[str] | None,
        typer.Option(
            "--shortlists",
            metavar="LIST",
            help="Documents of these shortlists, which switches --rerank on. Default: 10,20,50,100,200,500.",
        ),
    ] = None,
    no_cost: Annotated[bool, typer.Option("--no-cost", help="Quality only: no latency, memory or storage.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Score and measure again what is done.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Score every model on every task at every view, and measure what it costs.

    A model with a recipe that has not been trained yet is trained first. What is done is not done again. Exit status:
    0 all done, 1 something failed, 2 wrong usage.
    """
    from bench.cli.tables import print_tables
    from bench.cli.terminal import print_failures
    from bench.cli.work import plan_and_execute
    from bench.cost import effort
    from bench.measuring import CostOptions
    from bench.plan import Options

    entries, registry = chosen_models(models, model)
    options = Options(
        results=results,
        force=force,
        cost=not no_cost,
        studies=chosen_studies(
            {
                "controls": controls,
                "fidelity": fidelity,
                "rerank": True if shortlists and rerank is None else rerank,
            }
        ),
        shortlists=chosen_shortlists(shortlists, rerank),
        truncate_dims=whole_numbers("--truncate-dims", truncate_dims),
        precisions=chosen_precisions(precisions),
        download=not dry_run,
    )
    entries = on_device(entries, device)
    chosen = chosen_tasks(registry, tasks, subsets)
    folders = task_folders(registry.base_dir)
    costs = CostOptions(effort.KEEP)
    plan, failures, display = plan_and_execute(entries, chosen, options, folders, costs, dry_run=dry_run)
    if not dry_run:
        print_tables(results, plan.jobs)
        display.print_files()
    print_failures(failures)
    return exit_status(plan, failures)
