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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.quality.ranking import Ranking

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

CUTOFFS = (1, 5, 10, 100)
MAX_CUTOFF = max(CUTOFFS)
_FAMILIES = ("ndcg", "recall", "mrr", "map", "precision", "hit_rate")
METRICS = tuple(f"{family}_at_{k}" for family in _FAMILIES for k in CUTOFFS)


@dataclass(frozen=True)
class _Ranks:
    """Where relevant documents stand, one entry a (query, relevant document) pair.

    Attributes:
        query: Row of the query.
        gain: Label.
        above: Documents with a higher score; the largest cutoff or more means out of reach.
        tied: Documents with the same score, itself included.
    """

    query: Int64
    gain: Int64
    above: Int64
    tied: Int64


def score_queries(
    ranking: Ranking, pair_queries: Int64, pair_gains: Int64, n_queries: int, cutoffs: Sequence[int] = CUTOFFS
) -> dict[str, Float64]:
    """Every metric of every query.

    Args:
        ranking: As many top documents as the largest cutoff, and the scores of the relevant pairs.
        pair_queries: Query row of each relevant pair, shape (p,).
        pair_gains: Label of each relevant pair, at least 1, shape (p,).
        n_queries: Number of queries; one without a relevant pair scores 0.
        cutoffs: The ranks k at which metrics are taken.

    Returns:
        By metric name (METRICS, for the default cutoffs), one value a query, shape (n_queries,), float64.
    """
    deepest = max(cutoffs)
    discounts = 1.0 / np.log2(np.arange(2, deepest + 2))
    # discount_sums[n]: sum of the first n discounts.
    discount_sums = np.concatenate([[0.0], np.cumsum(discounts)])
    ranks = _locate(ranking, pair_queries, pair_gains, deepest)
    relevant = _per_query(pair_queries, np.ones(len(pair_queries)), n_queries)
    ideal = _ideal_dcg(pair_queries, pair_gains, n_queries, discounts, cutoffs)
    groups = _groups(ranks, deepest)
    result: dict[str, Float64] = {}
    for k in cutoffs:
        inside = np.clip(np.minimum(k, ranks.above + ranks.tied) - ranks.above, 0, None) / ranks.tied
        found = _per_query(ranks.query, inside, n_queries)
        discount = discount_sums[np.minimum(k, ranks.above + ranks.tied)] - discount_sums[np.minimum(k, ranks.above)]
        dcg = _per_query(ranks.query, ranks.gain * discount / ranks.tied, n_queries)
        first, hit, precision_sum = _group_metrics(groups, k, n_queries)
        result[f"ndcg_at_{k}"] = _ratio(dcg, ideal[k])
        result[f"recall_at_{k}"] = _ratio(found, relevant)
        result[f"precision_at_{k}"] = found / k
        result[f"mrr_at_{k}"] = first
        result[f"hit_rate_at_{k}"] = hit
        result[f"map_at_{k}"] = _ratio(precision_sum, relevant)
    return {name: result[name] for name in (f"{family}_at_{k}" for family in _FAMILIES for k in cutoffs)}


def _locate(ranking: Ranking, pair_queries: Int64, pair_gains: Int64, deepest: int) -> _Ranks:
    """The ranks of relevant pairs, from the ranking's scores alone."""
    above = np.empty(len(pair_queries), dtype=np.int64)
    tied = np.empty(len(pair_queries), dtype=np.int64)
    step = 1 << 16
    for start in range(0, len(pair_queries), step):
        part = slice(start, start + step)
        queries = pair_queries[part]
        top = ranking.scores[queries]
        score = ranking.pair_scores[part, None]
        above[part] = (top > score).sum(axis=1)
        cut_ties = np.where(top[:, -1] == score[:, 0], ranking.ties_cut[queries], 0)
        tied[part] = (top == score).sum(axis=1) + cut_ties
    unranked = ~np.isfinite(ranking.pair_scores)
    above[unranked] = deepest
    return _Ranks(pair_queries, pair_gains, above, np.maximum(tied, 1))


