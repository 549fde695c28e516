"""Clusters: groups of items that are no observations of their own, such as queries with the same text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def cluster_sums(values: Float64, clusters: npt.NDArray[np.integer] | None) -> tuple[Float64, Int64]:
    """The sums of clusters and how many items they have.

    Args:
        values: One row an item, shape (n, m).
        clusters: Which cluster each item belongs to, any whole numbers, shape (n,); each its own by default.

    Returns:
        Sums, shape (c, m), and sizes, shape (c,), in the order of the clusters' numbers; of items that are their own
        clusters the values as they are.

    Raises:
        ValueError: There are no items, or not one cluster an item.
    """
    if len(values) == 0 or (clusters is not None and clusters.shape != (len(values),)):
        raise ValueError("statistics need at least one item, and one cluster an item")
    if clusters is None or alone(clusters):
        return values, np.ones(len(values), dtype=np.int64)
    order = np.argsort(clusters, kind="stable")
    sizes = np.unique_counts(clusters).counts
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.add.reduceat(values[order], starts, axis=0), sizes


def ordered_sums(values: Float64, clusters: npt.NDArray[np.integer] | None) -> tuple[Float64, Int64]:
    """`cluster_sums` with the same rounding in any order of the items: each column in the order of its values."""
    if clusters is not None and clusters.shape == values.shape[:1] and not alone(clusters):
        rows = np.lexsort((values, np.broadcast_to(clusters[:, None], values.shape)), axis=0)
        values, clusters = np.take_along_axis(values, rows, axis=0), np.sort(clusters)
    return cluster_sums(values, clusters)


def alone(clusters: npt.NDArray[np.integer]) -> bool:
    """Whether each item is a cluster of its own."""
    return len(np.unique(clusters)) == len(clusters)
