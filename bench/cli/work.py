"""Planning and doing: what commands that score models have in common."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from bench.cli.terminal import RunDisplay, console, print_plan
from bench.models.registry import ModelEntry
from bench.plan import Failure, Options, Plan, UnitSource, make_plan
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.runner import LoadedModels, execute


def plan_and_execute(
    entries: Sequence[ModelEntry],
    tasks: Sequence[UnitSource],
    options: Options,
    *,
    dry_run: bool = False,
    to: Console = console,
) -> tuple[Plan, list[Failure], RunDisplay]:
    """Plan, show the plan and do it.

    Args:
        entries: The models.
        tasks: The tasks.
        options: What was asked for.
        dry_run: Whether the plan is all that is wanted.
        to: Where the plan and the progress are shown.

    Returns:
        The plan, what failed, and the display that saw it.
    """
    with RunDisplay(to) as display:
        loaded = LoadedModels(display)
        index = ResultIndex(ResultStore(options.results).records())
        plan = make_plan(entries, tasks, index, options, loaded.profile, display.reading)
        display.reading(None)
        print_plan(plan, to)
        failures = plan.failures if dry_run else execute(plan, options.results, loaded, display)
    return plan, failures, display
