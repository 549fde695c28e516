"""Running the probes of several models in turns, so that what changes on the machine meets all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.cost.answer import Answer, Timed, combine
from bench.cost.noise import NoiseWatch
from bench.cost.process import run_probe
from bench.errors import BenchError
from bench.results.schema import Figure, Noise


@dataclass(frozen=True)
class ProbeJob:
    """One probe of one model.

    Attributes:
        probe: What it measures, as users name it.
        module: Its module in bench.cost.probes.
        job: What the module is told, as JSON.
        seconds: About how long one process takes.
        processes: How many processes measure it, one after another.
        threads: How many threads they may use; None for no limit.
        needs: A module that must have done its work before, for the same model and group.
        group: Jobs of a group are done, in all their processes, before those of the next.
        watched: Whether how busy the machine is matters to it.
    """

    probe: str
    module: str
    job: dict[str, Any]
    seconds: float
    processes: int = 1
    threads: int | None = None
    needs: str | None = None
    group: int = 0
    watched: bool = True


@dataclass(frozen=True)
class Subject:
    """What is measured together: one model on one task unit.

    Attributes:
        name: What the listener is told.
        jobs: Its probes, in order.
        not_measured: What is known not to be measurable here, and why.
    """

    name: str
    jobs: list[ProbeJob]
    not_measured: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """Where a measurement stands.

    Attributes:
        subject: Whose probe starts.
        probe: The probe.
        number: Which of all processes it is, from 1.
        total: All processes.
        seconds: How long this one will take, about.
        left: How long all that are left will take, this one included.
    """

    subject: str
    probe: str
    number: int
    total: int
    seconds: float
    left: float


@dataclass(frozen=True)
class Measurement:
    """What the probes of one subject gave.

    Attributes:
        figures: All figures.
        timed: Timed calls with the number of the process that made them.
        settings: How it was measured, by probe.
        noise: How busy the machine was.
        not_measured: Probe and reason, for what could not be measured.
        failures: Errors of probes that failed.
    """

    figures: list[Figure]
    timed: list[tuple[int, Timed]]
    settings: dict[str, Any]
    noise: Noise
    not_measured: dict[str, str]
    failures: list[BenchError]


def measure(subjects: Sequence[Subject], on_step: Callable[[Step], None]) -> list[Measurement]:
    """Measure several subjects, process by process in turns.

    Args:
        subjects: What to measure.
        on_step: Called before each process starts.

    Returns:
        One measurement a subject, in their order.
    """
    courses = [_Course(subject) for subject in subjects]
    all_jobs = [job for subject in subjects for job in subject.jobs]
    order = [
        (course, job)
        for group in sorted({job.group for job in all_jobs})
        for turn in range(max(job.processes for job in all_jobs if job.group == group))
        for course in courses
        for job in course.subject.jobs
        if job.group == group and turn < job.processes
    ]
    clock = _Clock([job.seconds for _, job in order])
    for number, (course, job) in enumerate(order, 1):
        if course.is_over(job):
            clock.skip()
            continue
        on_step(Step(course.subject.name, job.probe, number, len(order), clock.next, clock.left))
        with clock.running():
            course.run(job)
    return [course.finish() for course in courses]


class _Clock:
    """How long the rest will take, by how the processes so far kept to what was expected of them."""

    def __init__(self, expected: list[float]) -> None:
        self._expected = expected
        self._done = 0
        self._spent = self._foreseen = 0.0
        self._since = 0.0

    @property
    def _ratio(self) -> float:
        return self._spent / self._foreseen if self._foreseen else 1.0

    @property
    def next(self) -> float:
        return self._expected[self._done] * self._ratio

    @property
    def left(self) -> float:
        return sum(self._expected[self._done :]) * self._ratio

    def skip(self) -> None:
        self._done += 1

    def running(self) -> _Clock:
        return self

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._spent += time.perf_counter() - self._since
        self._foreseen += self._expected[self._done]
        self._done += 1


class _Course:
    """One subject on its way."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._watch = NoiseWatch()
        self._answers: dict[int, list[Answer]] = {}
        self._failures: dict[int, BenchError] = {}

    def is_over(self, job: ProbeJob) -> bool:
        """Whether a probe has failed, or what it needs has."""
        failed = [self.subject.jobs[position] for position in self._failures]
        return job in failed or any((other.module, other.group) == (job.needs, job.group) for other in failed)

    def run(self, job: ProbeJob) -> None:
        position = self.subject.jobs.index(job)
        if job.watched:
            self._watch.look_before()
        try:
            with self._watch.probe() if job.watched else nullcontext():
                answer = run_probe(job.module, job.job, job.threads)
        except BenchError as error:
            self._failures[position] = error
            return
        if job.watched:
            self._watch.look_after()
        self._answers.setdefault(position, []).append(answer)

    def finish(self) -> Measurement:
        figures: list[Figure] = []
        timed: list[tuple[int, Timed]] = []
        settings: dict[str, Any] = {}
        not_measured = dict(self.subject.not_measured)
        for position, job in enumerate(self.subject.jobs):
            if position in self._failures:
                not_measured[job.probe] = self._failures[position].one_line
                continue
            if position not in self._answers:
                not_measured.setdefault(job.probe, f"was not tried: {(job.needs or '').rpartition('.')[2]} failed")
                continue
            found = combine(self._answers[position])
            figures += found.figures
            timed += found.timed
            not_measured |= found.not_measured
            name = job.module.rpartition(".")[2]
            settings.setdefault(job.probe, {})[name if job.threads is None else f"{name} {job.threads}"] = (
                found.settings
            )
        # A device that is not there, for instance, fails every probe for the same reason.
        failures = list({str(error): error for error in self._failures.values()}.values())
        noise = self._watch.finish(_disagreement(figures))
        return Measurement(figures, timed, settings, noise, not_measured, failures)


# What the machine's state shows in. Parts such as tokenising or ranking a shortlist again are so short, or depend so
# much on where memory lies, that processes always differ: each figure's own spread marks those.
_WHOLE = ("encode_p50_ms", "search_p50_ms")


def _disagreement(figures: Sequence[Figure]) -> dict[str, float]:
    """By how much processes differ in each median latency; the typical view or token range counts."""
    spreads: dict[str, list[float]] = {}
    for figure in figures:
        if figure.spread is not None and figure.name in _WHOLE:
            spreads.setdefault(figure.name, []).append(figure.spread)
    return {name: median(found) for name, found in spreads.items()}
