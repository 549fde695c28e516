"""A small results folder with one of everything that reports show: `python tests/report_results.py DIR`.

tests/report/results/ was written by it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import stats

from bench.results.common import TextInput
from bench.results.schema import (
    AuditFinding,
    AuditRecord,
    CostRecord,
    Figure,
    ModelInfo,
    Noise,
    QualityRecord,
    TaskInfo,
    TaskRef,
    Value,
    ViewScores,
)
from bench.results.store import ResultStore
from bench.results.study_records import (
    ControlRecord,
    ControlScores,
    FidelityRecord,
    FidelityScores,
    FidelitySettings,
    LeadingShares,
    RerankRecord,
    ShortlistScores,
)

HERE, GPU = "0123456789ab", "fedcba987654"
NAMES = {"mini": "mini", "big": "org/big|model_*<b>", "bm25": "bm25", "bare": "bare"}
VIEWS = {"mini": [(8, "float32"), (8, "int8"), (4, "float32"), (4, "binary")], "big": [(16, "float32"), (8, "float32")]}
# nDCG@10 of each of ten queries, at the first view and for each further one less by a tenth.
QUERIES = {
    "mini": [0.2, 0.3, 0.4, 0.3, 0.2, 0.5, 0.4, 0.3, 0.6, 0.3],
    "big": [0.9, 0.8, 1.0, 0.9, 0.7, 1.0, 0.8, 0.9, 1.0, 0.8],
    "bm25": [1.0, 0.6, 1.0, 1.0, 0.4, 1.0, 0.7, 1.0, 1.0, 0.7],
}
IDS = [f"q{row}" for row in range(10)]
GOLD = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 2.5, 1.5]
# Similarities of eight pairs by subset, at the first view; every further view swaps the next two.
PAIRS = {"en": [0.1, 0.2, 0.4, 0.5, 0.8, 0.9, 0.3, 0.25], "de|<i>": [0.3, 0.1, 0.2, 0.6, 0.5, 0.9, 0.4, 0.7]}


def write_results(root: Path, *, queries: Mapping[str, list[float]] | None = None, search_ms: float = 0.004) -> Path:
    """Write the folder.

    Args:
        root: Where to.
        queries: Instead of QUERIES.
        search_ms: Latency of search at the narrowest view of `mini`.
    """
    store = ResultStore(root)
    store.write_environment(HERE, {"cpu": "A <fast> one", "cores": 4, "os": "Linux", "gpus": []})
    store.write_environment(GPU, {"cpu": "Other", "cores": 8, "os": "Linux", "gpus": [{"name": "GPU_1"}]})
    for model, of_queries in (queries or QUERIES).items():
        store.write_quality(*retrieval(model, of_queries))
    for model, subsets in (("mini", ("en", "de|<i>")), ("big", ("en",))):
        for subset in subsets:
            store.write_quality(*pairs(model, subset))
    for record in costs(search_ms):
        store.write_cost(record, {"milliseconds": []})
    write_studies(store)
    store.write_audit(audit())
    return root


def write_studies(store: ResultStore) -> None:
    """Controls, fidelity and shortlists of the model whose name needs escaping, at its cut."""
    n = len(IDS)
    whole = {
        "bench_version": "0.0.2", "created": "2026-01-02T03:04:07.000000+00:00", "environment": HERE,
        "model": model_info("big"), "task": shop(), "items": "",
    }  # fmt: skip
    methods = [("pca", None, 0.8), ("last", None, 0.6), ("random", 1, 0.5), ("random", 2, 0.7)]
    controls = [
        ControlScores(method=method, draw=draw, truncate_dim=8, metrics={"ndcg_at_10": value(score)})
        for method, draw, score in methods
    ]
    items = {
        "method": [method for method, *_ in methods for _ in IDS],
        "draw": pa.array([draw for _, draw, _ in methods for _ in IDS], pa.int32()),
        "truncate_dim": [8] * (len(methods) * n),
        "query_id": IDS * len(methods),
        "ndcg_at_10": [score for *_, score in methods for _ in IDS],
    }
    store.write_controls(ControlRecord(**whole, controls=controls), items)
    measures = {"overlap_at_10": 0.8, "rbo": 0.75, "kendall_tau": 0.5, "similarity_change": -0.02}
    views = [
        FidelityScores(
            truncate_dim=8, precision="float32", measures={name: Value(value=found) for name, found in measures.items()}
        )
    ]
    settings, leading = FidelitySettings(depth=100, rbo_p=0.9, sample=1000), LeadingShares(variance=None, norm=[1.0])
    fidelity = FidelityRecord(**whole, settings=settings, views=views, leading=leading)
    items = {"truncate_dim": [8] * n, "precision": ["float32"] * n, "query_id": IDS}
    store.write_fidelity(fidelity, items | {name: [found] * n for name, found in measures.items()})
    found = ((10, 0.82, 0.85), (100, 0.879, 1.0))
    shortlists = [
        ShortlistScores(
            truncate_dim=8, precision="float32", shortlist=length, metrics={"ndcg_at_10": value(score)},
            recall=Value(value=recall),
        )
        for length, score, recall in found
    ]  # fmt: skip
    items = {
        "truncate_dim": [8] * (2 * n), "precision": ["float32"] * (2 * n), "query_id": IDS * 2,
        "shortlist": [length for length, *_ in found for _ in IDS],
        "ndcg_at_10": [score for _, score, _ in found for _ in IDS],
        "shortlist_recall": [recall for *_, recall in found for _ in IDS],
    }  # fmt: skip
    store.write_rerank(RerankRecord(**whole, shortlists=shortlists), items)


def model_info(model: str) -> ModelInfo:
    kinds = {"mini": "pretrained", "big": "mrl", "bm25": "baseline", "bare": "pretrained"}
    widths = {"mini": 8, "big": 16, "bare": 8}
    dense = model != "bm25"
    return ModelInfo(
        name=NAMES[model], kind=kinds[model], fingerprint=(model + "0" * 32)[:32], source=f"hub:{NAMES[model]}",
        revision="1a2b3c4d" if model == "big" else None, width=widths.get(model), parameters=1234567 if dense else None,
        max_seq_length=256 if dense else None, dtype="float32" if dense else None,
        similarity="cosine" if dense else None, leakage=model == "big", backend="torch" if dense else None,
        weights=("random" if model == "bare" else "stored") if dense else None,
        tokenizer="stand-in" if model == "bare" else None, pooling="mean" if dense else None,
        pooling_assumed=model == "mini", padding="right" if dense else None,
        settings={"layer_norm": True, "padding_side": "right"} if model == "mini" else {},
    )  # fmt: skip


def inputs(model: str, task: TaskInfo) -> dict[str, TextInput] | None:
    """Prompts of one model; of the baseline nothing, as of records that do not say."""
    if model != "mini":
        return None
    if task.type == "sts":
        return {"text": TextInput(prompt="")}
    return {
        "query": TextInput(
            prompt="Instruct: find <a> thing\nQuery: ", origin="entry", instruction="find <a> thing",
            instruction_origin="mteb",
        ),
        "document": TextInput(prompt="", task="retrieval.passage"),
    }  # fmt: skip


def shop() -> TaskInfo:
    return TaskInfo(
        name="shop", type="retrieval", split="test", subset="default", fingerprint="a" * 32, main_metric="ndcg_at_10",
        n=10, documents=1234, shown=["recall_at_10"], notes=["1 of 11 queries has no answer"],
    )  # fmt: skip


def talk(subset: str) -> TaskInfo:
    return TaskInfo(
        name="org/talk", type="sts", split="test", subset=subset, fingerprint=("b" if subset == "en" else "c") * 32,
        main_metric="cosine_spearman", n=8, mteb="TalkSTS", dataset="org/talk_data", revision="9f8e7d",
    )  # fmt: skip


def value(number: float) -> Value:
    return Value(value=number, ci_low=max(number - 0.1, 0.0), ci_high=min(number + 0.1, 1.0))


def record(model: str, task: TaskInfo, views: list[ViewScores]) -> QualityRecord:
    return QualityRecord(
        bench_version="0.0.1", created="2026-01-02T03:04:05.000000+00:00", environment=HERE, model=model_info(model),
        task=task, inputs=inputs(model, task), encoding=None, views=views, items="",
    )  # fmt: skip


def retrieval(model: str, of_queries: list[float]) -> tuple[QualityRecord, dict[str, object]]:
    """A record of the first task and its items."""
    views = VIEWS.get(model, [(None, None)])
    found = [np.array(of_queries) - step * 0.1 for step in range(len(views))]
    n = len(of_queries)
    items = {
        "truncate_dim": [dim for dim, _ in views for _ in range(n)],
        "precision": [precision for _, precision in views for _ in range(n)],
        "query_id": [f"q{row}" for row in range(n)] * len(views),
        "ndcg_at_10": np.concatenate(found),
        "recall_at_10": np.concatenate(found) ** 2,
    }
    scores = [
        ViewScores(
            truncate_dim=dim,
            precision=precision,
            metrics={
                "ndcg_at_10": value(float(values.mean())),
                "recall_at_10": Value(value=float((values**2).mean())),
            },
        )
        for (dim, precision), values in zip(views, found, strict=True)
    ]
    return record(model, shop(), scores), items


def pairs(model: str, subset: str) -> tuple[QualityRecord, dict[str, object]]:
    """A record of one subset of the second task and its items."""
    views = VIEWS[model]
    found = []
    for step in range(len(views)):
        similarities = list(PAIRS[subset])
        similarities[step], similarities[step + 1] = similarities[step + 1], similarities[step]
        found.append(np.array(similarities))
    n = len(GOLD)
    items = {
        "truncate_dim": [dim for dim, _ in views for _ in range(n)],
        "precision": [precision for _, precision in views for _ in range(n)],
        "pair_id": [f"p{row}" for row in range(n)] * len(views),
        "cosine": np.concatenate(found),
        "gold": GOLD * len(views),
    }
    scores = [
        ViewScores(
            truncate_dim=dim,
            precision=precision,
            metrics={"cosine_spearman": value(float(stats.spearmanr(values, GOLD).statistic))},
        )
        for (dim, precision), values in zip(views, found, strict=True)
    ]
    return record(model, talk(subset), scores), items


def costs(search_ms: float) -> list[CostRecord]:
    """Costs on the first task in two environments: quiet, noisy, not measured, and of random weights."""
    mini = [
        Figure(name="encode_p50_ms", value=6.5, n=500),
        Figure(name="encode_texts_per_s", value=1234.5, n=500),
        Figure(name="memory_encode_mib", value=900.4, n=1),
        Figure(name="search_p50_ms", value=0.0123, n=500, truncate_dim=8, precision="float32"),
        Figure(name="search_p50_ms", value=search_ms, n=500, truncate_dim=4, precision="binary"),
        Figure(name="index_bytes", value=1_234_567.0, n=1, truncate_dim=8, precision="float32"),
    ]
    big = [
        Figure(name="encode_p50_ms", value=60.0, n=500),
        Figure(name="search_p50_ms", value=0.021, n=500, truncate_dim=16, precision="float32"),
        Figure(name="search_p50_ms", value=0.0125, n=500, truncate_dim=8, precision="float32"),
    ]
    return [
        cost("mini", mini, not_measured={"energy": "no <counter> of this processor"}),
        cost("big", big, noisy=True),
        cost("bare", [Figure(name="encode_p50_ms", value=5.0, n=500)]),
        cost("mini", [Figure(name="encode_p50_ms", value=1.5, n=500)], environment=GPU),
    ]


def cost(
    model: str,
    figures: list[Figure],
    *,
    environment: str = HERE,
    noisy: bool = False,
    not_measured: Mapping[str, str] | None = None,
) -> CostRecord:
    return CostRecord(
        bench_version="0.0.2", created="2026-01-03T00:00:00.000000+00:00", environment=environment,
        model=model_info(model), task=shop(), setup={}, settings={}, figures=figures,
        noise=Noise(busy_before=0, busy_during=0, busy_after=0, load_before=0, load_after=0, noisy=noisy),
        not_measured=dict(not_measured or {}),
    )  # fmt: skip


def audit() -> AuditRecord:
    finding = AuditFinding(
        kind="queries_in_training", count=3, of=10, sentence="3 of 10 <test> queries are also training queries",
        weakens=True,
    )  # fmt: skip
    return AuditRecord(
        bench_version="0.0.1", created="2026-01-02T03:04:06.000000+00:00", training=None, thresholds={},
        task=TaskRef(name="shop", split="test", subset="default", fingerprint="a" * 32), findings=[finding],
    )  # fmt: skip


if __name__ == "__main__":
    write_results(Path(sys.argv[1]))
