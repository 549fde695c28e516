"""STS scores as MTEB defines them: correlations of a similarity with the gold scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.metrics import SIMILARITIES

Float64 = npt.NDArray[np.float64]


def similarities(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> dict[str, Float64]:
    """The similarity of each pair; distances are negated, so that more is more similar.

    Computed in float64 and rounded to float32, so that equal pairs tie whatever their place.

    Args:
        first: Shape (n, d), float32.
        second: Shape (n, d), float32.

    Returns:
        By name (SIMILARITIES), shape (n,), float64.
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    norms = np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))
    cosine = (a * b).sum(axis=1) / np.where(norms > 0, norms, 1.0)
    found = {
        "cosine": cosine,
        "manhattan": -np.abs(a - b).sum(axis=1),
        "euclidean": -np.sqrt(np.square(a - b).sum(axis=1)),
    }
    return {name: values.astype(np.float32).astype(np.float64) for name, values in found.items()}


def correlations(values: dict[str, Float64], gold: Float64) -> dict[str, float]:
    """Every metric (PAIR_METRICS) from the similarities of all pairs.

    Spearman's correlation is Pearson's of the ranks, ties given their mean rank. A similarity that is the same
    for all pairs correlates with nothing: 0.
    """
    result = {}
    for name in SIMILARITIES:
        result[f"{name}_spearman"] = spearman(values[name], gold)
        result[f"{name}_pearson"] = _pearson(values[name], gold)
    return result


def dot_correlations(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], gold: Float64
) -> dict[str, float]:
    """MTEB's `pearson` and `spearman`, which are of the model's own similarity, where that is the dot product.

    Args:
        first: Shape (n, d), float32.
        second: Shape (n, d), float32.
        gold: Gold scores, shape (n,).
    """
    products = (first.astype(np.float64) * second).sum(axis=1).astype(np.float32).astype(np.float64)
    return {"pearson": _pearson(products, gold), "spearman": spearman(products, gold)}


def spearman(values: Float64, gold: Float64) -> float:
    """Spearman's rank correlation; 0 where either side is constant."""
    return _pearson(stats.rankdata(values), stats.rankdata(gold))


def _pearson(x: Float64, y: Float64) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(stats.pearsonr(x, y).statistic)
