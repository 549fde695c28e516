"""How small a difference a comparison can find, and how many observations a difference needs."""

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


def observations_needed(
    deviation: float, effect: float, *, level: float = 0.05, power: float = POWER, two_sided: bool = True
) -> int:
    """The fewest observations whose minimum detectable effect is at most `effect`.

    One-sided, with the effect as the margin, it is the size that a test of non-inferiority needs where both are equally
    good. With many observations it is ((z of the level + z of the power) * deviation / effect)^2.

    Args:
        deviation: Standard deviation of the paired differences.
        effect: The true mean difference to be found, above 0.
        level: As in minimum_detectable_effect.
        power: Likewise.
        two_sided: Likewise.

    Raises:
        ValueError: The effect is not above 0, the deviation is negative, or the power is not between the level and 1.
    """
    if not effect > 0 or not deviation >= 0:
        raise ValueError(f"an effect is above 0 and a deviation at least 0, not {effect} and {deviation}")

    def found(n: int) -> bool:
        error = np.array([deviation / np.sqrt(n)])
        smallest = minimum_detectable_effect(error, n - 1, level=level, power=power, two_sided=two_sided)
        return bool(smallest[0] <= effect)

    least, most = 1, 2
    while not found(most):
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if found(middle) else (middle, most)
    return most
