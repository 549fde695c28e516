"""Measuring once more what was measured with noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.cli.chosen import chosen_models, chosen_tasks, find_registry, task_folders
from bench.cli.console import errors
from bench.cli.terminal import print_failures
from bench.cli.work import plan_and_execute
from bench.cost import effort
from bench.cost.measure import PROBES
from bench.environment import fingerprint
from bench.errors import BenchError
from bench.gate.sides import CostKey
from bench.measuring import CostOptions
from bench.plan import Options


def measure_again(places: Mapping[CostKey, set[str]], results: Path, models: Path | None) -> list[str]:
    """Measure costs anew, in this environment; `bench cost --force` for those models and tasks alone.

    Args:
        places: Whose costs, and by which probes; all where none is named.
        results: The results folder.
        models: The registry's file.

    Returns:
        What could not be measured, in sentences.

    Raises:
        UsageError: The registry cannot be read.
    """
    find_registry(models)
    here = fingerprint()
    notes = []
    for place, wanted in sorted(places.items(), key=lambda item: item[0]):
        task, _, subset = place.unit
        if place.environment != here:
            notes.append(f"{place.model} on {task} was measured in {place.environment}, this is {here}")
            continue
        probes = tuple(probe for probe in PROBES if probe in wanted) or PROBES
        try:
            entries, registry = chosen_models(models, [place.model])
            units = chosen_tasks(registry, [task], None if subset == "default" else [subset])
        except BenchError as error:
            # Results may be of models and tasks that are no longer declared.
            notes.append(f"{place.model} on {task} cannot be measured again: {error.one_line}")
            continue
        _, failures, _ = plan_and_execute(
            entries,
            units,
            Options(results=results, force=True, quality=False, probes=probes),
            task_folders(registry.base_dir),
            CostOptions(effort.KEEP, probes),
            to=errors,
        )
        print_failures(failures)
        notes += [f"{failure.model} on {failure.task}: {failure.error.one_line}" for failure in failures]
    return notes
