"""The whole apparatus on a model of known cost: real processes and probes, an encoder that moves a clock of its own."""

from __future__ import annotations

import sys

import pytest
from calibrated import CALLS, EVERY, FORWARD, PROCESSES, STALL, TOKENISE, latency_job, measure_calibrated

HELD, TOUCHED = 120, 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # So that no weights are looked for outside the folder of this test.
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_latency_is_the_known_one_and_every_stall_is_counted(folder):
    found = measure_calibrated(folder, "encode", latency_job(0.5), "fake", PROCESSES)
    assert found.failures == []
    figures = {figure.name: figure.value for figure in found.figures if figure.detail == {}}
    whole = [timed for _, timed in found.timed if timed.name == "encode" and timed.detail == {}]
    assert [len(timed.milliseconds) for timed in whole] == [CALLS] * PROCESSES

    usual, stall = 1000 * (TOKENISE + FORWARD), 1000 * STALL
    assert figures["encode_p50_ms"] == pytest.approx(usual)
    assert figures["encode_p99_ms"] == pytest.approx(stall)
    assert figures["encode_tokenise_p50_ms"] == pytest.approx(1000 * TOKENISE)
    assert figures["encode_forward_p50_ms"] == pytest.approx(1000 * FORWARD)
    # The calls are counted from the cold one on; the timed ones come after those that warmed up.
    stalls = 0
    for timed in whole:
        calls = range(timed.warm_up + 2, timed.warm_up + 2 + CALLS)
        expected = [stall if call % EVERY == 0 else usual for call in calls]
        assert timed.milliseconds == pytest.approx(expected)
        stalls += sum(call % EVERY == 0 for call in calls)
    assert figures["encode_outliers"] == stalls >= 2 * (CALLS // EVERY)
    lengths = {timed.detail["tokens"] for _, timed in found.timed if timed.detail}
    assert lengths == {"5-8", "9-16"}


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_peak_memory_is_within_5_mib(folder):
    def peaks(held, touched):
        job = {"model": {"held": held, "touched": touched}, "texts": ["a", "b"], "role": "text"}
        found = measure_calibrated(folder, "memory", job, "fake", 1)
        assert found.failures == []
        return {figure.name: figure.value for figure in found.figures}

    without, with_both = peaks(0, 0), peaks(HELD, TOUCHED)
    assert with_both["memory_load_mib"] - without["memory_load_mib"] == pytest.approx(HELD, abs=5)
    assert with_both["memory_encode_mib"] - without["memory_encode_mib"] == pytest.approx(HELD + TOUCHED, abs=5)
