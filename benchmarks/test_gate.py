"""The gate: 10,000 queries and 50 rules, about one view of a model that changed, and about sixteen of two models."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.gate.judge import judge
from bench.gate.rules import Rule
from bench.gate.sides import read_side
from bench.results.schema import ModelInfo, QualityRecord, TaskInfo, Value, ViewScores
from bench.results.store import ResultStore
from bench.views import PRECISIONS

QUERIES, RULES = 10_000, 50
DIMS = (384, 192, 96, 48)


def write(folder: Path, model: str, fingerprint: str, created: str, loss: float) -> None:
    rng = np.random.default_rng(0)
    views = [(dim, precision) for dim in DIMS for precision in PRECISIONS]
    scores = [rng.beta(2, 1, QUERIES) for _ in views]
    scores = [np.clip(found - np.random.default_rng(1).normal(loss, 3 * loss, QUERIES), 0, 1) for found in scores]
    metrics = [{"ndcg_at_10": Value(value=float(found.mean()))} for found in scores]
    record = QualityRecord(
        bench_version="0", created=created, environment="env", encoding=None, items="",
        model=ModelInfo(name=model, kind="pretrained", fingerprint=fingerprint, source="./x", width=384),
        task=TaskInfo(
            name="shop", type="retrieval", split="test", subset="default", fingerprint="d", main_metric="ndcg_at_10",
            n=QUERIES,
        ),
        views=[
            ViewScores(truncate_dim=dim, precision=precision, metrics=found)
            for (dim, precision), found in zip(views, metrics, strict=True)
        ],
    )  # fmt: skip
    ids = [f"q{row:06}" for row in range(QUERIES)]
    ResultStore(folder).write_quality(
        record,
        {
            "truncate_dim": pa.array([dim for dim, _ in views for _ in ids], pa.int32()),
            "precision": [precision for _, precision in views for _ in ids],
            "query_id": ids * len(views),
            "ndcg_at_10": np.concatenate(scores),
        },
    )


@pytest.mark.parametrize("views", [1, 16])
def test_gate_of_many_queries_and_rules(tmp_path, views):
    for model, loss in (("same", 0.0), ("worse", 0.02)):
        write(tmp_path / "old", model, "a", "2026-01-01T00:00:00+00:00", 0.0)
        write(tmp_path / "new", model, "b", "2026-02-01T00:00:00+00:00", loss)
    chosen = {"models": "worse", "truncate_dims": 384, "precisions": "float32"} if views == 1 else {}
    rules = [Rule.model_validate({"name": f"r{row}", "max_drop": 0.001 * row} | chosen) for row in range(RULES)]
    start = time.perf_counter()
    outcome = judge(read_side("old", tmp_path / "old"), read_side("new", tmp_path / "new"), rules)
    seconds = time.perf_counter() - start
    found = Counter(check.verdict for check in outcome.checks)
    assert sum(found.values()) == (RULES if views == 1 else RULES * 2 * len(DIMS) * len(PRECISIONS))
    assert found["regressed"] >= RULES // 4
    print(f"\n{QUERIES:,} queries, {RULES} rules, {sum(found.values()):,} checks: {seconds:.1f} s {dict(found)}")
