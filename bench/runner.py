"""Doing a plan: encode, score, make studies, write; then cost. A failure is one job's and the rest goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from bench import environment
from bench.audit.record import audit_missing
from bench.errors import BenchError
from bench.faults import as_bench_error
from bench.files import check_writable
from bench.listener import Listener
from bench.loaded import JobVectors, LoadedModels
from bench.measuring import CostOptions, Measured, measure_jobs
from bench.models.keys import Role
from bench.models.profile import ModelProfile
from bench.models.ready import ready_folder
from bench.plan import Failure, Job, Plan
from bench.quality.evaluate import Scores, score_blocks
from bench.quality.score import Encode, score_views
from bench.records import Scored, cost_record, item_columns, quality_record, sample_columns
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.studies import STUDIES
from bench.tasks.card import StudyName
from bench.tasks.data import RetrievalData
from bench.tasks.mteb_data import MtebData
from bench.tasks.unit import TaskUnit
from bench.vectors.encode import EncodeReport, total
from bench.vectors.store import Vectors
from bench.vectors.texts import texts_by_role

# A record is written at least this often while a job is scored, so that a killed run keeps what it has.
_WRITE_SECONDS = 10.0

# What is scored at once: a view, or a part of a study.
Scorable = TypeVar("Scorable")


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
            for study in job.studies_todo if job not in run.broken else ():
                with run.guarded(job, f", {study}"):
                    run.study(job, study)
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
    for unit, outcome in audit_missing(_audited(plan), store, index):
        if isinstance(outcome, Path):
            listener.audited(unit.label, outcome)
            continue
        error = as_bench_error(outcome, f"the audit of {unit.label}")
        failures.append(Failure("audit", unit.label, error))
        listener.failed(failures[-1])
    return failures


def _audited(plan: Plan) -> list[TaskUnit]:
    """What is to be audited: a fold's data is that of the split that it is a fold of."""
    return [job.unit for job in plan.jobs if job.cells and job.unit.fold_of is None]


class _Run:
    def __init__(self, store: ResultStore, models: LoadedModels, listener: Listener, failures: list[Failure]) -> None:
        self._store = store
        self._models = models
        self._vectors = JobVectors(models, listener)
        self._listener = listener
        self._failures = failures
        self.broken: list[Job] = []

    @contextmanager
    def guarded(self, job: Job, part: str = "") -> Iterator[None]:
        """Turn whatever goes wrong in one job, or a part of it, into its failure."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one broken model or task must not stop the others
            self.fail(job, error, part)

    def fail(self, job: Job, error: Exception, part: str = "") -> None:
        """Take down what failed in a job."""
        name, task = job.model.entry.name, job.unit.label + part
        failure = Failure(name, task, as_bench_error(error, f"model `{name}` on {task}"))
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
        encode = self._encode(job, profile, reports)
        scored = score_views(data, views, encode, profile.similarity, model.entry.name, mteb=True)
        for batch in self._batches(job, scored, len(views), "view"):
            self._write(job, profile, total(reports), batch)

    def study(self, job: Job, name: StudyName) -> None:
        """Score the parts of a study that are not done and write their records."""
        model, study, parts = job.model, STUDIES[name], job.studies_todo[name]
        if model.space is None or model.located is None:
            raise BenchError("a baseline has no vectors", where=f"model `{model.entry.name}`")
        profile = self._models.profile(model.entry, model.located, model.space)
        scored = study.score(job, parts, self._encode(job, profile, []), profile)
        for batch in self._batches(job, scored, len(parts), study.part):
            self._listener.wrote(study.write(self._store, job, profile, batch))

    def _batches(
        self, job: Job, scored: Iterable[tuple[Scorable, Scores | BenchError]], count: int, what: str
    ) -> Iterator[list[tuple[Scorable, Scores]]]:
        """What could be scored, in lists that are ready to be written; what could not fails alone."""
        batch: list[tuple[Scorable, Scores]] = []
        since = time.perf_counter()
        for number, (part, scores) in enumerate(scored, 1):
            if isinstance(scores, BenchError):
                self.fail(job, scores, f" at {part}")
            else:
                batch.append((part, scores))
            self._listener.scoring(job.model.entry.name, job.unit.label, number, count, what)
            if batch and time.perf_counter() - since > _WRITE_SECONDS:
                yield batch
                batch, since = [], time.perf_counter()
        if batch:
            yield batch

    def _encode(self, job: Job, profile: ModelProfile, reports: list[EncodeReport]) -> Encode:
        """What gives the vectors of a job's texts."""

        def encode(roles: Mapping[Role, list[str]]) -> dict[Role, Vectors]:
            return self._vectors.encode(job, profile, roles, reports)

        return encode

    def _baseline(self, job: Job) -> None:
        from bench.quality.bm25 import Bm25

        data = job.unit.data
        if not isinstance(data, RetrievalData):
            raise BenchError("a baseline only ranks documents", where=f"model `{job.model.entry.name}`")
        index = Bm25(data.documents)
        index.check_shared(data.queries)
        scores = score_blocks(data, index.blocks(data.queries))
        self._listener.scoring(job.model.entry.name, job.unit.label, 1, 1, "view")
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
            self._vectors.encode(job, profile, texts_by_role(data), [])
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
        record = quality_record(self._store.stamp(), job.model, job.unit, profile, report, scored)
        self._listener.wrote(self._store.write_quality(record, item_columns(job.unit, scored)))
