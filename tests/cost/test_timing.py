from __future__ import annotations

import pytest

from bench.cost import timing
from bench.cost.timing import SAMPLES_NEEDED, outliers, percentile, time_calls


class Clock:
    """A clock that only the operation moves."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)


def test_each_call_is_timed_in_turn_and_the_first_kept_apart(monkeypatch):
    clock = Clock(monkeypatch)
    calls = []

    def operation(value):
        # The very first call takes 1 s, later ones 10 ms or 20 ms by their input.
        clock.now += value / 1000 if calls else 1.0
        calls.append(value)

    found = time_calls(operation, [10, 20], min_calls=100, min_seconds=0, max_seconds=60, warm_up_seconds=0.5)
    assert found.cold_ms == pytest.approx(1000)
    assert len(found.samples_ms) == 100
    assert found.samples_ms.count(pytest.approx(10)) == 50
    assert percentile(found.samples_ms, 50) == pytest.approx(15)
    assert percentile(found.samples_ms, 95) == pytest.approx(20)
    assert calls[:4] == [10, 20, 10, 20]
    assert len(calls) == 1 + found.warm_up + 100


def test_warm_up_ends_when_its_halves_agree(monkeypatch):
    clock = Clock(monkeypatch)
    steady = time_calls(lambda _: setattr(clock, "now", clock.now + 0.001), [0], min_calls=7, min_seconds=0,
                        max_seconds=1, warm_up_seconds=10)  # fmt: skip
    assert steady.warm_up == 20


def test_warm_up_ends_at_its_cap_when_calls_keep_getting_faster(monkeypatch):
    clock = Clock(monkeypatch)
    duration = [1.0]

    def operation(_):
        clock.now += duration[0]
        duration[0] *= 0.9

    found = time_calls(operation, [0], min_calls=7, min_seconds=0, max_seconds=100, warm_up_seconds=5)
    assert 0 < found.warm_up < 20


@pytest.mark.parametrize("p", [50, 90, 95, 99])
def test_a_percentile_without_its_sample_is_blank(p):
    needed = SAMPLES_NEEDED[p]
    assert percentile([1.0] * (needed - 1), p) is None
    assert percentile([1.0] * needed, p) == 1.0
    # With n samples the largest exceeds the p-quantile with probability 1 - (p/100)^n: at least 99%.
    assert 1 - (p / 100) ** needed >= 0.99 > 1 - (p / 100) ** (needed - 1)


def test_limits(monkeypatch):
    clock = Clock(monkeypatch)

    def operation(_):
        clock.now += 1.0

    slow = time_calls(operation, [0], min_calls=100, min_seconds=1, max_seconds=5, warm_up_seconds=0)
    assert len(slow.samples_ms) == 5
    fast = time_calls(operation, [0], min_calls=3, min_seconds=50, max_seconds=99, max_calls=8, warm_up_seconds=0)
    assert len(fast.samples_ms) == 8


def test_the_device_is_waited_for_on_both_sides_of_the_clock(monkeypatch):
    clock = Clock(monkeypatch)
    pending = [0.0]

    def operation(_):
        # The call returns at once; its work takes the device 10 ms.
        pending[0] += 0.01

    def synchronise():
        clock.now += pending[0]
        pending[0] = 0.0

    pending[0] = 5.0
    found = time_calls(operation, [0], min_calls=9, min_seconds=0, max_seconds=9, warm_up_seconds=0.1,
                       synchronise=synchronise)  # fmt: skip
    assert found.cold_ms == pytest.approx(10)
    assert found.samples_ms == pytest.approx([10.0] * 9)


def test_stalls_are_counted():
    steady = [10.0, 10.1, 9.9, 10.2, 9.8] * 40
    assert outliers(steady) == 0
    assert outliers([*steady, 100.0, 50.0, 15.5]) == 3
    # Above the outer fence, but nobody would notice it.
    assert outliers([*steady, 12.0]) == 0
    # Texts of many lengths: what is usual for them is no outlier.
    assert outliers([float(value) for value in range(1, 200)]) == 0
    assert outliers([1.0, 1.0, 50.0]) == 0
