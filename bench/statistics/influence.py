"""What each pair contributes to a correlation, so that correlations can be compared as means are."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

Float64 = npt.NDArray[np.float64]


def pearson_influence(x: Float64, y: Float64) -> Float64:
    """What each pair contributes to Pearson's correlation r.

    r plus its influence function, zx zy - r (zx^2 + zy^2) / 2 with z the standardised values (Devlin, Gnanadesikan and
    Kettenring, "Robust estimation and outlier detection with correlation coefficients", 1975).

    Args:
        x: Shape (n,).
        y: Shape (n,).

    Returns:
        Shape (n,); their mean is r and the standard error of that mean r's own, to first order. Zeros where a side is
        constant.
    """
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.zeros(len(x))
    zx, zy = stats.zscore(x), stats.zscore(y)
    r = float((zx * zy).mean())
    found: Float64 = r + zx * zy - r * (np.square(zx) + np.square(zy)) / 2
    return found


def spearman_influence(x: Float64, y: Float64) -> Float64:
    """What each pair contributes to Spearman's correlation.

    The correlation is C / sqrt(Vx Vy) of the ranks' covariance and variances. A pair moves these by its own ranks and
    by moving the ranks of all others; both are in the influence functions, with u = rank / n - 1/2 (ties their mean
    rank) and H(t) = 0, 1/2, 1 for t below, at and above 0:

        of C:  u_i v_i + mean_j H(x_j - x_i) v_j + mean_j H(y_j - y_i) u_j - 3 C
        of Vx: u_i^2 + 2 mean_j H(x_j - x_i) u_j - 3 Vx

    and by the quotient rule of the correlation (Croux and Dehon, "Influence functions of the Spearman and Kendall
    correlation measures", 2010).

    Args:
        x: Shape (n,).
        y: Shape (n,).

    Returns:
        As pearson_influence.
    """
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.zeros(len(x))
    u, v = _centred_ranks(x), _centred_ranks(y)
    covariance, vx, vy = float((u * v).mean()), float((u * u).mean()), float((v * v).mean())
    of_covariance = u * v + _mean_above(x, v) + _mean_above(y, u) - 3 * covariance
    of_vx = u * u + 2 * _mean_above(x, u) - 3 * vx
    of_vy = v * v + 2 * _mean_above(y, v) - 3 * vy
    r = covariance / math.sqrt(vx * vy)
    found: Float64 = r + of_covariance / math.sqrt(vx * vy) - r / 2 * (of_vx / vx + of_vy / vy)
    return found


def _centred_ranks(values: Float64) -> Float64:
    ranks: Float64 = stats.rankdata(values) / len(values)
    centred: Float64 = ranks - ranks.mean()
    return centred


def _mean_above(at: Float64, values: Float64) -> Float64:
    """mean_j H(at_j - at_i) values_j for each i."""
    order = np.argsort(at, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(values[order])])
    below = total[np.searchsorted(at[order], at, side="left")]
    upto = total[np.searchsorted(at[order], at, side="right")]
    # All less those below, less half of those at the same place.
    found: Float64 = (total[-1] - (below + upto) / 2) / len(at)
    return found
