"""`bench cost`: latency, throughput, memory, storage and energy alone."""

from __future__ import annotations

from contextlib import ExitStack
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
    choices,
    chosen_precisions,
    exit_status,
    number_of_documents,
    on_device,
    whole_numbers,
)
from bench.errors import UsageError
from bench.files import scratch_folder


def cost(
    models: RegistryFile = None,
    model: ModelNames = None,
    tasks: TaskNames = None,
    subsets: Subsets = None,
    results: ResultsFolder = Path("results"),
    truncate_dims: TruncateDims = None,
    precisions: Precisions = None,
    device: Device = None,
    probes: Annotated[
        list[str] | None,
        typer.Option("--probes", metavar="NAMES", help="Only these: encode,bulk,memory,energy,search,rerank,storage."),
    ] = None,
    corpus_size: Annotated[
        str | None,
        typer.Option(
            "--corpus-size", metavar="N", help="Search so many documents, drawn around the task's, instead of them."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="For a look: one short process a probe; nothing is kept.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Measure again what is done.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Measure what models cost, and nothing else.

    The models take turns in fresh processes, three a probe; keep the machine quiet meanwhile. `bench run` does the
    same after scoring. Exit status: 0 all done, 1 something failed, 2 wrong usage.
    """
    from bench.cli.cost_tables import print_costs
    from bench.cli.output import say
    from bench.cli.terminal import print_failures
    from bench.cli.work import plan_and_execute
    from bench.cost import effort
    from bench.cost.measure import PROBES
    from bench.measuring import CostOptions
    from bench.plan import Options

    documents = number_of_documents("--corpus-size", corpus_size)
    chosen_probes = choices("--probes", probes, PROBES, "probe") or (PROBES if documents is None else ("search",))
    if documents is not None and chosen_probes != ("search",):
        raise UsageError(
            "--corpus-size: only search has to do with it", hint="leave out --probes, or give --probes search"
        )
    entries, registry = chosen_models(models, model)
    with ExitStack() as stack:
        if quick:
            results = stack.enter_context(scratch_folder("quick"))
        options = Options(
            results=results,
            force=force,
            quality=False,
            probes=chosen_probes,
            corpus_size=documents,
            truncate_dims=whole_numbers("--truncate-dims", truncate_dims),
            precisions=chosen_precisions(precisions),
            download=not dry_run,
        )
        plan, failures, display = plan_and_execute(
            on_device(entries, device),
            chosen_tasks(registry, tasks, subsets),
            options,
            task_folders(registry.base_dir),
            CostOptions(effort.LOOK if quick else effort.KEEP, chosen_probes, documents),
            dry_run=dry_run,
        )
        if not dry_run:
            print_costs(results, plan.jobs)
            if quick:
                say("for a look only, nothing is kept: leave out --quick for numbers to keep")
            else:
                display.print_files()
    print_failures(failures)
    return exit_status(plan, failures)
