"""`bench init`: what a repository needs to be benchmarked and gated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.output import say


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The project's folder. Default: this one.")] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written and write nothing.")] = False,
) -> None:
    """Write what a project needs: models.yaml, task cards, gates.yaml and a GitHub workflow that runs and gates.

    Models, data that looks like a task, the default branch and versions are found out. A file that is there is kept;
    a project with a models.yaml gets rules and a workflow only.
    """
    from bench.scaffold.plan import make_scaffold

    scaffold = make_scaffold(folder)
    for sentence in scaffold.found:
        say(sentence)
    for file in scaffold.files:
        written = file.write(dry_run=dry_run)
        say(
            f"{'would write' if dry_run else 'wrote'} {file.shown}" if written else f"kept {file.shown} (there already)"
        )
    for note in scaffold.notes:
        say(f"note: {note}")
    if not dry_run:
        say(
            "next: bench run --no-cost && bench report, and commit all of it; then bench gate --baseline results passes"
        )
