"""Makers of results folders for tests of the gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from support import quality_record

from bench.gate.judge import Outcome, judge
from bench.gate.rules import Rule
from bench.gate.sides import read_side
from bench.results.schema import CostRecord, Figure, Noise
from bench.results.store import ResultStore

BEFORE, AFTER = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
FULL = (8, "float32")


def write_quality(
    folder: Path,
    scores: Mapping[tuple[int | None, str | None], Sequence[float]],
    *,
    ids: Sequence[str] | None = None,
    clusters: Sequence[int] | None = None,
    subset: str = "default",
    model: str = "mini",
    metric: str = "ndcg_at_10",
    **names: object,
) -> Path:
    """Write the scores of each query at each view; the cell's score is their mean."""
    means = {view: math.fsum(values) / len(values) for view, values in scores.items()}
    record = quality_record(model, views=means, metric=metric, **names)
    task = record.task.model_copy(update={"subset": subset, "n": len(next(iter(scores.values())))})
    record = record.model_copy(update={"task": task})
    columns: dict[str, list[object]] = {"truncate_dim": [], "precision": [], "query_id": [], metric: [], "cluster": []}
    for (dim, precision), values in scores.items():
        n = len(values)
        columns["truncate_dim"] += [dim] * n
        columns["precision"] += [precision] * n
        columns["query_id"] += ids or [f"q{row:05}" for row in range(n)]
        columns[metric] += list(map(float, values))
        columns["cluster"] += clusters or range(n)
    table = {name: pa.array(column) for name, column in columns.items()}
    table["truncate_dim"] = pa.array(columns["truncate_dim"], pa.int32())
    table["precision"] = pa.array(columns["precision"], pa.string())
    return ResultStore(folder).write_quality(record, table)


def write_latency(
    folder: Path,
    processes: Sequence[Sequence[float]],
    *,
    name: str = "search",
    view: tuple[int, str] | None = FULL,
    environment: str = "env",
    noisy: bool = False,
    spread: float | None = 0.01,
    figures: Sequence[Figure] = (),
    setup: Mapping[str, object] | None = None,
    **names: str,
) -> Path:
    """Write the calls of several processes, their median, and further figures."""
    base = quality_record(**names)
    dim, precision = view or (None, None)
    calls = [call for process in processes for call in process]
    reasons = ["other processes took 90% of all cores"] if noisy else []
    noise = Noise(
        busy_before=0, busy_during=0, busy_after=0, load_before=0, load_after=0, noisy=noisy, reasons=reasons
    )  # fmt: skip
    measured = []
    if calls:
        place = {"truncate_dim": dim, "precision": precision}
        value = float(np.percentile(calls, 50))
        measured = [Figure(name=f"{name}_p50_ms", value=value, n=len(calls), spread=spread, **place)]
    record = CostRecord(
        bench_version="0", created=base.created, environment=environment, model=base.model, task=base.task,
        setup=dict(setup or {}), settings={name: {}}, noise=noise, figures=[*measured, *figures],
    )  # fmt: skip
    return ResultStore(folder).write_cost(
        record,
        {
            "timed": [name] * len(calls),
            "truncate_dim": pa.array([dim] * len(calls), pa.int32()),
            "precision": pa.array([precision] * len(calls), pa.string()),
            "detail": [""] * len(calls),
            "process": np.array([row for row, part in enumerate(processes) for _ in part], dtype=np.int16),
            "milliseconds": np.array(calls, dtype=np.float32),
        },
    )


def rule(**keys: object) -> Rule:
    """A rule as a file would give it."""
    return Rule.model_validate({"name": "rule", **keys})


def gate(before: Path, after: Path, *rules: Rule) -> Outcome:
    """What the gate says of two folders."""
    return judge(read_side("before", before), read_side("after", after), list(rules), names=("before", "after"))


def verdicts(outcome: Outcome) -> list[str]:
    """The verdicts in order."""
    return [check.verdict for check in outcome.checks]
