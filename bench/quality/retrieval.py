r"""Retrieval metrics as MTEB defines them (trec_eval's definitions, linear gain), for every query.

Tied documents have no order of their own, and an order by document id would make the score depend on names.
Each metric is therefore its expected value over all orders of tied documents, in closed form:

- A relevant document that `a` documents beat and that stands in a group of `t` tied ones takes each of the ranks
  a+1 .. a+t with probability 1/t (McSherry and Najork, "Computing information retrieval performance measures
  efficiently in the presence of tied scores", ECIR 2008). Without ties (t = 1) this is the plain metric.
- nDCG@k: sum of label / log2(rank + 1) over the first k ranks, divided by that of the best order (Jarvelin and
  Kekalainen 2002, linear gain).
- recall@k, precision@k: relevant documents in the first k ranks over all relevant documents, over k.
- hit_rate@k: 1 if any of the first k is relevant (trec_eval's success). MRR@k: 1 / rank of the first relevant one.
- MAP@k: sum over relevant documents in the first k of precision at their rank, over all relevant documents
  (trec_eval's map_cut).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.metrics import CUTOFFS, RETRIEVAL_METRICS
from bench.quality.ranking import Ranks

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

METRICS = RETRIEVAL_METRICS
MAX_CUTOFF = max(CUTOFFS)

_RANKS = np.arange(1, MAX_CUTOFF + 1)
DISCOUNTS = 1.0 / np.log2(_RANKS + 1)
# Sums of the first n discounts, and of the first n reciprocal ranks, at n.
_DISCOUNT_SUMS = np.concatenate([[0.0], np.cumsum(DISCOUNTS)])
_RECIPROCAL_SUMS = np.concatenate([[0.0], np.cumsum(1.0 / _RANKS)])
# Places of tied groups looked at at once, to bound memory.
_PLACES = 1 << 20


def score_queries(ranks: Ranks, pair_queries: Int64, pair_gains: Int64, n_queries: int) -> dict[str, Float64]:
    """Every metric of every query.

    Args:
        ranks: Where the relevant pairs stand, to a depth of MAX_CUTOFF.
        pair_queries: Query row of each relevant pair, shape (p,).
        pair_gains: Label of each relevant pair, at least 1, shape (p,).
        n_queries: Number of queries; one without a relevant pair scores 0.

    Returns:
        By metric name (METRICS), one value a query, shape (n_queries,), float64.
    """
    relevant = per_query(pair_queries, np.ones(len(pair_queries)), n_queries)
    ideal = ideal_dcg(pair_queries, pair_gains, n_queries)
    near = ranks.above < MAX_CUTOFF
    query, gain, above, tied = pair_queries[near], pair_gains[near], ranks.above[near], ranks.tied[near]
    groups = _groups(query, above, tied)
    firsts = _first_metrics(groups, n_queries)
    result: dict[str, Float64] = {}
    for k in CUTOFFS:
        # Between these lie the ranks within the first k that the document can take.
        begin, end = np.minimum(k, above), np.minimum(k, above + tied)
        found = per_query(query, (end - begin) / tied, n_queries)
        discount = _DISCOUNT_SUMS[end] - _DISCOUNT_SUMS[begin]
        dcg = per_query(query, gain * discount / tied, n_queries)
        result[f"ndcg_at_{k}"] = ratio(dcg, ideal[k])
        result[f"recall_at_{k}"] = ratio(found, relevant)
        result[f"precision_at_{k}"] = found / k
        result[f"mrr_at_{k}"], result[f"hit_rate_at_{k}"] = firsts[k]
        result[f"map_at_{k}"] = ratio(_precision_sums(groups, k, n_queries), relevant)
    return {name: result[name] for name in METRICS}


def ideal_dcg(pair_queries: Int64, pair_gains: Int64, n_queries: int) -> dict[int, Float64]:
    """DCG of the best order, by cutoff."""
    order = np.lexsort((-pair_gains, pair_queries))
    queries, gains = pair_queries[order], pair_gains[order]
    counts = np.bincount(queries, minlength=n_queries)
    rank = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
    near = rank < MAX_CUTOFF
    weights = np.zeros(len(queries))
    weights[near] = gains[near] * DISCOUNTS[rank[near]]
    return {k: per_query(queries, weights * (rank < k), n_queries) for k in CUTOFFS}


@dataclass(frozen=True)
class _Groups:
    """Groups of tied documents that hold relevant ones, by query and rank.

    Attributes:
        query: Row of the query.
        above: Documents before the group.
        tied: Documents in it.
        relevant: Relevant documents in it.
        before: Relevant documents in earlier groups.
    """

    query: Int64
    above: Int64
    tied: Int64
    relevant: Int64
    before: Int64


def _groups(query: Int64, above: Int64, tied: Int64) -> _Groups:
    """The groups that relevant documents within reach form, by query and rank."""
    key, first, relevant = np.unique(query * MAX_CUTOFF + above, return_index=True, return_counts=True)
    query, above, tied = query[first], key % MAX_CUTOFF, tied[first]
    seen = np.cumsum(relevant) - relevant
    starts = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(query)])
    before = seen - np.repeat(seen[starts], sizes)
    return _Groups(query, above, tied, relevant, before)


def _precision_sums(groups: _Groups, k: int, n_queries: int) -> Float64:
    """The expected sum of the precisions at the relevant documents within the first k ranks, a query each."""
    above, tied, relevant = groups.above, groups.tied, groups.relevant
    # Places of the group within the first k ranks.
    places = np.clip(k - above, 0, tied)
    # A single place needs no difference of sums, which rounds.
    sums = _RECIPROCAL_SUMS[above + places] - _RECIPROCAL_SUMS[above]
    reciprocals = np.where(places == 1, 1.0 / (above + 1), sums)
    # Given a relevant document at place i, each of the i - 1 places before it is relevant with (m - 1) / (t - 1); the
    # sum of (i - 1) / (a + i) is the number of places less (a + 1) times that of 1 / (a + i).
    others = (relevant - 1) / np.maximum(tied - 1, 1) * (places - (above + 1) * reciprocals)
    expected = ((groups.before + 1) * reciprocals + others) * relevant / tied
    return per_query(groups.query, expected, n_queries)


def _first_metrics(groups: _Groups, n_queries: int) -> dict[int, tuple[Float64, Float64]]:
    """Expected reciprocal rank of the first relevant document and chance of a hit, by cutoff, a query each.

    A query's first group decides both: a hit may also come from a later group, but only if the first lies wholly
    within the first k, and then it is a hit already.
    """
    result = {k: (np.zeros(n_queries), np.zeros(n_queries)) for k in CUTOFFS}
    leading = np.flatnonzero(groups.before == 0)
    width = np.minimum(groups.tied[leading], MAX_CUTOFF - groups.above[leading])
    leading, width = leading[np.argsort(width)], np.sort(width)
    start = 0
    while start < len(leading):
        # As many groups, from narrow to wide, as their widest leaves room for.
        fits = np.arange(1, len(leading) - start + 1) * width[start:] <= _PLACES
        stop = start + max(int(fits.sum()), 1)
        rows = leading[start:stop]
        query, above = groups.query[rows], groups.above[rows]
        reciprocal, none = _first_places(above, groups.tied[rows], groups.relevant[rows], int(width[stop - 1]))
        for k, (first, hit) in result.items():
            place = np.clip(k - above, 0, width[start:stop])
            first[query] = np.take_along_axis(reciprocal, place[:, None], axis=1)[:, 0]
            hit[query] = 1.0 - np.take_along_axis(none, place[:, None], axis=1)[:, 0]
        start = stop
    return result


def _first_places(above: Int64, tied: Int64, relevant: Int64, width: int) -> tuple[Float64, Float64]:
    """Within the first i places of each group, at column i from 0 to `width`, shape (groups, width + 1) each.

    Returns:
        The expected reciprocal rank of the first relevant document, and the chance that there is none.
    """
    place = np.arange(1, width + 1)[None, :]
    # No relevant document in the first i places: product over j <= i of (t - m - j + 1) / (t - j + 1).
    remaining = np.maximum(tied[:, None] - place + 1, 1)
    misses = np.clip(tied[:, None] - relevant[:, None] - place + 1, 0, None)
    none = np.ones((len(above), width + 1))
    np.cumprod(misses / remaining, axis=1, out=none[:, 1:])
    reciprocal = np.zeros((len(above), width + 1))
    first_here = none[:, :-1] * relevant[:, None] / remaining
    np.cumsum(first_here / (above[:, None] + place), axis=1, out=reciprocal[:, 1:])
    return reciprocal, none


def per_query(queries: Int64, weights: Float64, n_queries: int) -> Float64:
    """The sum of weights of each query, shape (n_queries,)."""
    return np.bincount(queries, weights=weights, minlength=n_queries).astype(np.float64, copy=False)


def ratio(numerator: Float64, denominator: Float64) -> Float64:
    """Numerator / denominator, 0 where the denominator is 0."""
    result: Float64 = np.divide(
        numerator, denominator, out=np.zeros(len(numerator), dtype=np.float64), where=denominator != 0
    )
    return result
