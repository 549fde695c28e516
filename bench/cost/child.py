"""Main of a probe process: `python -m bench.cost.child MODULE JOB ANSWER`."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path


def main(module: str, job_file: Path, answer_file: Path) -> None:
    """Bind to the cores of the job, only then import the probe's module and run it.

    Args:
        module: Has a function `probe(job)` that returns an Answer.
        job_file: JSON with `cores` (null for all) and `job`.
        answer_file: Where the answer or the error goes, as JSON.
    """
    order = json.loads(job_file.read_text(encoding="utf-8"))
    if order["cores"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, order["cores"])
    from bench.faults import as_bench_error
    from bench.models.manifest import trust_parent

    trust_parent()
    try:
        answer = {"answer": import_module(module).probe(order["job"]).model_dump(mode="json")}
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent shows it as one line
        fault = as_bench_error(error, f"the probe {module.rpartition('.')[2]}")
        answer = {"error": {"message": fault.message, "where": fault.where, "hint": fault.hint}}
    answer_file.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
