r"""Where a document stands among those of a shortlist whose last places are drawn, in expectation.

At a shortlist's edge `crowd` documents tie for `places` places: each choice of them is as likely as any other. Those
that score higher at the short view are on it for sure. Ranked again, a document stands below those that score higher at
full width, and at each place among those that score the same with the same chance.

Of the crowd's documents that stand above it, the number that get in is hypergeometric. Let it stand behind `i` sure and
`j` crowded documents of its own score, of `s` and `c`: in a random order of all, that has the chance
C(s, i) C(c, j) / ((s + c + 1) C(s + c, i + j)). The expectation over both is a finite sum: nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Chances worked out at once, to bound memory.
_CELLS = 1 << 20


@dataclass(frozen=True)
class Standing:
    """Where documents stand that are on a shortlist; all of shape (n,).

    Attributes:
        sure_above: Sure documents with a higher score.
        sure_tied: Other sure documents with the same score.
        crowd_above: Documents of the crowd with a higher score.
        crowd_tied: Other documents of the crowd with the same score.
        crowd: Other documents of the crowd.
        places: Places that are left for them.
    """

    sure_above: Int64
    sure_tied: Int64
    crowd_above: Int64
    crowd_tied: Int64
    crowd: Int64
    places: Int64


def expected_weights(standing: Standing, weights: Float64) -> Float64:
    """What the rank of each document is worth, in expectation.

    Args:
        standing: Where the documents stand.
        weights: What each rank is worth, from the first, shape (k,); those after are worth nothing.

    Returns:
        Shape (n,).
    """
    columns = (
        standing.sure_above,
        standing.sure_tied,
        standing.crowd_above,
        standing.crowd_tied,
        standing.crowd,
        standing.places,
    )
    kinds, kind = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return _of_kinds(Standing(*kinds.T), weights)[kind.reshape(-1)]


def _of_kinds(standing: Standing, weights: Float64) -> Float64:
    # Nothing is left to chance but the order of equal scores.
    settled = standing.places >= standing.crowd
    above = standing.sure_above + standing.crowd_above
    tied = standing.sure_tied + standing.crowd_tied + 1
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    begin, end = np.minimum(above, len(weights)), np.minimum(above + tied, len(weights))
    result = np.where(settled, (sums[end] - sums[begin]) / tied, 0.0)
    drawn = np.flatnonzero(~settled & (standing.sure_above < len(weights)))
    if len(drawn):
        result[drawn] = _drawn(Standing(*(column[drawn] for column in vars(standing).values())), weights)
    return result


def _drawn(standing: Standing, weights: Float64) -> Float64:
    """The expectation where the last places are drawn."""
    # Behind more sure documents than these its rank is out of reach.
    sure_places = np.minimum(standing.sure_tied + 1, len(weights) - standing.sure_above)
    crowd_places = standing.crowd_tied + 1
    ends = np.cumsum(sure_places * crowd_places)
    result = np.zeros(len(ends))
    step = max(_CELLS // len(weights), 1)
    entering = np.arange(len(weights))
    for start in range(0, int(ends[-1]), step):
        number = np.arange(start, min(start + step, int(ends[-1])))
        row = np.searchsorted(ends, number, side="right")
        i, j = np.divmod(number - (ends[row] - sure_places[row] * crowd_places[row]), crowd_places[row])
        s, c = standing.sure_tied[row], standing.crowd_tied[row]
        chances = np.exp(_log_choose(s, i) + _log_choose(c, j) - _log_choose(s + c, i + j)) / (s + c + 1)
        chance = _hypergeometric(standing.crowd[row], standing.crowd_above[row] + j, standing.places[row], entering)
        ranks = (standing.sure_above[row] + i)[:, None] + entering
        worth = np.where(ranks < len(weights), weights[np.minimum(ranks, len(weights) - 1)], 0.0)
        result += np.bincount(row, weights=chances * (worth * chance).sum(axis=1), minlength=len(ends))
    return result


def _hypergeometric(crowd: Int64, marked: Int64, places: Int64, entering: Int64) -> Float64:
    """The chance that so many of the marked documents of a crowd get in, shape (n, len(entering))."""
    crowd, marked, places = crowd[:, None], marked[:, None], places[:, None]
    fewest, most = np.maximum(places - (crowd - marked), 0), np.minimum(marked, places)
    possible = (entering >= fewest) & (entering <= most)
    x = np.clip(entering, fewest, most)
    logs = _log_choose(marked, x) + _log_choose(crowd - marked, places - x) - _log_choose(crowd, places)
    return np.where(possible, np.exp(logs), 0.0)


def _log_choose(n: Int64, k: Int64) -> Float64:
    found: Float64 = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    return found
