"""Differences between two models on the same items, item by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.statistics.clusters import cluster_sums

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

# Differences that rounding alone makes, as a share of the largest.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """Mean differences and what is known of them, one a column; shape (m,) each.

    Attributes:
        mean: Mean difference.
        error: Its standard error; NaN where there are fewer than two clusters.
        freedom: Degrees of freedom: clusters less one.
        p: Two-sided p-value of no difference; 1 where nothing can be told.
        rounding: What rounding alone may make of a mean.
    """

    mean: Float64
    error: Float64
    freedom: int
    p: Float64
    rounding: Float64

    def worse(self, tolerance: float = 0.0) -> Float64:
        """One-sided p-values of means of `-tolerance` or more, shape (m,): small where the mean lies below.

        1 where there are fewer than two clusters.
        """
        if self.freedom < 1:
            return np.ones_like(self.mean)
        above = self.mean + tolerance
        above = np.where(np.abs(above) <= self.rounding, 0.0, above)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = above / self.error
        # A mean that is the tolerance without any spread is not below it.
        p: Float64 = np.where(np.isnan(t), 1.0, stats.t.cdf(t, self.freedom))
        return p

    def interval(self, confidence: float = 0.95) -> tuple[Float64, Float64]:
        """Low and high ends of the intervals of the mean differences; NaN where there are fewer than two clusters."""
        if self.freedom < 1:
            return np.full_like(self.mean, np.nan), np.full_like(self.mean, np.nan)
        reach = float(stats.t.ppf((1 + confidence) / 2, self.freedom)) * self.error
        return self.mean - reach, self.mean + reach


def paired_test(differences: Float64, clusters: Int64 | None = None) -> PairedTest:
    """Paired t test that the mean difference is 0, with standard errors that allow for clusters.

    Without clusters it is Student's paired test, which agrees with the randomisation test on the scores of queries
    (Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
    evaluation", 2007). Items of one cluster count as one observation: the variance of the mean is
    C / (C - 1) * sum over clusters of (sum of d - mean d)^2 / n^2 (Cameron and Miller, "A practitioner's guide to
    cluster-robust inference", 2015).

    Args:
        differences: One row an item and one column a comparison, shape (n, m).
        clusters: Which cluster each item belongs to, any whole numbers, shape (n,); each its own by default.

    Raises:
        ValueError: There are no items, or not one cluster an item.
    """
    sums, sizes = cluster_sums(differences, clusters)
    mean: Float64 = differences.mean(axis=0)
    centred = sums - sizes[:, None] * mean
    freedom, n = len(sums) - 1, len(differences)
    if freedom < 1:
        return PairedTest(mean, np.full_like(mean, np.nan), freedom, np.ones_like(mean), np.zeros_like(mean))
    error = np.sqrt((freedom + 1) / freedom * np.square(centred).sum(axis=0)) / n
    largest = np.abs(differences).max(axis=0)
    # Equal differences leave a spread that is rounding alone, and equal scores a mean that is.
    error = np.where(error <= _ROUNDING * largest, 0.0, error)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(np.abs(mean) <= _ROUNDING * largest, 0.0, np.abs(mean) / error)
    p = np.where(largest == 0, 1.0, 2 * stats.t.sf(np.nan_to_num(t, nan=0.0, posinf=np.inf), freedom))
    return PairedTest(mean, error, freedom, p, _ROUNDING * largest)


def pairwise_p(values: Float64, clusters: Int64 | None = None) -> Float64:
    """P-values of the paired tests of all pairs of models, not corrected for their number.

    Args:
        values: What the items of each model contribute, shape (n, m).
        clusters: Of the items, as in paired_test.

    Returns:
        Symmetric, 1 of each model with itself, shape (m, m).
    """
    m = values.shape[1]
    p: Float64 = np.ones((m, m))
    for first in range(m - 1):
        p[first, first + 1 :] = paired_test(values[:, [first]] - values[:, first + 1 :], clusters).p
        p[first + 1 :, first] = p[first, first + 1 :]
    return p


def holm(p_values: Float64) -> Float64:
    """P-values adjusted for their number (Holm, "A simple sequentially rejective multiple test procedure", 1979).

    Args:
        p_values: Shape (m,).

    Returns:
        In the same order, shape (m,); those at or below a level are the hypotheses that it rejects.
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(m, 0, -1))
    adjusted: Float64 = np.empty(m)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def indistinguishable(scores: Float64, values: Float64, clusters: Int64 | None = None, level: float = 0.05) -> Bool:
    """Which of several models cannot be told from the best of them.

    Each is compared with the best by a paired test, corrected by Holm for their number.

    Args:
        scores: Of each model, higher is better, shape (m,).
        values: What the items of each contribute, so that the mean of a column is its score, shape (n, m).
        clusters: Of the items, as in paired_test.
        level: At which a difference counts.

    Returns:
        Shape (m,), true for the best itself.
    """
    best = int(np.argmax(scores))
    others = np.delete(np.arange(len(scores)), best)
    same = np.ones(len(scores), dtype=bool)
    if len(others):
        found = paired_test(values[:, [best]] - values[:, others], clusters)
        same[others] = holm(found.p) > level
    return same
