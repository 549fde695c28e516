"""How small a difference a comparison can find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

Float64 = npt.NDArray[np.float64]

POWER = 0.8


def minimum_detectable_effect(
    error: Float64, freedom: int, *, level: float = 0.05, power: float = POWER, two_sided: bool = True
) -> Float64:
    """The true mean difference that a paired t test finds, on its own side of 0, in `power` of all samples.

    Where the true difference is delta, t has the noncentral t distribution with noncentrality delta / error; this
    solves for the delta that exceeds the critical value with the power asked for (Cohen, "Statistical power analysis
    for the behavioral sciences", 1988; as a multiple of the error: Bloom, "Minimum detectable effects", 1995). With
    many clusters it is 2.80 errors at 5% and 80%, two-sided, and 2.49 one-sided.

    Args:
        error: Standard errors of mean differences, as PairedTest has them, clusters allowed for.
        freedom: Their degrees of freedom.
        level: At which the test counts a difference.
        power: How often it is to find it.
        two_sided: Whether the test looks for differences either way.

    Returns:
        As error's shape, in the unit of the scores; NaN where there are fewer than two clusters.

    Raises:
        ValueError: The power is not between the level and 1.
    """
    if not 0 < level < power < 1:
        raise ValueError(f"power is between the level and 1, not {power} at level {level}")
    if freedom < 1:
        return np.full_like(error, np.nan)
    critical = float(stats.t.isf(level / 2 if two_sided else level, freedom))

    def lacking(noncentrality: float) -> float:
        return power - float(stats.nct.sf(critical, freedom, noncentrality))

    beyond = critical + 1
    while lacking(beyond) > 0:
        beyond *= 2
    found: Float64 = error * float(optimize.brentq(lacking, 0.0, beyond, xtol=1e-10))
    return found
