"""`bench export`: results and models in other programs' forms."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.chosen import find_registry, with_made_folder
from bench.cli.options import RegistryFile, ResultsFolder, split_list
from bench.cli.output import say
from bench.errors import BenchError, UsageError, did_you_mean

export = typer.Typer(help="Hand results and models to other programs.", no_args_is_help=True)


@export.callback()
def group() -> None:
    """Hand results and models to other programs."""


@export.command()
def mteb(
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="The folder that the files go to.")],
    results: ResultsFolder = Path("results"),
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAMES", help="Only these models. May be repeated.")
    ] = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--tasks", metavar="NAMES", help="Only these tasks. May be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of other content.")] = False,
) -> None:
    """Write results as MTEB's own result files, which `mteb.ResultCache(DIR).load_results()` reads.

    Results that a later change of the model or the data has superseded are left out.
    """
    from bench.cli.left_out import chosen_left_out, tell_left_out
    from bench.exchange.collect import collect
    from bench.exchange.mteb_files import write_exports
    from bench.exchange.values import NAUC
    from bench.reading import user_path
    from bench.results.index import ResultIndex
    from bench.results.store import ResultStore

    found = ResultStore(results).records()
    index = ResultIndex(found)
    if not index.cells:
        raise BenchError("no quality results", where=str(results), hint="make results first: bench run")
    names = _only("--model", model, {key[0] for key in index.cells})
    units = _only("--tasks", tasks, {key[2][0] for key in index.cells})
    exports = collect(index, names, units)
    if not exports:
        raise UsageError("there are no current results of these models on these tasks", hint="see bench results")
    folder = user_path(str(output))
    written = write_exports(exports, folder, overwrite=overwrite)
    new = sum(written.values())
    say(f"{new} files written to {folder}, {len(written) - new} were there already")
    for item in {item.model.name: item for item in exports}.values():
        say(f"  {item.model.info.name} is {item.model.name} at {item.model.revision}")
    tell_left_out(chosen_left_out(found, names, units))
    if without := sum(item.without_nauc for item in exports):
        say(f"{without} files lack MTEB's {NAUC}*: bench computes it of a model's whole float32 vectors only")
    if expected := [item for item in exports if item.expected]:
        again = ",".join(sorted({item.scores[0][0].name for item in expected}))
        say(
            f"{len(expected)} files hold the expectation over ties: their results are from before bench kept MTEB's "
            f"order; make them again: bench run --force --no-cost --tasks {again}"
        )


@export.command()
def model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An embedding model of the registry.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write: a new one, or an empty one.")],
    models: RegistryFile = None,
    results: ResultsFolder = Path("results"),
) -> None:
    """Write a model as a folder of its own, with a card that shows its results.

    `SentenceTransformer(DIR)` loads it and encodes as bench measured it: the entry's settings and prompts are in the
    folder, and nothing outside of it is needed. README.md says how the model was made and what it scored, for readers
    and for the Hub.
    """
    from bench.models.source import locate
    from bench.publish.folder import check_free, publish_model
    from bench.reading import user_path
    from bench.results.store import ResultStore

    registry = find_registry(models)
    [entry] = registry.select([name])
    if entry.kind == "baseline":
        raise UsageError(f"`{name}` is a baseline, not an embedding model", hint="`bench models` lists the kinds")
    place = user_path(str(folder))
    check_free(place)
    records = ResultStore(results).records()
    entry = with_made_folder(entry, registry, download=True)
    written = publish_model(entry, locate(entry, download=True), records, place)
    say(f"wrote {name} to {place}, fingerprint {written.fingerprint}")
    if written.cells:
        say(f"its card shows {written.cells} results")
    else:
        say(f"{results} has no current results of it; make some: bench run --model {shlex.quote(name)}")


def _only(option: str, values: list[str] | None, known: set[str]) -> list[str]:
    found = split_list(values, known)
    for value in found:
        if value not in known:
            raise UsageError(
                f"{option}: no results of `{value}`",
                hint=did_you_mean(value, known) or f"there are: {', '.join(sorted(known))}",
            )
    return found
