"""Measuring the cost of a plan's jobs: a task unit at a time, its models in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from bench.cost.effort import Effort
from bench.cost.measure import PROBES, MeasuredModel, baseline_subject, model_subject
from bench.cost.schedule import Measurement, Step, Subject, measure
from bench.errors import BenchError
from bench.files import scratch_folder
from bench.models.keys import ROLES
from bench.models.profile import ModelProfile
from bench.models.prompts import text_context
from bench.plan import Job
from bench.tasks.data import RetrievalData
from bench.tasks.mteb_data import MtebData

_QUALITY_PROBE = "bench.cost.probes.rerank_quality"


@dataclass(frozen=True)
class CostOptions:
    """What the user asked of a measurement.

    Attributes:
        effort: How much is measured.
        probes: Which of PROBES.
        corpus_size: Documents of a synthetic corpus to search instead of the task's.
    """

    effort: Effort
    probes: tuple[str, ...] = PROBES
    corpus_size: int | None = None


@dataclass(frozen=True)
class Measured:
    """One job's cost.

    Attributes:
        job: The job.
        profile: Its model's profile; None of a baseline.
        found: What was measured.
    """

    job: Job
    profile: ModelProfile | None
    found: Measurement


def measure_jobs(
    jobs: Sequence[Job],
    options: CostOptions,
    ready: Callable[[Job], ModelProfile | None],
    on_step: Callable[[str, Step], None],
    on_measured: Callable[[Measured], None],
    on_failure: Callable[[Job, Exception], None],
) -> None:
    """Measure jobs; those of one task unit together, process by process in turns.

    Args:
        jobs: The jobs, in the order of a plan.
        options: What was asked for.
        ready: Sees to it that a job's vectors are in the store and gives its model's profile.
        on_step: Told the task's label and which probe starts.
        on_measured: Given each job's cost as soon as those of its task unit are done.
        on_failure: Told a job that cannot be measured at all; the others go on.
    """
    in_order = sorted(jobs, key=lambda job: [other.unit for other in jobs].index(job.unit))
    for unit, together in groupby(in_order, key=lambda job: job.unit):
        with ExitStack() as folders:
            chosen: list[tuple[Job, ModelProfile | None, Subject]] = []
            for job in together:
                try:
                    profile = ready(job)
                    workspace = folders.enter_context(scratch_folder("cost"))
                    chosen.append((job, profile, _subject(job, profile, workspace, options)))
                except Exception as error:  # noqa: BLE001 - one model that cannot be measured must not stop the others
                    on_failure(job, error)
            unit.release()
            label = unit.label
            found = measure([subject for *_, subject in chosen], lambda step, label=label: on_step(label, step))  # type: ignore[misc]
        for (job, profile, _), measurement in zip(chosen, found, strict=True):
            on_measured(Measured(job, profile, measurement))


def _subject(job: Job, profile: ModelProfile | None, workspace: Path, options: CostOptions) -> Subject:
    model, data = job.model, job.unit.data
    name = model.entry.name
    if isinstance(data, MtebData):
        raise BenchError("cost is not measured on tasks that mteb scores", where=f"task `{job.unit.label}`")
    if profile is None or model.space is None or model.located is None:
        if not isinstance(data, RetrievalData):
            raise BenchError("a baseline only ranks documents", where=f"model `{name}`")
        return baseline_subject(name, data, workspace, options.effort, options.probes)
    contexts = {role: text_context(model.entry, profile, job.unit.prompt_task, role) for role in ROLES}
    measured = MeasuredModel(model.entry, model.located, model.space, profile, contexts)
    subject = model_subject(
        name,
        measured,
        data,
        model.views,
        workspace,
        options.effort,
        options.probes,
        main_metric=job.unit.main_metric,
        corpus_size=options.corpus_size,
    )
    return _without_quality(subject) if model.entry.drawn else subject


def _without_quality(subject: Subject) -> Subject:
    """The probes of a model with random weights: what scores a ranking has nothing to say of it."""
    kept = [job for job in subject.jobs if job.module != _QUALITY_PROBE]
    if len(kept) == len(subject.jobs):
        return subject
    why = "random weights have no quality"
    return replace(subject, jobs=kept, not_measured=subject.not_measured | {"quality after reranking": why})
