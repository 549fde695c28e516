"""Doing a plan: encode, score, write; then cost. A failure is one job's and the rest goes on."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Protocol

from bench import environment
from bench.audit.record import audit_missing
from bench.cost.schedule import Step
from bench.errors import BenchError
from bench.files import check_writable
from bench.measuring import CostOptions, Measured, measure_jobs
from bench.models.profile import ModelProfile
from bench.models.ready import ready_folder
from bench.models.registry import ModelEntry, Role
from bench.models.source import Located
from bench.plan import Failure, Job, Plan
from bench.quality.evaluate import Scores, score_blocks
from bench.quality.score import score_views
from bench.records import Scored, cost_record, item_columns, quality_record, sample_columns
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.tasks.data import RetrievalData
from bench.tasks.mteb_data import MtebData
from bench.vectors.drawn import DrawnVectors
from bench.vectors.encode import EncodeReport, encode_missing, missing_texts, total
from bench.vectors.pipeline import Encoder, Progress
from bench.vectors.store import Vectors, VectorSpace, text_keys
from bench.vectors.texts import TextGroup, texts_by_role
from bench.views import View

# A record is written at least this often while views are scored, so that a killed run keeps them.
_WRITE_SECONDS = 10.0
_DRAWN_BATCH = 256


class Listener(Protocol):
    """What wants to know how a run goes on (the terminal, or nothing at all)."""

    def loading(self, model: str) -> None:
        """A model is being loaded."""

    def encoding(self, model: str, task: str, progress: Progress) -> None:
        """Encoding moved on."""

    def waiting(self, model: str) -> None:
        """Another process is encoding with this model."""

    def scoring(self, model: str, task: str, done: int, total: int) -> None:
        """A view was scored."""

    def measuring(self, task: str, step: Step) -> None:
        """A cost probe starts."""

    def damaged(self, model: str, files: Sequence[str]) -> None:
        """Stored vectors were damaged; their texts are encoded again."""

    def audited(self, task: str, path: Path) -> None:
        """The record of an audit was written."""

    def wrote(self, path: Path) -> None:
        """A record of quality or cost was written."""

    def failed(self, failure: Failure) -> None:
        """A job failed."""


class LoadedModels:
    """Loads a model when its first text has to be encoded, and keeps it until the next one is wanted."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._name: str | None = None
        self._encoder: Encoder | None = None

    def get(self, entry: ModelEntry, located: Located, space: VectorSpace) -> Encoder:
        """The loaded model of an entry.

        Raises:
            BenchError: It cannot be loaded, or its files are no longer those that the plan saw.
        """
        if self._encoder is None or self._name != entry.name:
            self.drop()
            self._listener.loading(entry.name)
            from bench.models.encoder import load_verified

            self._encoder = load_verified(entry, located, space.folder.name)
            self._name = entry.name
        return self._encoder

    def profile(self, entry: ModelEntry, located: Located, space: VectorSpace) -> ModelProfile:
        """A model's profile, stored or loaded."""
        stored = space.profile()
        if stored is None:
            stored = self.get(entry, located, space).profile
            space.save_profile(stored, entry.name)
        return stored

    def drop(self) -> None:
        """Free the model's memory."""
        self._encoder = self._name = None
        gc.collect()


def execute(
    plan: Plan, results: Path, models: LoadedModels, listener: Listener, costs: CostOptions | None = None
) -> list[Failure]:
    """Do what a plan says.

    Args:
        plan: The plan.
        results: The results folder.
        models: Where loaded models come from.
        listener: Told how it goes on.
        costs: How cost is measured; not at all by default.

    Returns:
        The jobs that failed, those of the plan first.

    Raises:
        BenchError: The results folder cannot be written; nothing has been done then.
    """
    failures = list(plan.failures)
    for failure in failures:
        listener.failed(failure)
    store = ResultStore(results)
    index = ResultIndex(store.records())
    if not plan.up_to_date:
        check_writable(results)
    failures += _audits(plan, store, index, listener)
    if plan.up_to_date:
        return failures
    store.write_environment(environment.fingerprint(), environment.describe())
    run = _Run(store, models, listener, failures)
    for _, jobs in groupby(plan.jobs, key=lambda job: job.model.entry.name):
        for job in jobs:
            if job.todo:
                with run.guarded(job):
                    run.quality(job)
                job.unit.release()
        models.drop()
    if costs is None:
        return failures
    # Last, in processes of their own, so that quality does not disturb them.
    todo = [job for job in plan.jobs if job.cost_todo and job not in run.broken]
    measure_jobs(todo, costs, run.ready, listener.measuring, run.measured, run.fail)
    return failures


def _audits(plan: Plan, store: ResultStore, index: ResultIndex, listener: Listener) -> list[Failure]:
    """Audit the data that has not been; what scores are worth should be known before they are."""
    failures = []
    for unit, outcome in audit_missing([job.unit for job in plan.jobs], store, index):
        if isinstance(outcome, Path):
            listener.audited(unit.label, outcome)
            continue
        error = outcome if isinstance(outcome, BenchError) else unexpected(outcome, f"the audit of {unit.label}")
        failures.append(Failure("audit", unit.label, error))
        listener.failed(failures[-1])
    return failures


def unexpected(error: Exception, where: str) -> BenchError:
    """An error that nobody foresaw, as one that can be reported.

    Args:
        error: The error.
        where: What was being done.
    """
    found = BenchError(
        f"{type(error).__name__}: {error}",
        where=where,
        hint="`bench --debug ...` shows the Python traceback",
    )
    found.__cause__ = error
    return found


