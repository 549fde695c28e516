"""A results folder of any size, with scores and costs that are drawn: `python synthetic_results.py DIR --models 200`.

Every model has a strength, every task a difficulty and every view a loss; the score of a query is drawn around them, so
that paired tests have something to find. The same seed gives the same results.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.metrics import RETRIEVAL_METRICS
from bench.results.schema import CostRecord, Figure, ModelInfo, Noise, QualityRecord, TaskInfo, Value, ViewScores
from bench.results.store import ResultStore
from bench.views import PRECISIONS, View

CREATED = "2026-01-01T00:00:00.000000+00:00"
WIDTHS = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32)
ENVIRONMENT = "synthetic"
VERSION = "0"
# Of the metrics of a query those that are written; a record holds them all.
OF_QUERIES = ("ndcg_at_10", "recall_at_10", "mrr_at_10")


def make_results(
    root: Path, *, models: int, tasks: int, views: int = 16, queries: int = 500, seed: int = 0
) -> ResultStore:
    """Write quality and cost of every model on every task at every view.

    Args:
        root: The results folder.
        models: How many models; the first is a baseline.
        tasks: How many retrieval tasks.
        views: How many views a model has, all precisions of as many widths as that takes.
        queries: How many queries a task has.
        seed: Of the draws.
    """
    store = ResultStore(root)
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0.0, 0.4, models)
    chosen = [View(width, precision) for width in WIDTHS for precision in PRECISIONS][:views]
    store.write_environment(ENVIRONMENT, {"cpu": "Synthetic", "cores": 4, "os": "Linux", "gpus": []})
    for task in range(tasks):
        difficulty = rng.normal(0.0, 1.0, queries)
        for model, strength in enumerate(strengths):
            of_model = chosen if model else [None]
            quality = _quality(model, task, of_model, strength - difficulty, rng)
            store.write_quality(*quality)
            store.write_cost(_cost(quality[0], of_model, rng), {"milliseconds": []})
    return store


def _quality(
    model: int, task: int, views: Sequence[View | None], ease: np.ndarray, rng: np.random.Generator
) -> tuple[QualityRecord, dict[str, object]]:
    """A record and its items: every metric of a query is the same function of how easy it is at the view."""
    losses = [0.0 if view is None else 0.3 * np.log2(WIDTHS[0] / view.truncate_dim) / 5 for view in views]
    scores = [1 / (1 + np.exp(loss - ease - rng.normal(0.0, 0.1, len(ease)))) for loss in losses]
    found = [
        ViewScores(
            truncate_dim=view.truncate_dim if view else None,
            precision=view.precision if view else None,
            metrics={name: _value(of_queries) for name in RETRIEVAL_METRICS},
        )
        for view, of_queries in zip(views, scores, strict=True)
    ]
    n = len(ease)
    items: dict[str, object] = {
        "truncate_dim": [view.truncate_dim if view else None for view in views for _ in range(n)],
        "precision": [view.precision if view else None for view in views for _ in range(n)],
        "query_id": [f"q{row}" for row in range(n)] * len(views),
    }
    items |= dict.fromkeys(OF_QUERIES, np.concatenate(scores))
    record = QualityRecord(
        bench_version=VERSION,
        created=CREATED,
        environment=ENVIRONMENT,
        model=ModelInfo(
            name=f"model-{model:04}" if model else "baseline",
            kind="pretrained" if model else "baseline",
            fingerprint=f"{model:032x}",
            source="synthetic",
            width=WIDTHS[0] if model else None,
        ),
        task=TaskInfo(
            name=f"task-{task:03}", type="retrieval", split="test", subset="default", fingerprint=f"{task:032x}",
            main_metric="ndcg_at_10", n=n, documents=10 * n,
        ),
        encoding=None,
        views=found,
        items="",
    )  # fmt: skip
    return record, items


def _value(of_queries: np.ndarray) -> Value:
    mean, reach = float(of_queries.mean()), float(1.96 * of_queries.std() / np.sqrt(len(of_queries)))
    return Value(value=mean, ci_low=max(mean - reach, 0.0), ci_high=min(mean + reach, 1.0))


def _cost(quality: QualityRecord, views: Sequence[View | None], rng: np.random.Generator) -> CostRecord:
    return CostRecord(
        bench_version=VERSION, created=CREATED, environment=ENVIRONMENT, model=quality.model, task=quality.task,
        setup={}, settings={}, figures=list(_figures(views, rng)),
        noise=Noise(busy_before=0, busy_during=0, busy_after=0, load_before=0, load_after=0, noisy=False),
    )  # fmt: skip


def _figures(views: Sequence[View | None], rng: np.random.Generator) -> Iterator[Figure]:
    for name, typical in (("encode_p50_ms", 5.0), ("encode_p95_ms", 8.0), ("encode_texts_per_s", 200.0)):
        yield Figure(name=name, value=typical * float(rng.lognormal(0.0, 0.5)), n=500)
    for view in views:
        if view is not None:
            place = {"truncate_dim": view.truncate_dim, "precision": view.precision}
            for name, scale in (("search_p50_ms", 1e-5), ("search_p95_ms", 2e-5), ("index_bytes", 5e3)):
                value = view.bytes_per_vector * scale * float(rng.lognormal(0.0, 0.05))
                yield Figure(name=name, value=value, n=500, **place)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("models", 200), ("tasks", 20), ("views", 16), ("queries", 500), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    make_results(
        options.folder, models=options.models, tasks=options.tasks, views=options.views, queries=options.queries,
        seed=options.seed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
