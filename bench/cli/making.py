"""Making models from recipes before they are scored, and showing how it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, TaskID

from bench.cli.console import escape
from bench.cli.progress import ProgressDisplay
from bench.errors import BenchError
from bench.faults import as_bench_error
from bench.hub import NotDownloadedError
from bench.models.registry import ModelEntry
from bench.plan import Failure, UnitSource
from bench.planning import after_download
from bench.tasks.unit import TaskUnit
from bench.training.coverage import Coverage
from bench.training.data import TaskFinder
from bench.training.identity import Prepared, prepare
from bench.training.leakage import check_leakage
from bench.training.make import make

TRAINING = "training"


class TrainDisplay(ProgressDisplay):
    """Progress of training on the terminal.

    Args:
        to: Where it is shown.
    """

    def __init__(self, to: Console) -> None:
        super().__init__(to, MofNCompleteColumn())
        self._bar: TaskID | None = None
        self._since = (0, 0.0)
        self._loss: float | None = None
        self._coverage = ""

    def preparing(self, model: str) -> None:
        """A model's base and data are being read."""
        self._remove()
        self._bar = self._progress.add_task(f"preparing {escape(model)}", total=None, rate="")

    def counted(self, model: str, coverage: Sequence[Coverage]) -> None:  # noqa: ARG002 - the protocol's signature
        """The batches of a training were counted, by data set."""
        self._coverage = "; ".join(map(str, coverage))

    def starting(self, model: str, steps: int) -> None:
        """A training begins."""
        self._begin(f"training {model}: {steps:,} step{'s' if steps > 1 else ''}")

    def resuming(self, model: str, step: int, steps: int) -> None:
        """An interrupted training goes on."""
        self._begin(f"going on with {model} at step {step:,} of {steps:,}")

    def training(self, model: str, step: int, steps: int, loss: float) -> None:
        """A step was done."""
        now = time.perf_counter()
        if self._bar is None or self._progress.tasks[-1].total != steps:
            self._remove()
            self._bar = self._progress.add_task(f"train {escape(model)}", total=steps, rate="")
            self._since = (step, now)
        done, seconds = step - self._since[0], now - self._since[1]
        rate = f"{done / seconds:,.2f} steps/s, " if done and seconds > 0 else ""
        self._loss = loss
        self._progress.update(self._bar, completed=step, rate=f"{rate}loss {loss:.4f}")

    def judged(self, model: str, step: int, metric: str, score: float) -> None:
        """The model was scored."""
        self._console.print(f"{escape(model)} at step {step:,}: {escape(metric)} {score:.4f}")

    def made(self, model: str, folder: Path) -> None:
        """A model was made and stored."""
        self._remove()
        loss = "" if self._loss is None else f", last loss {self._loss:.4f}"
        self._console.print(f"trained {escape(model)}{loss}: {escape(str(folder))}", soft_wrap=True)

    def waiting(self, model: str) -> None:
        """Another process is training this model."""
        self._console.print(f"waiting: another process is training {escape(model)}")

    def _begin(self, what: str) -> None:
        self._console.print(escape(f"{what}, {self._coverage}"), soft_wrap=True)

    def _remove(self) -> None:
        if self._bar is not None:
            self._progress.remove_task(self._bar)
            self._bar = None


def tested_units(tasks: Iterable[UnitSource], *, download: bool) -> list[TaskUnit]:
    """The units of tasks whose data is here; the others cannot be tested, and are reported where they fail."""
    units = []
    for task in tasks:
        try:
            for unit in task.units(download=download):
                _ = unit.info
                units.append(unit)
        except BenchError:
            continue
    return units


def make_missing(
    entries: Sequence[ModelEntry],
    tasks: Sequence[UnitSource],
    find: TaskFinder,
    to: Console,
    *,
    dry_run: bool,
) -> tuple[list[ModelEntry], list[Failure], list[str]]:
    """Make the models with a recipe that are not there yet; one that fails costs the others nothing.

    Args:
        entries: All models of a run.
        tasks: What they are tested on.
        find: Finds the tasks that recipes name.
        to: Where progress is shown.
        dry_run: Whether to say only which are to be made.

    Returns:
        The models that are there, the failures, and notes on those that are to be made.
    """
    ready: list[ModelEntry] = []
    failures: list[Failure] = []
    notes: list[str] = []
    if all(entry.recipe is None for entry in entries):
        return list(entries), failures, notes
    tested = tested_units(tasks, download=find.download)
    with TrainDisplay(to) as display:
        for entry in entries:
            if entry.recipe is None:
                ready.append(entry)
                continue
            try:
                display.preparing(entry.name)
                prepared = prepare(entry, find)
                if dry_run:
                    check_leakage(prepared, tested)
                else:
                    make(prepared, find, tested, display, entry.device)
            except Exception as error:  # noqa: BLE001 - one model that cannot be made must not stop the others
                failures.append(failure(entry.name, error))
                continue
            if dry_run and not prepared.is_made:
                notes.append(f"{entry.name} is to be trained: {in_words(prepared)}")
            else:
                ready.append(prepared.entry)
    return ready, failures, notes


def failure(name: str, error: Exception) -> Failure:
    """A model that could not be made."""
    if isinstance(error, NotDownloadedError):
        error = after_download(error)
    return Failure(name, TRAINING, as_bench_error(error, f"training of `{name}`"))


def in_words(prepared: Prepared) -> str:
    """What a recipe trains on."""
    return "; ".join(f"{part.label}, {len(part):,} rows ({part.shape}), {part.loss}" for part in prepared.sets)
