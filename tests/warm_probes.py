"""Probe processes that find everything imported: what a test of something else than measuring may use."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# What all probes import between them; none of it starts a thread before it is used.
IMPORTED = ["sentence_transformers", "faiss", "scipy.stats", "bench.cost.probes.bulk", "bench.cost.probes.build"]


def stand_in() -> Any:
    """What replaces `subprocess` in bench.cost.process: the same processes, forked from one that is kept."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)

    def run(command: list[str], *, env: dict[str, str], **_: object) -> SimpleNamespace:
        process = context.Process(target=_probe, args=(command[-3:], env))
        process.start()
        process.join()
        return SimpleNamespace(returncode=process.exitcode, stderr=b"")

    return SimpleNamespace(run=run, DEVNULL=subprocess.DEVNULL, PIPE=subprocess.PIPE)


def _probe(arguments: list[str], env: dict[str, str]) -> None:
    from bench.cost.child import main

    os.environ.update(env)
    module, job, answer = arguments
    main(module, Path(job), Path(answer))
