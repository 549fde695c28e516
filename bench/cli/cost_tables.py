"""Cost figures at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench import environment
from bench.cli.output import say, say_text
from bench.markdown import plain_table
from bench.plan import Job
from bench.results.index import ResultIndex
from bench.results.schema import Figure, detail_text
from bench.results.store import ResultStore
from bench.views import View, sort_key


def print_costs(results: Path, jobs: Sequence[Job]) -> None:
    """Every figure of the jobs in this environment, a table a model and task unit.

    Args:
        results: The results folder.
        jobs: The jobs.
    """
    index = ResultIndex(ResultStore(results).records())
    here = environment.fingerprint()
    for job in jobs:
        unit = (job.unit.task, job.unit.split, job.unit.subset)
        cost = index.costs.get((job.model.entry.name, job.model.fingerprint, unit, job.unit.fingerprint, here))
        if cost is None:
            continue
        say("", f"{job.model.entry.name} on {job.unit.label}")
        figures = sorted((figure for figure, _ in cost.figures.values()), key=_order)
        headings = ["figure", "of", "dim", "precision", "value", "n", "spread"]
        say_text(plain_table([_row(figure) for figure in figures], headings))
        noise = cost.record.noise
        if noise.noisy:
            say(f"noisy: {'; '.join(noise.reasons)}")
        for probe, why in sorted(cost.record.not_measured.items()):
            say(f"{probe} was not measured: {why}")


def _order(figure: Figure) -> tuple[object, ...]:
    view = (0, 0)
    if figure.truncate_dim is not None and figure.precision is not None:
        view = sort_key(View(figure.truncate_dim, figure.precision))
    return figure.name, view, detail_text(figure.detail)


def _row(figure: Figure) -> list[str]:
    dim = "" if figure.truncate_dim is None else str(figure.truncate_dim)
    spread = "computed" if figure.computed else "" if figure.spread is None else f"{figure.spread:.0%}"
    value = f"{figure.value:,.4g}" if abs(figure.value) < 1e4 else f"{figure.value:,.0f}"
    return [figure.name, detail_text(figure.detail), dim, figure.precision or "", value, f"{figure.n:,}", spread]
