r"""nAUC as mteb's result files have it: whether a model's own scores show which queries it answers badly.

A query's confidence is the largest of the scores of the documents retrieved for it, their standard deviation, or the
difference of the largest two. The abstention curve is the mean of a metric over the queries that are left when the
least confident 0%, 10%, .. 90% are not answered. nAUC is the area below it, scaled: 0 is that of a flat curve, 1 that
of leaving out the worst queries first (arXiv 2402.12997). Queries of equal confidence count with their mean, as in mteb
2.26.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bench.metrics import CUTOFFS
from bench.quality.exact import ExactScores, top_scores
from bench.quality.ranker import score_cells
from bench.vectors.quantise import Quantiser
from bench.vectors.rows import VectorRows

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

CONFIDENCES = ("max", "std", "diff1")
_FAMILIES = ("ndcg", "map", "recall", "precision", "mrr")
_RATES = np.linspace(0.0, 1.0, 11)[:-1]
# Queries whose best scores are held at once, to bound memory.
_QUERIES = 8192


def confidences(
    quantiser: Quantiser, queries: Float32, documents: VectorRows, left_out: tuple[Int64, Int64], depth: int
) -> dict[str, Float64]:
    """The confidence of each query by its scores of the documents retrieved, by name (CONFIDENCES), shape (n,) each.

    Args:
        quantiser: The view's quantiser.
        queries: The queries' full vectors, shape (n, width), float32.
        documents: The documents' vectors.
        left_out: Query and document rows of the documents with the query's own id, at most one a query.
        depth: Documents retrieved, the query's own among them, which is dropped afterwards.
    """
    none = np.empty(0, dtype=np.int64)
    mine, own = left_out
    own_scores = score_cells(
        quantiser.comparable(queries), quantiser.comparable(documents.rows(own)), mine, np.arange(len(own))
    )
    parts = []
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, min(start + _QUERIES, len(queries)))
        scores = ExactScores(quantiser, queries[part], documents, (none, none))
        best = top_scores(scores, min(depth, len(documents))).scores
        inside = (mine >= part.start) & (mine < part.stop)
        parts.append(_of_scores(_without(best, mine[inside] - part.start, own_scores[inside])))
    return {name: np.concatenate([part[name] for part in parts]) for name in CONFIDENCES}


def _without(best: Float32, rows: Int64, scores: Float32) -> Float64:
    """Falling scores without one of each value that is given for a row; what is missing then is NaN, at the end."""
    found = best.astype(np.float64)
    for row, score in zip(rows, scores, strict=True):
        place = int((best[row] > score).sum())
        if place < best.shape[1]:
            found[row] = np.append(np.delete(found[row], place), np.nan)
    return found


def _of_scores(best: Float64) -> dict[str, Float64]:
    """The confidences of rows of falling scores, shape (n, k); NaN where there is none."""
    ranked = ~np.isnan(best)
    some = ranked.any(axis=1)
    first = np.where(some, best[:, 0], 0.0)
    spread = np.zeros(len(best))
    spread[some] = np.std(best[some], axis=1, where=ranked[some])
    difference = np.zeros(len(best))
    if best.shape[1] > 1:
        difference = np.where(ranked[:, 1], best[:, 0] - best[:, 1], 0.0)
    return {"max": first, "std": spread, "diff1": difference}


def naucs(confidence: Mapping[str, Float64], items: Mapping[str, Float64]) -> dict[str, float]:
    """The nAUC of every metric and confidence, by mteb's names; not of metrics that are the same for all queries.

    Args:
        confidence: See confidences.
        items: Each metric of each query, shape (n,).
    """
    found = {}
    for metric in (f"{family}_at_{k}" for family in _FAMILIES for k in CUTOFFS):
        values = items[metric]
        if np.ptp(values) == 0:
            continue
        best = _area(_curve(values, values))
        flat = float(values.mean()) * (_RATES[-1] - _RATES[0])
        for name in CONFIDENCES:
            found[f"nauc_{metric}_{name}"] = (_area(_curve(confidence[name], values)) - flat) / (best - flat)
    return found


def _curve(confidence: Float64, values: Float64) -> Float64:
    """The mean of the values of the queries that are answered, at each rate of abstention."""
    order = np.argsort(confidence, kind="stable")
    ordered, sums = confidence[order], values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    kept = np.repeat(np.add.reduceat(sums, starts) / sizes, sizes)
    return np.array([kept[min(round(rate * len(kept)), len(kept) - 1) :].mean() for rate in _RATES])


def _area(curve: Float64) -> float:
    return float(((curve[1:] + curve[:-1]) / 2 * np.diff(_RATES)).sum())
