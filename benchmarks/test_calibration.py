"""Latency of a model of known cost, by the clock: an encoder that sleeps, in real processes on a quiet machine."""

from __future__ import annotations

import pytest
from calibrated import CALLS, EVERY, FORWARD, PROCESSES, STALL, TOKENISE, latency_job, measure_calibrated


def test_latency_is_within_5_percent_and_stalls_are_counted(tmp_path, monkeypatch, ratio):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = measure_calibrated(tmp_path, "encode", latency_job(0.5), "real", PROCESSES)
    assert found.failures == []
    figures = {figure.name: figure.value for figure in found.figures if figure.detail == {}}
    usual = 1000 * (TOKENISE + FORWARD)
    ratio(f"encode p50 {figures['encode_p50_ms']:.2f} ms of {usual:.2f} ms slept")
    ratio(f"encode p99 {figures['encode_p99_ms']:.1f} ms of {1000 * STALL:.1f} ms slept")
    ratio(f"noise: {', '.join(found.noise.reasons) or 'none'}")
    assert figures["encode_p50_ms"] == pytest.approx(usual, rel=0.05)
    assert figures["encode_p99_ms"] == pytest.approx(1000 * STALL, rel=0.05)
    assert figures["encode_tokenise_p50_ms"] + figures["encode_forward_p50_ms"] == pytest.approx(usual, rel=0.05)
    assert figures["encode_outliers"] >= PROCESSES * (CALLS // EVERY)
