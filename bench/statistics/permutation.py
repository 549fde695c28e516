"""Randomisation test of paired differences: their signs flipped at random."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.statistics.clusters import cluster_sums

Float64 = npt.NDArray[np.float64]

FLIPS = 9999
_SEED = 20240918
# Signs drawn at once, to bound memory.
_CELLS = 1 << 23
# Sums that differ by rounding alone, as a share of the sum of all absolute values.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SignFlips:
    """What sign flips say of mean differences, one a column; shape (m,) each.

    Attributes:
        different: Two-sided p-value of a mean of 0.
        worse: One-sided p-value of a mean of `-tolerance` or more: where it is small, the mean lies below.
    """

    different: Float64
    worse: Float64


def sign_flip_test(
    differences: Float64,
    clusters: npt.NDArray[np.integer] | None = None,
    *,
    tolerance: float = 0.0,
    flips: int = FLIPS,
) -> SignFlips:
    """Paired randomisation test by flipping signs (Fisher 1935).

    Where two models are equally good, the sum of a cluster's differences is as likely with the other sign.

    All sign patterns are tried where there are no more than `flips` + 1 of them. Else `flips` are drawn by a fixed
    seed and p is (1 + those at least as extreme) / (1 + flips), which is never 0 and no smaller than it ought to be
    (Phipson and Smyth, "Permutation p-values should never be zero", 2010).

    A tolerance is added to every difference before signs are flipped: that is exact for differences whose spread about
    their mean is symmetric, and holds otherwise as the t test does, for many clusters (docs/statistics.md has figures).

    Args:
        differences: New less old, one row an item and one column a comparison, shape (n, m).
        clusters: Which cluster each item belongs to, any whole numbers, shape (n,); each its own by default.
        tolerance: What a mean may lie below 0 before it counts as worse.
        flips: Sign patterns drawn where there are too many to try all.

    Raises:
        ValueError: There are no items, or not one cluster an item.
    """
    sums, sizes = cluster_sums(differences, clusters)
    shifts = tolerance * sizes[:, None]
    shifted = sums + shifts
    # What rounding leaves of differences that are the tolerance itself is no difference.
    shifted[np.abs(shifted) <= _ROUNDING * (np.abs(sums) + np.abs(shifts))] = 0.0
    return SignFlips(different=_p_value(sums, flips, two_sided=True), worse=_p_value(shifted, flips, two_sided=False))


def _p_value(sums: Float64, flips: int, *, two_sided: bool) -> Float64:
    """How often flipped sums add up to as little as they do, or to something as far from 0; shape (m,)."""
    # A sum's own sign does not matter to its flips; sorted, neither does the order of items.
    sizes = -np.sort(-np.abs(sums), axis=0)
    sizes = sizes[sizes.any(axis=1)]
    total, whole = sums.sum(axis=0), sizes.sum(axis=0)
    nearly = _ROUNDING * whole
    hits = np.zeros(sums.shape[1], dtype=np.int64)
    for positive in _patterns(len(sizes), flips):
        flipped = 2 * (positive @ sizes) - whole
        extreme = np.abs(flipped) >= np.abs(total) - nearly if two_sided else flipped <= total + nearly
        hits += extreme.sum(axis=0)
    found: Float64 = hits / 2 ** len(sizes) if _all_patterns(len(sizes), flips) else (1 + hits) / (1 + flips)
    return found


def _all_patterns(c: int, flips: int) -> bool:
    return c <= math.log2(flips + 1)


def _patterns(c: int, flips: int) -> Iterator[Float64]:
    """Blocks of sign patterns of c sums, 1 for a positive sign and else 0, shape (patterns, c)."""
    if _all_patterns(c, flips):
        yield (np.arange(2**c)[:, None] >> np.arange(c) & 1).astype(np.float64)
        return
    rng = np.random.default_rng(_SEED)
    size = max(_CELLS // c, 1)
    for start in range(0, flips, size):
        drawn = rng.integers(0, 256, size=(min(size, flips - start), -(-c // 8)), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1, count=c).astype(np.float64)
