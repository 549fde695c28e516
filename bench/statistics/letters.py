"""Letters of models: two that share one are not significantly different (a compact letter display)."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]


def group_letters(same: Bool) -> list[str]:
    """The letters of each model: two models share a letter if and only if they are the same.

    A letter is a set of models of which no two differ, as large as can be; all letters together hold every pair that
    does not differ (Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", 2004). The
    sets are grown from pairs that none holds yet, so that there are no more of them than pairs (Gramm et al.,
    "Algorithms for compact letter displays: comparison and evaluation", 2007); sets without a pair of their own go.

    Args:
        same: Whether two models are not significantly different, symmetric and true of each with itself, shape (m, m);
            the best model first.

    Returns:
        Of each model its letters in the order of the alphabet, the best model's from `a` on; after `z` come `a1`, `b1`.
    """
    groups = sorted(map(sorted, _needed(_grown(same), len(same))))
    names = [ascii_lowercase[at % 26] + (str(at // 26) if at >= 26 else "") for at in range(len(groups))]
    return ["".join(name for name, group in zip(names, groups, strict=True) if at in group) for at in range(len(same))]


def _grown(same: Bool) -> list[frozenset[int]]:
    """Sets of models that hold every pair that is the same, and every model."""
    m = len(same)
    held = np.zeros((m, m), dtype=bool)
    groups = []
    for first in range(m):
        for second in [*range(first + 1, m), first]:
            if held[first, second] or not same[first, second]:
                continue
            fits = same[first] & same[second]
            group = {first, second}
            for other in np.flatnonzero(fits).tolist():
                if fits[other]:
                    group.add(other)
                    fits &= same[other]
            members = sorted(group)
            held[np.ix_(members, members)] = True
            groups.append(frozenset(members))
    return groups


def _needed(groups: Iterable[frozenset[int]], m: int) -> list[frozenset[int]]:
    """The sets without those of which each pair is in another one."""
    kept = list(groups)
    times = np.zeros((m, m), dtype=np.int64)
    for group in kept:
        times[np.ix_(sorted(group), sorted(group))] += 1
    for group in reversed(list(kept)):
        place = np.ix_(sorted(group), sorted(group))
        if (times[place] > 1).all():
            times[place] -= 1
            kept.remove(group)
    return kept
