"""`bench tasks label`: pairs to label that decide between two models, and reading the labels back."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.chosen import find_registry, named_task, with_made_folder
from bench.cli.compare import read_sides
from bench.cli.options import RegistryFile, ResultsFolder, TaskName, one_of
from bench.cli.output import say
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.labelling.answers import Conflicts, Sheet
    from bench.labelling.places import Places
    from bench.labelling.proposing import Proposals
    from bench.tasks.catalog import Task
    from bench.tasks.data import RetrievalData
    from bench.tasks.unit import TaskUnit


def label(
    name: TaskName,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between",
            metavar="A B",
            help="The two models, as `bench compare` takes them: MODEL, MODEL@DIM/PRECISION, SOURCE#MODEL.",
        ),
    ] = None,
    read: Annotated[
        list[Path] | None,
        typer.Option("--read", metavar="FILE", help="Read a filled-in CSV back; repeat it for several reviewers."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="The sheet, a .csv or a .html form; with --read the file of labels, by default labels/TASK.csv beside "
            "the task's card.",
        ),
    ] = None,
    depth: Annotated[
        int,
        typer.Option(
            "--depth", min=1, max=100, metavar="K", help="Pool the first K of both; nDCG@K is what labels may change."
        ),
    ] = 10,
    pairs: Annotated[int, typer.Option("--pairs", min=1, metavar="N", help="The most pairs to propose.")] = 100,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the order of a query's documents.")] = 0,
    unjudged: Annotated[
        bool, typer.Option("--unjudged", help="Also the queries of a retrieval folder that no split judges.")
    ] = False,
    encode: Annotated[
        bool,
        typer.Option(
            "--encode", help="Encode what the store lacks, with the models of the registry; no results are needed."
        ),
    ] = False,
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help="Of a task with several.")] = None,
    subset: Annotated[str | None, typer.Option("--subset", metavar="NAME", help="Of a task with several.")] = None,
    conflicts: Annotated[
        str,
        typer.Option(
            "--conflicts",
            metavar="RULE",
            help="Pairs with several labels: strict refuses them, majority takes the label of most reviewers.",
        ),
    ] = "strict",
    results: ResultsFolder = Path("results"),
    models: RegistryFile = None,
) -> None:
    """Propose the pairs of query and document whose labels would decide between two models, or read labels back.

    The first documents of both are pooled from stored vectors; without --encode nothing is encoded. The sheet does not
    show which model found a document, or where. Labels that are read back go into a file of their own, which the task's
    card names.
    """
    from bench.labelling.answers import CONFLICTS
    from bench.labelling.units import with_unjudged
    from bench.paths import path_exists

    if (between is None) == (not read):
        raise UsageError(
            "--between proposes pairs, --read reads labels back",
            hint="give one of them: --between A B --output labels.html, or --read labels.csv",
        )
    rule: Conflicts = one_of("--conflicts", conflicts, CONFLICTS) or "strict"
    task = named_task(name)
    unit = _unit(task, split, subset)
    further = with_unjudged(unit) if unjudged or read else None
    if unjudged and further is None:
        raise UsageError("--unjudged: only a retrieval folder of this machine has queries that nobody judges")
    if between is None:
        _read(task, unit, further or unit, read or [], output, rule, name)
        return
    if output is None or output.suffix.lower() not in {".csv", ".html"}:
        raise UsageError("--output: the sheet is a .csv or a .html file", hint="--output labels.html")
    if path_exists(output):
        raise _taken(output)
    asked = _Asked(name, further or unit, output, depth, pairs, seed, models)
    _propose(asked, _encoded(asked, between) if encode else _stored(asked, between, results))


@dataclass(frozen=True)
class _Asked:
    """What is to be proposed: the task as it was typed, its unit, the sheet and the options."""

    name: str
    unit: TaskUnit
    output: Path
    depth: int
    pairs: int
    seed: int
    models: Path | None


def _taken(output: Path) -> UsageError:
    return UsageError("there is such a file already, maybe with labels", where=str(output), hint="choose another name")


def _unit(task: Task, split: str | None, subset: str | None) -> TaskUnit:
    """The one split and subset to label.

    Raises:
        UsageError: There is none of these names, or there are several.
    """
    units = task.units()
    found = [unit for unit in units if split in {None, unit.split} and subset in {None, unit.subset}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{unit.split} {unit.subset}" for unit in units)
    raise UsageError(
        f"`{task.name}` has {'several splits and subsets' if found else 'no such split and subset'}: {names}",
        hint="choose one: --split, --subset",
    )


def _stored(asked: _Asked, between: Sequence[str], results: Path) -> list[tuple[str, Places]]:
    """What both models of results rank first, with their titles."""
    from bench.cache import cache_root
    from bench.labelling.sides import make_ranker
    from bench.labelling.units import labelled_data
    from bench.vectors.store import store_root

    unit, root = asked.unit, store_root(cache_root())
    entries = find_registry(asked.models).models
    with ExitStack() as opened:
        sides = read_sides(between, results, opened)
        rankers = [make_ranker(side, (unit.task, unit.split, unit.subset), asked.name) for side in sides]
    data = labelled_data(unit)
    return [(ranker.title, ranker.places(data, entries, root, asked.depth)) for ranker in rankers]


def _encoded(asked: _Asked, between: Sequence[str]) -> list[tuple[str, Places]]:
    """What both models of the registry rank first, with their titles."""
    from bench.cli.terminal import RunDisplay
    from bench.comparing.operands import model_and_view
    from bench.labelling.encoding import encoded_places
    from bench.labelling.units import labelled_data

    registry = find_registry(asked.models)
    names = [entry.name for entry in registry.models]
    chosen = []
    for text in between:
        found = model_and_view(text, names)
        name, view = found or (text, None)
        chosen.append((with_made_folder(registry.select([name])[0], registry, download=True), view))
    data = labelled_data(asked.unit)
    with RunDisplay() as display:
        return [encoded_places(entry, view, asked.unit, data, asked.depth, display) for entry, view in chosen]


def _propose(asked: _Asked, models: Sequence[tuple[str, Places]]) -> None:
    from bench.files import write_new
    from bench.labelling.form import form_html
    from bench.labelling.proposing import propose
    from bench.labelling.sheet import sheet_csv, sheet_rows
    from bench.labelling.units import labelled_data

    data, output, unit = labelled_data(asked.unit), asked.output, asked.unit
    (title, first), (other, second) = models
    found = propose(data, first, second, asked.depth, asked.pairs, asked.seed)
    if not found.pairs:
        raise BenchError(
            f"no label would change nDCG@{asked.depth} of one more than of the other",
            where=f"task `{unit.label}`",
            hint="both rank the same documents, or all pooled pairs are judged",
        )
    pool = f"the first {asked.depth} of {title} and {other}"
    rows = sheet_rows(data, found.pairs)
    content = sheet_csv(rows, pool)
    if output.suffix.lower() == ".html":
        content = form_html(rows, pool, f"{unit.label} ({unit.split})", f"{output.stem}.csv").encode()
    if not write_new(output, content):
        raise _taken(output)
    _print_proposals(found, data, asked)


def _print_proposals(found: Proposals, data: RetrievalData, asked: _Asked) -> None:
    output, covered = asked.output, len({pair.query for pair in found.pairs})
    say(
        f"{len(found.pairs):,} of {found.found:,} pairs whose label would change the difference of nDCG@{asked.depth}, "
        f"of {covered:,} of {found.queries:,} queries (the task has {data.n:,})"
    )
    filled = output.with_suffix(".csv")
    first = "open it in a browser, label, download the CSV" if filled != output else "fill in `label`: 1 or 0"
    command = f"bench tasks label {shlex.quote(asked.name)} --read {shlex.quote(str(filled))}"
    say(f"written: {output}; {first}, then: {command}")


def _read(
    task: Task, unit: TaskUnit, wider: TaskUnit, paths: list[Path], output: Path | None, rule: Conflicts, name: str
) -> None:
    from bench.labelling.answers import combine, read_sheet
    from bench.labelling.saving import add_labels, card_file
    from bench.labelling.units import labelled_data

    card = card_file(task)
    data = labelled_data(wider)
    sheets = [read_sheet(path, data) for path in dict.fromkeys(paths)]
    _print_sheets(sheets)
    new = add_labels(unit, card, combine(sheets, rule), output)
    new.write()
    named = f"; {new.card} names it now" if new.text is not None else ""
    say(f"{new.added:,} new labels in {new.file}{named}")
    say(f"score again: bench run --tasks {shlex.quote(name)}")


def _print_sheets(sheets: list[Sheet]) -> None:
    from bench.labelling.answers import agreements

    for sheet in sheets:
        relevant = sum(one.gain > 0 for one in sheet.labels.values())
        queries = len({query for query, _ in sheet.labels})
        say(
            f"{sheet.path}: {len(sheet.labels):,} labelled ({relevant:,} relevant) of {queries:,} queries, "
            f"{sheet.skipped:,} skipped"
        )
    for found in agreements(sheets):
        kappa = "not defined" if found.kappa is None else f"{found.kappa:.2f}"
        say(
            f"{found.first} and {found.second}: the same label for {found.share:.0%} of {found.pairs:,} pairs, "
            f"Cohen's kappa {kappa}"
        )