def _ideal_dcg(
    pair_queries: Int64, pair_gains: Int64, n_queries: int, discounts: Float64, cutoffs: Sequence[int]
) -> dict[int, Float64]:
    """DCG of the best order, by cutoff."""
    order = np.lexsort((-pair_gains, pair_queries))
    queries, gains = pair_queries[order], pair_gains[order]
    counts = np.bincount(queries, minlength=n_queries)
    rank = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
    near = rank < len(discounts)
    weights = np.zeros(len(queries))
    weights[near] = gains[near] * discounts[rank[near]]
    return {k: _per_query(queries, weights * (rank < k), n_queries) for k in cutoffs}


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


def _groups(ranks: _Ranks, deepest: int) -> _Groups:
    near = ranks.above < deepest
    query, above, tied = ranks.query[near], ranks.above[near], ranks.tied[near]
    key, first, relevant = np.unique(query * deepest + above, return_index=True, return_counts=True)
    query, above, tied = query[first], key % deepest, tied[first]
    seen = np.cumsum(relevant) - relevant
    starts = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(query)])
    before = seen - np.repeat(seen[starts], sizes)
    return _Groups(query, above, tied, relevant, before)


def _group_metrics(groups: _Groups, k: int, n_queries: int) -> tuple[Float64, Float64, Float64]:
    """Expected reciprocal rank, hit and sum of precisions within the first k ranks, a query each."""
    first, hit, precision_sum = np.zeros(n_queries), np.zeros(n_queries), np.zeros(n_queries)
    inside = groups.above < k
    query, above, tied = groups.query[inside], groups.above[inside], groups.tied[inside]
    relevant, before = groups.relevant[inside], groups.before[inside]
    if not len(query):
        return first, hit, precision_sum
    # Column i - 1: the i-th place of the group; only places within the first k and the group count.
    place = np.arange(1, k + 1)[None, :]
    valid = (place <= tied[:, None]) & (place <= (k - above)[:, None])
    rank = above[:, None] + place
    # No relevant document in the first i places: product over j <= i of (t - m - j + 1) / (t - j + 1).
    misses = np.clip(tied[:, None] - relevant[:, None] - place + 1, 0, None)
    remaining = np.maximum(tied[:, None] - place + 1, 1)
    none_yet = np.cumprod(np.where(valid, misses / remaining, 1.0), axis=1)
    none_before = np.c_[np.ones(len(query)), none_yet[:, :-1]]
    first_here = np.where(valid, none_before * relevant[:, None] / remaining, 0.0)
    # A query's first group decides its first relevant document; a hit may also come from a later group, but only
    # if the first lies wholly within the first k, and then it is a hit already.
    leading = before == 0
    first[query[leading]] = (first_here / rank).sum(axis=1)[leading]
    hit[query[leading]] = 1.0 - none_yet[leading, -1]
    # Given a relevant document at place i, each of the i - 1 places before it is relevant with (m - 1) / (t - 1).
    others = (relevant - 1)[:, None] / np.maximum(tied - 1, 1)[:, None] * (place - 1)
    expected = (before[:, None] + 1 + others) / rank * (relevant / tied)[:, None]
    precision_sum += _per_query(query, np.where(valid, expected, 0.0).sum(axis=1), n_queries)
    return first, hit, precision_sum


def _per_query(queries: Int64, weights: Float64, n_queries: int) -> Float64:
    """The sum of weights of each query, shape (n_queries,)."""
    return np.bincount(queries, weights=weights, minlength=n_queries).astype(np.float64, copy=False)


def _ratio(numerator: Float64, denominator: Float64) -> Float64:
    """Numerator / denominator, 0 where the denominator is 0."""
    result: Float64 = np.divide(
        numerator, denominator, out=np.zeros(len(numerator), dtype=np.float64), where=denominator != 0
    )
    return result
