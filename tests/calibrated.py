"""A model of known cost for the real probes in their real processes: an encoder that only waits and holds memory."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.cost.schedule import Measurement, ProbeJob, Subject, measure

MIB = 2**20
TOKENISE, FORWARD, STALL = 0.008, 0.012, 0.15
# Every 40th call stalls: more than 1 in 100, so that p99 is a stall, and far fewer than 1 in 20.
EVERY = 40
PROCESSES, CALLS = 2, 230

# What waits, and what the probes read the time from.
_CLOCKS = {
    "real": "from time import sleep as wait",
    "fake": """
from bench.cost import timing
from bench.cost.probes import encode as latency

class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now

clock = Clock()
timing.time = latency.time = clock

def wait(seconds):
    clock.now += seconds
""",
}
_MODULE = f"""
import numpy as np
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from bench.cost.loading import ModelFiles
from bench.models.registry import ModelEntry
from bench.cost.probes import encode, memory
from bench.models.profile import TextContext


class Encoder:
    device = "cpu"

    def __init__(self, told):
        self.calls = 0
        self.touch = told["touched"]
        self.held = np.ones(told["held"] * {MIB} // 8)
        self.profile = SimpleNamespace(parameters=1, weight_bytes=4)

    def token_counts(self, texts, context):
        return np.array([len(text) for text in texts])

    def tokenize(self, texts, context):
        wait({TOKENISE})
        return {{}}

    def forward(self, features, context):
        wait({FORWARD})
        self.calls += 1
        if self.calls % {EVERY} == 0:
            wait({STALL - TOKENISE - FORWARD})

    def embed(self, texts, context):
        np.ones(self.touch * {MIB} // 8)


class Files:
    entry = ModelEntry(name="calibrated", source=["."])
    located = SimpleNamespace(path=Path("."))
    contexts = defaultdict(TextContext)

    def __init__(self, told):
        self.told = told

    def load(self):
        return Encoder(self.told)


ModelFiles.from_job = Files
"""


def measure_calibrated(
    folder: Path, probe: Literal["encode", "memory"], job: dict[str, object], clock: Literal["real", "fake"], count: int
) -> Measurement:
    """Measure the model by a probe.

    Args:
        folder: Where its module is written; it must be in PYTHONPATH.
        probe: The probe.
        job: The probe's job.
        clock: Whether the encoder takes time, or moves a clock of its own.
        count: Processes.
    """
    module = f"calibrated_{probe}"
    (folder / f"{module}.py").write_text(f"{_CLOCKS[clock]}\n{_MODULE}\nprobe = {probe}.probe\n")
    (found,) = measure([Subject("calibrated", [ProbeJob(probe, module, job, 1.0, count)])], lambda _: None)
    return found


def latency_job(warm_up_seconds: float) -> dict[str, object]:
    """The job of the encode probe: 230 calls a process."""
    return {
        "model": {"held": 0, "touched": 0},
        "texts": {"text": ["short", "a longer text"]},
        "main": "text",
        "threads": None,
        "calls": {
            "min_calls": CALLS, "max_calls": CALLS, "min_seconds": 0.0, "max_seconds": 3600.0,
            "warm_up_seconds": warm_up_seconds,
        },
    }  # fmt: skip
