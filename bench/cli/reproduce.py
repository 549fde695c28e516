"""`bench reproduce`: our scores beside published ones."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.chosen import all_tasks, chosen_models, chosen_tasks, task_folders
from bench.cli.options import RegistryFile, ResultsFolder, TaskNames
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from bench.exchange.compare import Comparison
    from bench.exchange.published import Publication, PublishedTask
    from bench.models.registry import ModelEntry
    from bench.plan import Plan
    from bench.results.index import Cell


class OutputFormat(StrEnum):
    """How the comparison is printed."""

    table = "table"
    json = "json"


def reproduce(
    published: Annotated[
        Path,
        typer.Option("--published", metavar="PATH", help="Result files of MTEB: a folder of them, or one .json."),
    ],
    models: RegistryFile = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME_OR_PATH", help="Our model. Default: the entry with the published source."
        ),
    ] = None,
    tasks: TaskNames = None,
    results: ResultsFolder = Path("results"),
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0.0, metavar="NUMBER", help="The largest difference that counts as none."),
    ] = 0.0002,
    every: Annotated[bool, typer.Option("--all", help="Print every metric, not only those that differ.")] = False,
    output: Annotated[OutputFormat, typer.Option("--format", help="How to print.")] = OutputFormat.table,
) -> int:
    """Set our full-width float32 scores beside those that MTEB publishes, metric by metric.

    What is not in the results folder yet is scored first. Exit status: 0 all within the tolerance, 1 some differ,
    failed or could not be compared at all, 2 wrong usage.
    """
    from bench.cli.comparison import print_comparisons, print_json
    from bench.cli.console import errors
    from bench.cli.terminal import print_failures
    from bench.cli.work import plan_and_execute
    from bench.exchange.compare import Comparison
    from bench.exchange.matching import match_tasks, published_of
    from bench.exchange.published import find_publications
    from bench.plan import Failure, Options

    if not math.isfinite(tolerance):
        raise UsageError(f"--tolerance: {tolerance} is no difference", hint="--tolerance 0.0002")
    entries, registry = chosen_models(models, [model] if model is not None else None)
    ours = chosen_tasks(registry, tasks) if tasks else all_tasks(registry)
    options = Options(results=results, cost=False, precisions=("float32",), mteb_order=True)
    found: list[Comparison] = []
    failures = []
    for entry, publications in _pairs(find_publications(published), entries, chosen=model is not None):
        theirs, unread = _read(publications)
        failures += [Failure(entry.name, path.name, error) for path, error in unread]
        theirs = published_of(theirs, ours) if tasks else theirs
        matches = match_tasks(theirs, ours, required=bool(tasks))
        comparison = Comparison(entry.name, publications[0].model)
        cells: dict[str, dict[tuple[str, str], Cell]] = {}
        if matches.tasks:
            full = entry.model_copy(update={"truncate_dims": None})
            folders = task_folders(registry.base_dir)
            plan, failed, _ = plan_and_execute([full], list(matches.tasks.values()), options, folders, to=errors)
            failures += failed
            cells = _cells(plan, results)
        for task in theirs:
            ready = matches.tasks.get(task.name)
            comparison.add(task, cells.get(ready.name, {}) if ready else {}, matches.absent, tolerance)
        found.append(comparison)
    if output is OutputFormat.json:
        print_json(found, tolerance)
    else:
        print_comparisons(found, tolerance, every=every)
    print_failures(failures)
    same = all(comparison.rows and not comparison.beyond for comparison in found)
    return 0 if same and not failures else 1


def _pairs(
    publications: list[Publication], entries: list[ModelEntry], *, chosen: bool
) -> list[tuple[ModelEntry, list[Publication]]]:
    """Each of our models with what is published of it."""
    from bench.exchange.matching import matching_models

    by_name = {entry.name: entry for entry in entries if entry.kind != "baseline"}
    sources = {name: entry.source for name, entry in by_name.items()}
    pairs: dict[str, list[Publication]] = {}
    for publication in publications:
        names = matching_models(publication.model, sources) if publication.model else []
        if len(names) > 1:
            raise UsageError(
                f"several models of the registry can be the published {publication.model}: {', '.join(names)}",
                hint=f"name one: --model {names[0]}",
            )
        if names:
            pairs.setdefault(names[0], []).append(publication)
    if pairs:
        return [(by_name[name], found) for name, found in pairs.items()]
    theirs = sorted({publication.model or f"unnamed, in {publication.folder}" for publication in publications})
    if chosen and len(theirs) == len(by_name) == 1:
        return [(next(iter(by_name.values())), publications)]
    listed = ", ".join(theirs[:10]) + (f" and {len(theirs) - 10} more" if len(theirs) > 10 else "")
    if chosen:
        raise UsageError(f"which of the published models is it: {listed}?", hint="give --published the folder of one")
    raise UsageError(
        f"no model of the registry is the published one: {listed}",
        hint=f"name yours: --model NAME; the registry has {', '.join(by_name) or 'none'}",
    )


def _read(publications: list[Publication]) -> tuple[list[PublishedTask], list[tuple[Path, BenchError]]]:
    """The published tasks of one model, and the files that cannot be read."""
    from bench.exchange.published import read_task

    tasks: dict[str, PublishedTask] = {}
    unread = []
    for publication in publications:
        for path in publication.files:
            try:
                task = read_task(path)
            except BenchError as error:
                unread.append((path, error))
                continue
            other = tasks.setdefault(task.name, task)
            if other is not task:
                raise UsageError(
                    f"{task.name} is published twice: {other.path} and {task.path}",
                    hint="give --published the folder of one revision",
                )
    return list(tasks.values()), unread


def _cells(plan: Plan, results: Path) -> dict[str, dict[tuple[str, str], Cell]]:
    """What the results folder holds of the very content that was planned: by task, then split and subset."""
    from bench.results.index import ResultIndex
    from bench.results.store import ResultStore

    index = ResultIndex(ResultStore(results).records())
    found: dict[str, dict[tuple[str, str], Cell]] = {}
    for job in plan.jobs:
        unit = job.unit
        for view in job.cells:
            names = (unit.task, unit.split, unit.subset)
            cell = index.cells.get((job.model.entry.name, job.model.fingerprint, names, unit.fingerprint, view))
            if cell is not None:
                found.setdefault(unit.task, {})[unit.split, unit.subset] = cell
    return found
