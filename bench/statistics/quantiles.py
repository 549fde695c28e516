"""Ratios of quantiles between two samples that were each taken by several processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

RESAMPLES = 4000
_SEED = 20240917


def quantile_ratios(before: Sequence[Float64], after: Sequence[Float64], share: float) -> Float64:
    """Resampled ratios of a quantile, after over before; the same samples give the same ratios.

    Processes are drawn first, then calls of those drawn (Davison and Hinkley, "Bootstrap methods and their
    application", 1997, section 3.8). A quantile of n calls drawn from n is the call whose rank is a draw of the Beta
    distribution of that order statistic, which spares drawing the calls one by one.

    Args:
        before: The calls of each process of one side, shape (n_p,) each.
        after: Of the other.
        share: Which quantile, 0.5 for the median.

    Returns:
        Shape (RESAMPLES,).
    """
    rng = np.random.default_rng(_SEED)
    below = _quantiles(before, share, rng)
    return _quantiles(after, share, rng) / below


def _quantiles(processes: Sequence[Float64], share: float, rng: np.random.Generator) -> Float64:
    count = len(processes)
    drawn = np.sort(rng.integers(0, count, size=(RESAMPLES, count)), axis=1)
    kinds, kind = np.unique(drawn, axis=0, return_inverse=True)
    found = np.empty(RESAMPLES)
    # Few sets of processes are drawn, each many times.
    for number, chosen in enumerate(kinds):
        calls = np.sort(np.concatenate([processes[place] for place in chosen]))
        rows = np.flatnonzero(kind.reshape(-1) == number)
        position = (len(calls) - 1) * share
        ranks = rng.beta(position + 1, len(calls) - position, size=len(rows))
        found[rows] = calls[np.minimum((ranks * len(calls)).astype(np.int64), len(calls) - 1)]
    return found
