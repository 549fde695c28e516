"""Running a probe in a fresh process whose threads and cores are set before anything is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.cost.answer import Answer
from bench.errors import BenchError
from bench.files import scratch_folder
from bench.paths import path_exists

# What the libraries read when they are imported.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
_STDERR_LINES = 5


def run_probe(module: str, job: dict[str, Any], threads: int | None = None) -> Answer:
    """Run the `probe` of a module on a job in a fresh process, and wait for it without using the processor.

    Args:
        module: A module with a function `probe(job)`.
        job: What it is to do, as JSON.
        threads: How many threads the libraries may use, on as many cores; None leaves both as they are here.

    Returns:
        What the probe found; its settings say which threads and cores it had.

    Raises:
        BenchError: The probe's own, or that it died, with what it last said.
    """
    cores = _cores(threads)
    variables = {} if threads is None else thread_variables(threads)
    with scratch_folder("probe") as folder:
        job_file, answer_file = folder / "job.json", folder / "answer.json"
        job_file.write_text(json.dumps({"cores": cores, "job": job}), encoding="utf-8")
        # PYTHONPATH: the child must find this very package wherever it is run from.
        package_root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", "bench.cost.child", module, str(job_file), str(answer_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            env=os.environ | variables | {"PYTHONPATH": path},
        )
        if done.returncode != 0 or not path_exists(answer_file):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_STDERR_LINES:]
            # A negative status is the signal that ended the process; 9 is how the kernel ends one out of memory.
            cause = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
            hint = "the machine may have run out of memory" if done.returncode == -9 else None
            raise BenchError(f"the probe process died ({cause}): {' / '.join(said) or 'it said nothing'}", hint=hint)
        found = json.loads(answer_file.read_text(encoding="utf-8"))
    if "error" in found:
        fault = found["error"]
        raise BenchError(fault["message"], where=fault["where"], hint=fault["hint"])
    answer = Answer.model_validate(found["answer"])
    answer.settings |= {"threads": threads, "cores": cores} if threads is not None else {}
    return answer


def thread_variables(threads: int) -> dict[str, str]:
    """The environment variables that bind the libraries to a number of threads."""
    found = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    # With several threads its fast tokenizers may use them, with one they must not.
    return found | {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false"}


def _cores(threads: int | None) -> list[int] | None:
    """The cores to bind to: the last ones, since the first often serves the system's interrupts."""
    if threads is None or not hasattr(os, "sched_getaffinity"):
        return None
    return sorted(os.sched_getaffinity(0))[-threads:]
