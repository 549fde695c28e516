"""`bench report`: pages from results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import MaxLoss, ReportsFolder, ResultsFolder, read_margin
from bench.cli.output import say

Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; list what is stale. Exit status 1 if anything is.")
]


def report(
    results: ResultsFolder = Path("results"),
    reports: ReportsFolder = Path("reports"),
    check: Check = False,
    max_loss: MaxLoss = None,
) -> int:
    """Write the pages in reports/ from the results folder alone: an index, the leaderboard, one a task and model.

    Pages that are no longer made are removed from reports/tasks, reports/models and reports/pictures; files that
    `bench report` did not write stay.
    """
    from bench.report.pages import stale_pages, write_pages

    margin = read_margin(max_loss)
    if check:
        stale = stale_pages(results, reports, margin)
        for page in stale:
            say(f"{page.state}: {reports / page.path}")
        say("write them: bench report" if stale else f"{reports} is up to date")
        return 1 if stale else 0
    for page in write_pages(results, reports, margin):
        say(f"{'removed' if page.state == 'left over' else 'wrote'} {reports / page.path}")
    say(f"{reports / 'README.md'} leads to all pages")
    return 0
