"""Near-duplicates between two sets of texts: an exact join on the Jaccard similarity of their character 5-grams.

Prefix filtering (Chaudhuri, Ganti, Kaushik: A Primitive Operator for Similarity Joins in Data Cleaning, ICDE 2006;
Bayardo, Ma, Srikant: Scaling Up All Pairs Similarity Search, WWW 2007): with the grams of every set in one order, two
sets whose Jaccard similarity is at least t share a gram among the first |x| - ceil(t |x|) + 1 of each. The order here
puts first the grams that the fewest pairs of texts share, so that few pairs are left to be compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from bench.audit.texts import GramSets, Int64, gram_sets

# The threshold as a fraction, so that it is compared in whole numbers: 4/5 = 0.8.
_PART, _WHOLE = 4, 5
JACCARD = _PART / _WHOLE

# What keeps memory and time bounded: characters compared, steps of the join, members of the sets compared in full.
MOST_CHARACTERS = 25_000_000
MOST_STEPS = 2_000_000_000
MOST_MEMBERS = 500_000_000
_STEPS_AT_ONCE = 20_000_000
_MEMBERS_AT_ONCE = 10_000_000


def near_duplicates(first: Sequence[str], second: Sequence[str]) -> dict[int, int] | None:
    """The texts of one list that are nearly those of another.

    Args:
        first: Texts, as they are to be compared (see `normalise`).
        second: Likewise.

    Returns:
        For each place in `first` that has one, the place of its nearest text in `second` (the first of equals) with a
        Jaccard similarity of JACCARD or more. None where the lists are too large to be compared.
    """
    if not first or not second:
        return {}
    if sum(map(len, first)) + sum(map(len, second)) > MOST_CHARACTERS:
        return None
    sets = gram_sets([*first, *second])
    border = int(np.searchsorted(sets.rows, len(first)))
    shared = np.bincount(sets.grams[:border], minlength=sets.distinct) * np.bincount(
        sets.grams[border:], minlength=sets.distinct
    )
    order = np.argsort(shared, kind="stable")
    numbers = np.empty_like(order)
    numbers[order] = np.arange(len(order))
    return _join(sets.renumbered(numbers), len(first), shared[order])


def _join(sets: GramSets, count: int, shared: Int64) -> dict[int, int] | None:
    """The nearest of the texts from `count` on, for each before; `shared` ascends over the grams."""
    sizes = np.bincount(sets.rows, minlength=sets.texts)
    place = np.arange(len(sets.rows)) - (np.cumsum(sizes) - sizes)[sets.rows]
    rest = -(-sizes * _PART // _WHOLE) - 1
    kept = (place < (sizes - rest)[sets.rows]) & (shared[sets.grams] > 0)
    whole, heads = _matrix(sets), _matrix(sets, kept)
    here, there = heads[:count], heads[count:]
    steps = here @ np.bincount(there.indices, minlength=sets.distinct)
    if steps.sum() > MOST_STEPS:
        return None
    nearest: dict[int, tuple[float, int]] = {}
    members = 0
    for start, stop in _slices(steps, _STEPS_AT_ONCE):
        candidates = (here[start:stop] @ there.T).tocoo()
        rows, columns = candidates.row.astype(np.int64) + start, candidates.col.astype(np.int64) + count
        # What two sets share stands in both prefixes or in the rest of at least one that ends first.
        most = candidates.data + np.maximum(rest[rows], rest[columns])
        both = sizes[rows] + sizes[columns]
        possible = (np.minimum(most, np.minimum(sizes[rows], sizes[columns])) * (_WHOLE + _PART)) >= both * _PART
        members += int(both[possible].sum())
        if members > MOST_MEMBERS:
            return None
        _compare(whole, sizes, rows[possible], columns[possible], nearest)
    return {row: column - count for row, (_, column) in sorted(nearest.items())}


def _compare(
    whole: sparse.csr_matrix, sizes: Int64, rows: Int64, columns: Int64, nearest: dict[int, tuple[float, int]]
) -> None:
    """Compare pairs of texts in full and keep the nearest of each row."""
    for start, stop in _slices(sizes[rows] + sizes[columns], _MEMBERS_AT_ONCE):
        some, others = rows[start:stop], columns[start:stop]
        both = np.asarray(whole[some].multiply(whole[others]).sum(axis=1)).ravel().astype(np.int64)
        either = sizes[some] + sizes[others] - both
        for at in np.flatnonzero(both * _WHOLE >= either * _PART):
            row, found = int(some[at]), (-both[at] / either[at], int(others[at]))
            nearest[row] = min(nearest.get(row, found), found)


def _matrix(sets: GramSets, kept: npt.NDArray[np.bool_] | None = None) -> sparse.csr_matrix:
    """Texts by grams, 1 where a text has a gram."""
    rows, grams = (sets.rows, sets.grams) if kept is None else (sets.rows[kept], sets.grams[kept])
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=sets.texts))])
    ones = np.ones(len(grams), dtype=np.int32)
    return sparse.csr_matrix((ones, grams, starts), shape=(sets.texts, sets.distinct))


def _slices(costs: npt.NDArray[np.integer], limit: int) -> Iterator[tuple[int, int]]:
    """Runs of rows that cost about `limit` together, at least one row each."""
    totals = np.cumsum(costs)
    start = 0
    while start < len(costs):
        done = totals[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(totals, done + limit, side="right")))
        yield start, stop
        start = stop
