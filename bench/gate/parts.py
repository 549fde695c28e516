"""What each item contributes to a figure over one or several subsets, so that the figure is a mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.files import digest_json
from bench.results.items import Items
from bench.results.schema import TaskInfo

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def pool_clusters(ids: Sequence[Sequence[str]], clusters: Sequence[Int64]) -> Int64:
    """Clusters over subsets: items of one subset's cluster belong together, and so do items of one id.

    Args:
        ids: Of each subset's items.
        clusters: Of each subset's items, from 0 without gaps.

    Returns:
        From 0 without gaps, in the subsets' order.
    """
    if len(ids) == 1:
        return clusters[0]
    names = np.unique(np.concatenate([np.asarray(found) for found in ids]), return_inverse=True)[1]
    starts = np.cumsum([0, *(int(found.max()) + 1 for found in clusters)])
    own = np.concatenate([found + start for found, start in zip(clusters, starts, strict=False)])
    nodes = int(starts[-1]) + int(names.max()) + 1
    edges = coo_array((np.ones(len(own)), (own, names + starts[-1])), shape=(nodes, nodes))
    together = connected_components(edges, directed=False)[1][own]
    found: Int64 = np.unique(together, return_inverse=True)[1].astype(np.int64)
    return found


def ratio_parts(above: Float64, below: Float64) -> Float64:
    """What each item contributes to a ratio of means, by the delta method.

    r + (a_i - r b_i) / mean b: their mean is r = mean a / mean b, and the standard error of that mean is r's own to
    first order.

    Args:
        above: What each contributes to the numerator, shape (n,).
        below: To the denominator, whose mean is not 0, shape (n,).
    """
    ratio = above.mean() / below.mean()
    found: Float64 = ratio + (above - ratio * below) / below.mean()
    return found


def same_items(first: Items, second: Items) -> bool:
    """Whether two cells are of the same items."""
    return first.ids is second.ids or first.ids == second.ids


def combined_fingerprint(tasks: Sequence[TaskInfo]) -> str:
    """One fingerprint for one or several subsets."""
    return tasks[0].fingerprint if len(tasks) == 1 else digest_json([task.fingerprint for task in tasks])
