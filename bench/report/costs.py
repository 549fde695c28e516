"""What of a model's cost a row of a leaderboard shows."""

from __future__ import annotations

from typing import Any

from bench.results.index import Cost
from bench.results.schema import make_view
from bench.views import View, sort_key


def measured_views(cost: Cost) -> list[View | None]:
    """The views that a cost has figures of, from wide to narrow; without any the full width."""
    found = {make_view(figure.truncate_dim, figure.precision) for figure, _ in cost.figures.values()} - {None}
    if not found and cost.record.model.width:
        found = {View(cost.record.model.width, "float32")}
    return sorted(found, key=lambda view: sort_key(view) if view else (0, 0)) or [None]


def cost_columns(cost: Cost | None, view: View | None, reranked: str) -> dict[str, Any]:
    """The cost columns of a row.

    Args:
        cost: The model's cost; None where none was measured.
        view: The row's view.
        reranked: The name of the figure that tells what reranking gives.
    """

    def figure(name: str, **detail: str | int) -> float | None:
        return cost.value(name, view, **detail) if cost else None

    return {
        "bytes_per_vector": view.bytes_per_vector if view else None,
        "index_bytes": figure("index_bytes"),
        "search_ms": figure("search_p50_ms"),
        "search_p95_ms": figure("search_p95_ms"),
        "hnsw_ms": figure("search_p50_ms", index="hnsw"),
        "hnsw_recall": figure("hnsw_recall_at_10"),
        "search_mib": figure("memory_search_mib"),
        "reranked": figure(reranked, shortlist=100),
        "noisy": cost.noisy_at(view) if cost else False,
    }
