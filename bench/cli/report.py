"""`bench report`: leaderboards from results."""

from __future__ import annotations

from pathlib import Path

import typer

from bench.cli.options import ReportsFolder, ResultsFolder


def report(results: ResultsFolder = Path("results"), reports: ReportsFolder = Path("reports")) -> None:
    """Write reports/leaderboard.md from the results folder alone."""
    from bench.report.leaderboard import write_leaderboard

    typer.echo(f"wrote {write_leaderboard(results, reports)}")
