"""What each item contributes to a figure over one or several subsets, so that the figure is a mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.results.items import Items
from bench.results.schema import TaskInfo

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pooled:
    """The items of several subsets as one sample.

    Attributes:
        values: Scores of every item as they were read, shape (n,).
        parts: What each contributes to the mean over subsets, which is their mean, shape (n,).
    """

    values: Float64
    parts: Float64

    @property
    def mean(self) -> float:
        """The mean over subsets."""
        return float(self.parts.mean())


def pool(subsets: Sequence[Float64]) -> Pooled:
    """Items of one or several subsets.

    An item's part is the mean over subsets plus its distance from its own subset's mean, weighed by the subset's share
    of the mean: of one subset its own value. The variance of the parts' mean is that of resampling each subset in its
    own size, all at once.

    Args:
        subsets: The values of each subset's items, shape (n_s,) each.
    """
    if len(subsets) == 1:
        return Pooled(subsets[0], subsets[0])
    total = sum(map(len, subsets))
    middle = float(np.mean([values.mean() for values in subsets]))
    parts = [middle + (values - values.mean()) * total / (len(subsets) * len(values)) for values in subsets]
    return Pooled(np.concatenate(subsets), np.concatenate(parts))


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
    """One fingerprint for several subsets."""
    from bench.files import digest_json

    return tasks[0].fingerprint if len(tasks) == 1 else digest_json([task.fingerprint for task in tasks])
