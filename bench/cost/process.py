"""Running a probe in a fresh process, and knowing how busy the machine was around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.errors import BenchError
from bench.results.schema import Noise

# Other processes' share of all cores above which figures are marked as noisy.
_BUSY = 0.2
_WATCHED_SECONDS = 1.0
_STDERR_LINES = 5


def run_probe(module: str, job: dict[str, Any]) -> dict[str, Any]:
    """Run `python -m <module>` on a job and wait for it without using the processor.

    Args:
        module: A module whose main calls `serve`.
        job: What it is to do, as JSON.

    Returns:
        What the probe returned.

    Raises:
        BenchError: The probe's own, or that it died, with what it last said.
    """
    with tempfile.TemporaryDirectory(prefix="bench-probe-") as folder:
        job_file, answer_file = Path(folder) / "job.json", Path(folder) / "answer.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        # PYTHONPATH: the child must find this very package wherever it is run from.
        package_root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", module, str(job_file), str(answer_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            env=os.environ | {"PYTHONPATH": path},
        )
        if done.returncode != 0 or not answer_file.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_STDERR_LINES:]
            # A negative status is the signal that ended the process; 9 is how the kernel ends one out of memory.
            cause = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
            hint = "the machine may have run out of memory" if done.returncode == -9 else None
            raise BenchError(f"the probe process died ({cause}): {' / '.join(said) or 'it said nothing'}", hint=hint)
        answer: dict[str, Any] = json.loads(answer_file.read_text(encoding="utf-8"))
    if "error" in answer:
        fault = answer["error"]
        raise BenchError(fault["message"], where=fault["where"], hint=fault["hint"])
    result: dict[str, Any] = answer["result"]
    return result


def serve(probe: Any) -> None:
    """Main of a probe process: read the job, run `probe(job)`, write its answer or its BenchError."""
    job_file, answer_file = sys.argv[1:3]
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    try:
        answer = {"result": probe(job)}
    except BenchError as error:
        answer = {"error": {"message": error.message, "where": error.where, "hint": error.hint}}
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


class NoiseWatch:
    """Looks at what other processes do before, during and after a measurement; this process is idle meanwhile."""

    def __init__(self) -> None:
        self._before = psutil.cpu_percent(interval=_WATCHED_SECONDS) / 100
        self._during = 0.0
        self._load = psutil.getloadavg()[0]

    @contextmanager
    def probe(self) -> Iterator[None]:
        """Watch while a child process runs: the machine's busy time less the child's own."""
        start, machine, children = time.perf_counter(), _machine_seconds(), _child_seconds()
        try:
            yield
        finally:
            own = _child_seconds() - children
            others = _machine_seconds() - machine - own
            capacity = (time.perf_counter() - start) * (psutil.cpu_count() or 1)
            self._during = max(self._during, others / capacity)

    def finish(self) -> Noise:
        """The noise record; called after the probes have ended."""
        after = psutil.cpu_percent(interval=_WATCHED_SECONDS) / 100
        return Noise(
            busy_before=round(self._before, 3),
            busy_during=round(self._during, 3),
            busy_after=round(after, 3),
            load_before=round(self._load, 2),
            load_after=round(psutil.getloadavg()[0], 2),
            noisy=max(self._before, self._during, after) > _BUSY,
        )


def _machine_seconds() -> float:
    """Processor seconds that all cores have been busy since boot."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _child_seconds() -> float:
    """Processor seconds of this process's children that have ended."""
    times = os.times()
    return times.children_user + times.children_system
