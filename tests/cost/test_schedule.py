from __future__ import annotations

import pytest

from bench.cost import schedule
from bench.cost.answer import Answer, Timed
from bench.cost.schedule import ProbeJob, Subject, measure
from bench.errors import BenchError


@pytest.fixture
def probes(monkeypatch):
    """Stands in for processes: takes down the order, and gives 7 calls of as many ms as the job says."""
    order = []

    def run_probe(module, job, threads=None):
        order.append((job["of"], module))
        if module in job.get("broken", ()):
            raise BenchError(f"{module} is broken")
        return Answer(timed=[Timed(name=module, milliseconds=[job["ms"].pop(0)] * 7)], settings={"threads": threads})

    class Quiet(schedule.NoiseWatch):
        def look_before(self): ...
        def look_after(self): ...

    monkeypatch.setattr(schedule, "run_probe", run_probe)
    monkeypatch.setattr(schedule, "NoiseWatch", Quiet)
    return order


def subject(name, *jobs, **keys):
    return Subject(
        name,
        [
            ProbeJob(probe, probe, {"of": name, "ms": [10.0, 10.2, 10.4], **keys}, 2.0, processes, 1, needs)
            for probe, processes, needs in jobs
        ],
    )


def test_models_take_turns(probes):
    jobs = (("encode", 3, None), ("memory", 1, None))
    steps = []
    measure([subject("a", *jobs), subject("b", *jobs)], steps.append)
    assert probes == [
        *(("a", "encode"), ("a", "memory"), ("b", "encode"), ("b", "memory")),
        *(("a", "encode"), ("b", "encode")) * 2,
    ]
    assert [(step.subject, step.probe, step.number, step.total) for step in steps] == [
        (name, probe, number, 8) for number, (name, probe) in enumerate(probes, 1)
    ]
    assert steps[0].left == pytest.approx(16.0)


def test_processes_are_put_together_and_their_spread_is_told(probes):
    (found,) = measure([subject("a", ("encode", 3, None))], lambda _: None)
    figure = next(figure for figure in found.figures if figure.name == "encode_p50_ms")
    assert (figure.value, figure.n, figure.spread) == (10.2, 21, pytest.approx(0.4 / 10.2))
    assert found.settings == {"encode": {"encode 1": {"threads": 1}}}
    assert [process for process, _ in found.timed] == [0, 1, 2]
    assert not any("differ" in reason for reason in found.noise.reasons)


def test_processes_that_disagree_make_noise(probes):
    (found,) = measure([subject("a", ("encode", 3, None), ms=[10.0, 12.0, 10.0])], lambda _: None)
    assert found.noise.noisy
    assert any("processes differ by 20% in encode_p50_ms" in reason for reason in found.noise.reasons)


def test_parts_of_an_answer_that_differ_do_not_mark_the_whole(probes):
    (found,) = measure([subject("a", ("rerank", 3, None), ms=[10.0, 12.0, 10.0])], lambda _: None)
    assert not any("differ" in reason for reason in found.noise.reasons)
    assert not next(figure for figure in found.figures if figure.name == "rerank_p50_ms").steady


def test_what_fails_stops_what_needs_it_and_nothing_else(probes):
    jobs = (("build", 1, None), ("search", 3, "build"), ("encode", 2, None))
    bad, good = measure([subject("bad", *jobs, broken=["build"]), subject("good", *jobs)], lambda _: None)
    assert [str(error) for error in bad.failures] == ["build is broken"]
    assert bad.not_measured == {"build": "build is broken", "search": "was not tried: build failed"}
    assert {timed.name for _, timed in bad.timed} == {"encode"}
    assert {timed.name for _, timed in good.timed} == {"build", "search", "encode"}
    assert good.not_measured == {}
    assert probes.count(("bad", "search")) == 0


def test_groups_come_one_after_the_other_and_fail_alone(probes):
    def of(group, broken=()):
        job = {"of": group, "ms": [1.0] * 9, "broken": broken}
        search = ProbeJob("search", "search", job, 1.0, 2, 1, "build", group)
        return [ProbeJob("search", "build", job, 1.0, group=group), search]

    (found,) = measure([Subject("a", [*of(0), *of(1, ["build"]), *of(2)])], lambda _: None)
    after = [(0, "build"), (0, "search"), (0, "search"), (1, "build"), (2, "build"), (2, "search"), (2, "search")]
    assert probes == after
    assert [str(error) for error in found.failures] == ["build is broken"]
    assert len([timed for _, timed in found.timed if timed.name == "search"]) == 4


def test_one_reason_is_told_once(probes, monkeypatch):
    def no_device(*_):
        raise BenchError("there is no device cuda here")

    monkeypatch.setattr(schedule, "run_probe", no_device)
    (found,) = measure([subject("a", ("encode", 3, None), ("memory", 1, None))], lambda _: None)
    assert [str(error) for error in found.failures] == ["there is no device cuda here"]
    assert set(found.not_measured) == {"encode", "memory"}
