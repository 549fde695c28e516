"""Making the plan of a run: models crossed with task units, compared with the results there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.cache import cache_root
from bench.cost.measure import can_search, possible_probes
from bench.cost.searching import figure_of
from bench.environment import fingerprint as environment_fingerprint
from bench.errors import BenchError, UsageError
from bench.hub import NotDownloadedError
from bench.inputs import Inputs, notes_on_inputs, notes_on_model, notes_on_needs
from bench.models.backend import check_backend
from bench.models.fingerprint import fingerprint, static_width
from bench.models.fitting import fit_settings
from bench.models.folders.stated import read_stated
from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate
from bench.plan import Failure, Job, Options, Part, Plan, PlannedModel, UnitSource, Verdict
from bench.quality.bm25 import baseline_fingerprint
from bench.results.cells import Measurement
from bench.results.index import Cost, ResultIndex, ResultKey
from bench.results.schema import ModelRecord, QualityRecord
from bench.results.study_records import FidelityRecord
from bench.studies import STUDIES
from bench.tasks.card import StudyName
from bench.tasks.places import NotAvailableError
from bench.tasks.unit import TaskUnit
from bench.vectors.store import VectorSpace, store_root
from bench.views import View, sort_key

_CHANGED = {"model": "the model changed", "data": "the task's data changed"}


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
            model, notes = plan_model(entry, options, load_profile)
            plan.notes += [*notes, *notes_on_inputs(model, units), *notes_on_needs(model, units)]
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


def plan_model(
    entry: ModelEntry, options: Options, load_profile: Callable[[ModelEntry, Located, VectorSpace], ModelProfile]
) -> tuple[PlannedModel, list[str]]:
    """A model that is ready to run, and what a reader of the plan should know about it.

    Raises:
        BenchError: Its files are not here or are broken, or it lacks the dimensions asked for.
    """
    if entry.kind == "baseline":
        return PlannedModel(entry, baseline_fingerprint(entry)), []
    check_backend(entry)
    try:
        located = locate(entry, download=options.download)
    except NotDownloadedError as error:
        raise after_download(error) from error
    stated = read_stated(located.path, f"model `{entry.name}`")
    entry, notes = fit_settings(entry, stated)
    identity = fingerprint(entry, located.path)
    space = VectorSpace(store_root(cache_root()), identity.space)
    profile = space.profile()
    width = profile.width if profile else static_width(located.path)
    if width is None:
        width = load_profile(entry, located, space).width
    views = _views(entry, width, options, stated.truncate_dim)
    model = PlannedModel(entry, identity.model, located, space, width, views, options.shortlists, stated)
    return model, [*notes, *notes_on_model(model, profile)]


def _views(entry: ModelEntry, width: int, options: Options, own_dim: int | None) -> tuple[View, ...]:
    # Without a choice: all dimensions, and the cut that the model's own configuration makes.
    unasked = [width, *([own_dim] if own_dim is not None and own_dim < width else [])]
    dims = options.truncate_dims or tuple(entry.truncate_dims or unasked)
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
    key: ResultKey = (name, model.fingerprint, names, unit.fingerprint)
    inputs = Inputs.of(model, unit)

    def status(kind: Measurement, done: bool, measured_before: bool) -> Verdict:
        # Results of this very content may exist while later ones hide them: written again, they are the newest.
        changes = [_CHANGED[change.what] for change in index.changes(kind, key)]
        if changes:
            return ("stale", " and ".join(changes)) if measured_before else ("to do", "new")
        if done and not options.force:
            return "done", "up to date"
        return "to do", "--force" if done else "new"

    def of_scores(record: ModelRecord | None, scored_before: bool) -> Verdict:
        # Studies are current where scores are.
        found = status("quality", record is not None, scored_before)
        reason = _outdated(record, unit, inputs, options) if record is not None and found[0] == "done" else ""
        return ("stale", reason) if reason else found

    def of_study(study: StudyName) -> dict[Part, Verdict]:
        results = STUDIES[study].results(index)
        before = any(other[0] == name and other[2] == names for other in results)
        known = results.get(key, {})
        return {part: of_scores(known.get(part), before) for part in STUDIES[study].parts(model, unit)}

    before = any(cell[0] == name and cell[2] == names for cell in index.cells)
    views: tuple[View | None, ...] = model.views or (None,)
    cells: dict[View | None, Verdict] = {}
    studies: dict[StudyName, dict[Part, Verdict]] = {}
    if options.quality and not model.entry.drawn:
        found = {view: index.cells.get((*key, view)) for view in views}
        cells = {view: of_scores(cell.record if cell else None, before) for view, cell in found.items()}
        studies = {study: parts for study in _asked_for(unit, options) if (parts := of_study(study))}
    cost = None
    if with_cost:
        known = index.costs.get((*key, environment_fingerprint()))
        measured_before = any(other[0] == name and other[2] == names for other in index.costs)
        cost = status("cost", _cost_known(model, unit, known, options, inputs), measured_before)
    return Job(model, unit, cells, cost, studies)


def _outdated(record: ModelRecord, unit: TaskUnit, inputs: Inputs, options: Options) -> str:
    """Why a record of the same model and data is made again; empty where it is not."""
    if not inputs.match(record):
        return "what its texts are encoded with changed"
    if options.mteb_order and isinstance(record, QualityRecord) and not record.knows_mteb_order:
        return "MTEB's order of ties is not known"
    # Reports read the metrics to show and the margin from the newest record.
    if not _shows(record, unit):
        return "the metrics to show changed"
    changed = isinstance(record, QualityRecord) and record.task.max_loss != unit.max_loss
    return "the margin changed" if changed else ""


def _asked_for(unit: TaskUnit, options: Options) -> list[StudyName]:
    """The studies that the options ask for, or the card where they say nothing."""
    return [study for study in STUDIES if options.studies.get(study, study in unit.card.studies)]


def _shows(record: ModelRecord, unit: TaskUnit) -> bool:
    """Whether a record has the metrics to show that the card has now; fidelity has none."""
    shown = (record.task.main_metric, record.task.shown)
    return isinstance(record, FidelityRecord) or shown == (unit.main_metric, unit.card.shown)


def _has_cost(unit: TaskUnit, units: Sequence[TaskUnit]) -> bool:
    """Whether cost is measured on a unit: not on what mteb scores, and of a task's sts subsets on the first alone.

    Encoding costs about the same on all of them, and nothing is searched.
    """
    first = next(other for other in units if (other.task, other.split) == (unit.task, unit.split))
    return unit.info.type == "retrieval" or (unit.info.type == "sts" and unit is first)


def _cost_known(model: PlannedModel, unit: TaskUnit, known: Cost | None, options: Options, inputs: Inputs) -> bool:
    """Whether every figure that can be measured here has been, with this setup and these prompts."""
    if known is None or known.record.setup != model.setup or not inputs.match(known.record):
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