def _batch_size(entry: ModelEntry) -> int | None:
    """Texts a batch; None where the size is to be found, which drawing vectors tells nothing about."""
    if entry.batch_size != "auto":
        return entry.batch_size
    return _DRAWN_BATCH if entry.drawn else None


class _Run:
    def __init__(self, store: ResultStore, models: LoadedModels, listener: Listener, failures: list[Failure]) -> None:
        self._store = store
        self._models = models
        self._listener = listener
        self._failures = failures
        self.broken: list[Job] = []

    @contextmanager
    def guarded(self, job: Job) -> Iterator[None]:
        """Turn whatever goes wrong in one job into its failure."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one broken model or task must not stop the others
            self.fail(job, error)

    def fail(self, job: Job, error: Exception, part: str = "") -> None:
        """Take down what failed in a job."""
        name, task = job.model.entry.name, job.unit.label + part
        if not isinstance(error, BenchError):
            error = unexpected(error, f"model `{name}` on {task}")
        failure = Failure(name, task, error)
        if not part:
            self.broken.append(job)
        self._failures.append(failure)
        self._listener.failed(failure)

    def quality(self, job: Job) -> None:
        """Encode what is missing, score the views and write their records."""
        model, data = job.model, job.unit.data
        if model.space is None or model.located is None:
            self._baseline(job)
            return
        profile = self._models.profile(model.entry, model.located, model.space)
        views = [view for view in job.todo if view is not None]
        reports: list[EncodeReport] = []

        def encode(roles: Mapping[Role, list[str]]) -> dict[Role, Vectors]:
            return self._encode(job, profile, roles, reports)

        batch: list[tuple[View | None, Scores]] = []
        since = time.perf_counter()
        scored = score_views(data, views, encode, profile.similarity, model.entry.name)
        for number, (view, scores) in enumerate(scored, 1):
            if isinstance(scores, BenchError):
                self.fail(job, scores, f" at {view}")
            else:
                batch.append((view, scores))
            self._listener.scoring(model.entry.name, job.unit.label, number, len(views))
            if time.perf_counter() - since > _WRITE_SECONDS:
                self._write(job, profile, total(reports), batch)
                batch, since = [], time.perf_counter()
        self._write(job, profile, total(reports), batch)

    def _encode(
        self, job: Job, profile: ModelProfile, roles: Mapping[Role, list[str]], reports: list[EncodeReport]
    ) -> dict[Role, Vectors]:
        """The vectors of texts; what the store lacks is encoded first, and reported."""
        model = job.model
        if model.space is None or model.located is None:
            raise BenchError("a baseline has no vectors", where=f"model `{model.entry.name}`")
        groups = {role: TextGroup(texts, profile.context(model.entry, role)) for role, texts in roles.items()}
        missing = missing_texts(model.space, list(groups.values()))
        if model.space.damaged:
            self._listener.damaged(model.entry.name, model.space.damaged)
            model.space.damaged.clear()
        if missing:
            drawn = model.entry.drawn
            encoder: Encoder = DrawnVectors(profile, model.entry.name)
            if not drawn:
                encoder = self._models.get(model.entry, model.located, model.space)
            if encoder.profile.width != model.width:
                raise BenchError(
                    f"its configuration states {model.width} dimensions, but it gives {encoder.profile.width}",
                    where=f"model `{model.entry.name}`",
                )
            name, task = model.entry.name, job.unit.label
            report = encode_missing(
                model.space,
                encoder,
                list(groups.values()),
                batch_size=_batch_size(model.entry),
                on_progress=lambda progress: None if drawn else self._listener.encoding(name, task, progress),
                on_wait=lambda: self._listener.waiting(name),
            )
            reports.append(report)
        return {role: model.space.vectors(text_keys(group.texts, group.context)) for role, group in groups.items()}

    def _baseline(self, job: Job) -> None:
        from bench.quality.bm25 import Bm25

        data = job.unit.data
        if not isinstance(data, RetrievalData):
            raise BenchError("a baseline only ranks documents", where=f"model `{job.model.entry.name}`")
        scores = score_blocks(data, Bm25(data.documents).blocks(data.queries))
        self._listener.scoring(job.model.entry.name, job.unit.label, 1, 1)
        self._write(job, None, None, [(None, scores)])

    def ready(self, job: Job) -> ModelProfile | None:
        """See to it that the vectors that a measurement searches are in the store."""
        model = job.model
        if model.space is None or model.located is None:
            return None
        profile = self._models.profile(model.entry, model.located, model.space)
        data = job.unit.data
        if not isinstance(data, MtebData):
            # Results may be there when the store has been emptied.
            self._encode(job, profile, texts_by_role(data), [])
        # Probes that found nothing built would measure the building.
        ready_folder(model.entry, model.located)
        self._models.drop()
        return profile

    def measured(self, measured: Measured) -> None:
        """Write the record of a job's cost."""
        found = measured.found
        if found.figures:
            record = cost_record(self._store.stamp(), measured)
            self._listener.wrote(self._store.write_cost(record, sample_columns(found)))
        for error in found.failures:
            self.fail(measured.job, error)

    def _write(self, job: Job, profile: ModelProfile | None, report: EncodeReport | None, scored: Scored) -> None:
        if scored:
            record = quality_record(self._store.stamp(), job.model, job.unit, profile, report, scored)
            self._listener.wrote(self._store.write_quality(record, item_columns(job.unit, scored)))
