"""The plan of a run: which cells there are, which are done, which have to be done and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from bench.cache import cache_root
from bench.cost.measure import PROBES, can_search, possible_probes
from bench.cost.searching import figure_of
from bench.environment import fingerprint as environment_fingerprint
from bench.errors import BenchError, UsageError
from bench.hub import NotDownloadedError
from bench.models.backend import check_backend
from bench.models.fingerprint import fingerprint, static_width
from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate
from bench.quality.bm25 import baseline_fingerprint
from bench.results.index import Cost, ResultIndex
from bench.results.schema import QualityRecord
from bench.tasks.places import NotAvailableError
from bench.tasks.unit import TaskUnit
from bench.vectors.store import VectorSpace, store_root
from bench.views import View, sort_key

Status = Literal["to do", "stale", "done"]


class UnitSource(Protocol):
    """A task, as a plan needs it."""

    @property
    def name(self) -> str:
        """Its name."""

    def units(self, *, download: bool) -> list[TaskUnit]:
        """The splits and subsets to score; raises a BenchError where they cannot be had."""


@dataclass(frozen=True)
class Options:
    """What the user asked of a run.

    Attributes:
        results: The results folder.
        force: Do again what is done.
        quality: Whether to score.
        cost: Whether to measure cost.
        probes: Which probes of cost.
        corpus_size: Documents of a synthetic corpus to search instead of the task's.
        truncate_dims: Instead of every entry's own.
        precisions: Instead of every entry's own.
        download: Whether the Hub may be asked for models.
    """

    results: Path
    force: bool = False
    quality: bool = True
    cost: bool = True
    probes: tuple[str, ...] = PROBES
    corpus_size: int | None = None
    truncate_dims: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    download: bool = True


@dataclass(frozen=True)
class Failure:
    """Something that could not be done."""

    model: str
    task: str
    error: BenchError


@dataclass(frozen=True)
class PlannedModel:
    """A model that is ready to run.

    Attributes:
        entry: Its entry.
        fingerprint: Its identity.
        located: Its files; None for a baseline.
        space: Its stored vectors; None for a baseline.
        width: Dimensions of its vectors; None for a baseline.
        views: The views asked for; empty for a baseline.
    """

    entry: ModelEntry
    fingerprint: str
    located: Located | None = None
    space: VectorSpace | None = None
    width: int | None = None
    views: tuple[View, ...] = ()

    @property
    def setup(self) -> dict[str, Any]:
        """What cost depends on besides the model and the environment."""
        return {} if self.located is None else {"device": self.entry.device, "batch_size": self.entry.batch_size}


@dataclass(frozen=True)
class Job:
    """One model on one task unit.

    Attributes:
        model: The model.
        unit: The task unit.
        cells: Status and reason of every view (None stands for a baseline's only one).
        cost: Status and reason of the cost figures; None when cost is not asked for.
    """

    model: PlannedModel
    unit: TaskUnit
    cells: dict[View | None, tuple[Status, str]]
    cost: tuple[Status, str] | None

    @property
    def todo(self) -> list[View | None]:
        """Views to score."""
        return [view for view, (status, _) in self.cells.items() if status != "done"]

    @property
    def cost_todo(self) -> bool:
        """Whether cost is to be measured."""
        return self.cost is not None and self.cost[0] != "done"


@dataclass
class Plan:
    """All jobs, and what cannot even be planned."""

    jobs: list[Job] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def only_wrong_usage(self) -> bool:
        """Whether nothing can be done because of what was asked for."""
        return not self.jobs and all(isinstance(failure.error, UsageError) for failure in self.failures)

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is left to do."""
        return not any(job.todo or job.cost_todo for job in self.jobs)


def make_plan(
    entries: Sequence[ModelEntry],
    tasks: Sequence[UnitSource],
    index: ResultIndex,
    options: Options,
    load_profile: Callable[[ModelEntry, Located, VectorSpace], ModelProfile],
    on_task: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Cross models with task units and compare with the results there are.

    Args:
        entries: The models.
        tasks: The tasks.
        index: The results there are.
        options: What the user asked for.
        load_profile: Loads a model whose width no file states.
        on_task: Told the task whose data is read next.
    """
    plan = Plan()
    units = _units(tasks, plan, on_task, download=options.download)
    for entry in entries:
        try:
            model = _plan_model(entry, options, load_profile)
        except BenchError as error:
            plan.failures.append(Failure(entry.name, "all tasks", error))
            continue
        for unit in units:
            if entry.kind == "baseline" and unit.info.type != "retrieval":
                plan.notes.append(f"{entry.name} only ranks documents: no cell on {unit.label} ({unit.info.type})")
                continue
            if options.corpus_size is not None and (entry.kind == "baseline" or unit.info.type != "retrieval"):
                plan.notes.append(f"{entry.name} on {unit.label}: no vectors to draw a synthetic corpus around")
                continue
            with_cost = options.cost and _has_cost(unit, units)
            if with_cost or not entry.drawn:
                plan.jobs.append(_job(model, unit, index, options, with_cost=with_cost))
        if entry.drawn:
            plan.notes.append(f"{entry.name}: random weights: cost only")
    return plan


class _Missing:
    """Units whose data is not here, told once a task: they all lack the same data set."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[list[TaskUnit], BenchError]] = {}

    def add(self, unit: TaskUnit, error: BenchError) -> None:
        self._found.setdefault(unit.task, ([], error))[0].append(unit)

    def failures(self) -> Iterator[Failure]:
        for units, error in self._found.values():
            subsets = [unit.subset for unit in units]
            label = units[0].label if len(units) == 1 else f"{units[0].task} {', '.join(subsets)}"
            yield Failure("all models", label, error)


def _units(
    tasks: Sequence[UnitSource], plan: Plan, on_task: Callable[[str], None], *, download: bool
) -> list[TaskUnit]:
    units = []
    missing = _Missing()
    for task in tasks:
        try:
            found = task.units(download=download)
        except BenchError as error:
            plan.failures.append(Failure("all models", task.name, error))
            continue
        for unit in found:
            on_task(unit.label)
            try:
                _ = unit.info
            except NotDownloadedError as error:
                missing.add(unit, after_download(error))
                continue
            except NotAvailableError as error:
                missing.add(unit, error)
                continue
            except BenchError as error:
                plan.failures.append(Failure("all models", unit.label, error))
                continue
            plan.notes += [f"{unit.label}: {note}" for note in unit.info.notes]
            unit.release()
            units.append(unit)
    plan.failures += missing.failures()
    return units


def after_download(error: NotDownloadedError) -> BenchError:
    """What a plan that may not download says of something that a run would download."""
    return BenchError(error.message, where=error.where, hint="a run without --dry-run downloads it")


def _plan_model(
    entry: ModelEntry, options: Options, load_profile: Callable[[ModelEntry, Located, VectorSpace], ModelProfile]
) -> PlannedModel:
    if entry.kind == "baseline":
        return PlannedModel(entry, baseline_fingerprint(entry))
    check_backend(entry)
    try:
        located = locate(entry, download=options.download)
    except NotDownloadedError as error:
        raise after_download(error) from error
    identity = fingerprint(entry, located.path)
    space = VectorSpace(store_root(cache_root()), identity.space)
    profile = space.profile()
    width = profile.width if profile else static_width(located.path)
    if width is None:
        width = load_profile(entry, located, space).width
    views = _views(entry, width, options)
    return PlannedModel(entry, identity.model, located, space, width, views)


def _views(entry: ModelEntry, width: int, options: Options) -> tuple[View, ...]:
    dims = options.truncate_dims or tuple(entry.truncate_dims or [width])
    too_wide = [dim for dim in dims if dim > width]
    if too_wide:
        raise UsageError(
            f"truncate_dims asks for {too_wide[0]} dimensions, but the model has {width}",
            where=f"model `{entry.name}`",
            hint=f"ask for {width} or fewer",
        )
    precisions = options.precisions or tuple(entry.precisions)
    return tuple(sorted({View(dim, precision) for dim in dims for precision in precisions}, key=sort_key))  # type: ignore[arg-type]


def _job(model: PlannedModel, unit: TaskUnit, index: ResultIndex, options: Options, *, with_cost: bool) -> Job:
    name, names = model.entry.name, (unit.task, unit.split, unit.subset)
    key = (name, model.fingerprint, names, unit.fingerprint)
    changes = []
    if index.models.get(name, model.fingerprint) != model.fingerprint:
        changes.append("the model changed")
    if index.units.get(names, unit.fingerprint) != unit.fingerprint:
        changes.append("the task's data changed")
    # Results of this very content exist but later ones hide them: written again, they are the newest.
    known_before = any(cell[0] == name and cell[2] == names for cell in index.cells)

    def status(done: bool) -> tuple[Status, str]:
        if changes:
            return ("stale", " and ".join(changes)) if known_before else ("to do", "new")
        if done and not options.force:
            return "done", "up to date"
        return "to do", "--force" if done else "new"

    def of_cell(view: View | None) -> tuple[Status, str]:
        cell = index.cells.get((*key, view))
        found = status(cell is not None)
        # Reports read the metrics to show from the newest record.
        if cell is not None and found[0] == "done" and not _shows(cell.record, unit):
            return "stale", "the metrics to show changed"
        return found

    views: tuple[View | None, ...] = model.views or (None,)
    cells = {view: of_cell(view) for view in views} if options.quality and not model.entry.drawn else {}
    cost = None
    if with_cost:
        known = index.costs.get((*key, environment_fingerprint()))
        cost = status(_cost_known(model, unit, known, options))
    return Job(model, unit, cells, cost)


def _shows(record: QualityRecord, unit: TaskUnit) -> bool:
    """Whether a record has the metrics to show that the card has now."""
    return (record.task.main_metric, record.task.shown) == (unit.main_metric, unit.card.shown)


def _has_cost(unit: TaskUnit, units: Sequence[TaskUnit]) -> bool:
    """Whether cost is measured on a unit: not on what mteb scores, and of a task's sts subsets on the first alone.

    Encoding costs about the same on all of them, and nothing is searched.
    """
    first = next(other for other in units if (other.task, other.split) == (unit.task, unit.split))
    return unit.info.type == "retrieval" or (unit.info.type == "sts" and unit is first)


def _cost_known(model: PlannedModel, unit: TaskUnit, known: Cost | None, options: Options) -> bool:
    """Whether every figure that can be measured here has been, with this setup."""
    if known is None or known.record.setup != model.setup:
        return False
    possible = possible_probes(searching=unit.info.type == "retrieval", baseline=model.located is None)
    wanted = set(options.probes) & set(possible)
    if can_search():
        # What ran before may have been asked for other views, or on another corpus.
        for view in model.views or (None,):
            for probe in wanted:
                figure = figure_of(probe, view, model.width, options.corpus_size)
                if figure is not None and figure not in known.figures:
                    return False
    return wanted <= known.probes
