"""The whole apparatus on a model of known cost: real processes, the real probes, an encoder that only waits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.cost.effort import Effort
from bench.cost.schedule import ProbeJob, Subject, measure

MIB = 2**20
TOKENISE, FORWARD, STALL = 0.008, 0.012, 0.15
# Every 40th call stalls: more than 1 in 100, so that p99 is a stall, and far fewer than 1 in 20.
EVERY = 40
HELD, TOUCHED = 120, 60
EFFORT = Effort(
    processes=2,
    encode_seconds=0.0,
    search_seconds=0.0,
    cascade_seconds=0.0,
    calls=460,
    cap=1.0,
    queries=1,
    warm_up_seconds=0.5,
    bulk_seconds=0.0,
    batch_sizes=(),
    energy_seconds=0.0,
)

MODULE = f"""
import time
import numpy as np
from pathlib import Path
from types import SimpleNamespace
from bench.cost.loading import ModelFiles
from bench.cost.probes import encode, memory
from bench.models.profile import ModelProfile, TextContext


class Encoder:
    device = "cpu"
    profile = ModelProfile(width=4, similarity="cosine", prompts={{}}, default_prompt=None, routed=False,
                           parameters=1, weight_bytes=4, max_seq_length=None)

    def __init__(self, told):
        self.calls = 0
        self.touch = told["touched"]
        self.held = np.ones(told["held"] * {MIB} // 8)

    def token_counts(self, texts, context):
        return np.array([len(text) for text in texts])

    def tokenize(self, texts, context):
        time.sleep({TOKENISE})
        return {{}}

    def forward(self, features, context):
        time.sleep({FORWARD})
        self.calls += 1
        if self.calls % {EVERY} == 0:
            time.sleep({STALL - TOKENISE - FORWARD})

    def embed(self, texts, context):
        np.ones(self.touch * {MIB} // 8)


class Entry:
    prompts = SimpleNamespace(text="")


class Files:
    entry = Entry()
    located = SimpleNamespace(path=Path("."))

    def __init__(self, told):
        self.told = told

    def load(self):
        return Encoder(self.told)


ModelFiles.from_job = Files
probe = encode.probe
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    for name in ("encode", "memory"):
        text = MODULE.replace("probe = encode.probe", f"probe = {name}.probe")
        (tmp_path / f"calibrated_{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # So that no weights are looked for outside the folder of this test.
    monkeypatch.chdir(tmp_path)
    return Path(tmp_path)


def measured(probe, job, processes=1):
    module = f"calibrated_{probe}"
    (found,) = measure([Subject("calibrated", [ProbeJob(probe, module, job, 1.0, processes)])], lambda _: None)
    assert found.failures == []
    return found


@pytest.mark.late
@pytest.mark.usefixtures("modules")
def test_latency_is_within_5_percent_and_stalls_are_counted():
    job = {
        "model": {"held": 0, "touched": 0},
        "texts": {"text": ["short", "a longer text"]},
        "main": "text",
        "threads": None,
        "calls": EFFORT.encode() | {"max_seconds": 60.0},
    }
    usual = 1000 * (TOKENISE + FORWARD)
    # Other tests keep the machine busy, which lengthens calls that sleep: some tries to meet it quiet for a moment.
    for _ in range(6):
        found = measured("encode", job, EFFORT.processes)
        figures = {figure.name: figure.value for figure in found.figures if figure.detail == {}}
        if figures["encode_p50_ms"] < 1.05 * usual and figures["encode_p99_ms"] < 1050 * STALL:
            break
    whole = [timed.milliseconds for _, timed in found.timed if timed.name == "encode" and timed.detail == {}]
    assert [len(calls) for calls in whole] == [230, 230]
    assert figures["encode_p50_ms"] == pytest.approx(usual, rel=0.05)
    assert figures["encode_p99_ms"] == pytest.approx(1000 * STALL, rel=0.05)
    assert figures["encode_tokenise_p50_ms"] + figures["encode_forward_p50_ms"] == pytest.approx(usual, rel=0.05)
    assert figures["encode_forward_p50_ms"] > figures["encode_tokenise_p50_ms"]
    # Every stall is there; this machine may add some of its own.
    stalls = sum(value >= 1000 * STALL for calls in whole for value in calls)
    assert 2 * (230 // EVERY) <= stalls <= 2 * (230 // EVERY + 1) + 3
    assert stalls <= figures["encode_outliers"] <= stalls + 10
    lengths = {timed.detail["tokens"] for _, timed in found.timed if timed.detail}
    assert lengths == {"5-8", "9-16"}


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
@pytest.mark.usefixtures("modules")
def test_peak_memory_is_within_5_mib():
    def peaks(held, touched):
        job = {"model": {"held": held, "touched": touched}, "texts": ["a", "b"], "role": "text"}
        found = measured("memory", job)
        return {figure.name: figure.value for figure in found.figures}

    without, with_both = peaks(0, 0), peaks(HELD, TOUCHED)
    assert with_both["memory_load_mib"] - without["memory_load_mib"] == pytest.approx(HELD, abs=5)
    assert with_both["memory_encode_mib"] - without["memory_encode_mib"] == pytest.approx(HELD + TOUCHED, abs=5)
