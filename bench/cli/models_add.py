"""`bench models add`: an entry of models.yaml for a public model or a folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.chosen import DEFAULT_REGISTRY
from bench.cli.options import whole_numbers
from bench.cli.output import say

if TYPE_CHECKING:
    from bench.models.entries.adding import NewModel


def add(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="ID_OR_FOLDER...",
            help="A Hub id, a folder or `package:NAME`; several are places of one model, tried in order.",
        ),
    ],
    models: Annotated[
        Path,
        typer.Option("--models", metavar="FILE", help="The registry to add to; made where it is not there."),
    ] = DEFAULT_REGISTRY,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What tables call it. Default: after its id or folder."),
    ] = None,
    truncate_dims: Annotated[
        list[str] | None,
        typer.Option(
            "--truncate-dims",
            metavar="DIMS",
            help="Dimensions to evaluate. Default: its Matryoshka dimensions, or the fractions that `defaults` takes.",
        ),
    ] = None,
    only_print: Annotated[
        bool, typer.Option("--print", "--dry-run", help="Print the entry and write nothing.")
    ] = False,
) -> None:
    """Add a model to models.yaml: its prompts, task arguments and settings, by its files and by the installed mteb.

    A comment says where each line comes from. The rest of the file stays as it is, and nothing is downloaded.
    """
    from bench.models.entries.adding import new_model

    new = new_model(sources, models, name, whole_numbers("--truncate-dims", truncate_dims))
    say(*new.lines)
    if only_print:
        return
    new.write()
    say("", f"added to {models}; {_next(new, models)}")


def _next(new: NewModel, path: Path) -> str:
    """The command to go on with."""
    words = ["bench", "run"]
    if path != DEFAULT_REGISTRY:
        words += ["--models", str(path)]
    tasks = new.registry.tasks or ["hardware_store"]
    words += ["--model", new.entry.name, "--tasks", ",".join(tasks)]
    fetched = "" if new.here else " (it downloads the model)"
    return f"run it with: {shlex.join(words)}{fetched}"
