"""The agreement of rankings against the mean over all tie orders, scipy and plain loops."""

from __future__ import annotations

from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from bench.quality.agreement import (
    DEPTH,
    RBO_P,
    Candidates,
    TopScores,
    agreements,
    kendall_tau_b,
    rank_biased_overlap,
)


def top_of(scores, depth):
    """The best scores of each row, by sorting all."""
    ordered = np.sort(scores, axis=1)[:, ::-1]
    padded = np.pad(ordered, ((0, 0), (0, max(depth - scores.shape[1], 0))), constant_values=-np.inf)[:, :depth]
    return TopScores(padded.astype(np.float32), (scores == padded[:, -1:]).sum(axis=1))


def candidates_of(scores, depth):
    """Every document that ties with one of the first places or is one."""
    found = []
    for row in scores:
        edge = np.sort(row)[::-1][:depth][-1]
        chosen = [document for document in np.argsort(-row, kind="stable") if row[document] >= edge > -np.inf]
        found.append([document for document in chosen if row[document] > -np.inf])
    starts = np.cumsum([0, *map(len, found)])
    documents = np.array([document for chosen in found for document in chosen], dtype=np.int64)
    rows = np.repeat(np.arange(len(scores)), np.diff(starts))
    return Candidates(top_of(scores, depth), starts, documents, scores[rows, documents].astype(np.float32))


def orders(row):
    """Every ranking that the scores of a row allow."""
    ranked = sorted(range(len(row)), key=lambda document: -row[document])
    groups = [list(group) for _, group in groupby(ranked, key=lambda document: row[document])]
    for choice in product(*(permutations(group) for group in groups)):
        yield [document for group in choice for document in group]


def chances(row, depth):
    """By enumeration: how often each document is among the first places."""
    found = np.zeros(len(row))
    rankings = list(orders(row))
    for ranking in rankings:
        found[ranking[:depth]] += 1 / len(rankings)
    return found


small = arrays(np.float32, (2, 6), elements=st.integers(0, 3).map(float))


def compared(reference, view, depth):
    candidates = candidates_of(reference, depth)
    rows = candidates.rows
    scores = view[rows, candidates.documents]
    return agreements(candidates, top_of(view, depth), scores), candidates, scores


@given(small, small, st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_agreement_is_that_of_all_tie_orders(reference, view, depth):
    found, _, _ = compared(reference, view, depth)
    for query, k in product(range(2), range(1, depth + 1)):
        one, other = chances(reference[query], k), chances(view[query], k)
        expected = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
        assert found[query, k - 1] == pytest.approx(expected, abs=1e-12)


@given(arrays(np.float32, (2, 150), elements=st.integers(0, 3).map(float)))
@settings(max_examples=30, deadline=None)
def test_equal_rankings_agree_exactly_however_they_tie(scores):
    agreed, candidates, values = compared(scores, scores, DEPTH)
    assert (agreed == 1).all()
    assert (rank_biased_overlap(agreed) == 1).all()
    assert (kendall_tau_b(candidates, values) == 1).all()


@given(st.permutations(range(130)), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_without_ties_it_is_the_overlap_and_extrapolated_rbo(ranking, seed):
    reference = np.random.default_rng(seed).permutation(130)
    one, other = np.empty((1, 130), dtype=np.float32), np.empty((1, 130), dtype=np.float32)
    one[0, reference], other[0, list(ranking)] = np.arange(130)[::-1], np.arange(130)[::-1]
    agreed, _, _ = compared(one, other, 100)
    overlaps = [len({*reference[:k].tolist()} & {*ranking[:k]}) / k for k in range(1, 101)]
    assert agreed[0] == pytest.approx(overlaps, abs=1e-12)
    # Webber, Moffat and Zobel: (X_k / k) p^k + (1 - p) / p sum (X_d / d) p^d.
    rbo = overlaps[-1] * 0.9**100 + 0.1 / 0.9 * sum(a * 0.9**d for d, a in enumerate(overlaps, 1))
    assert rank_biased_overlap(agreed)[0] == pytest.approx(rbo, abs=1e-12)


def test_the_first_ten_ranks_weigh_86_percent():
    # What lists that agree on their first 10 documents and on no other score: A_d = 10 / d after them.
    depths = np.arange(1, 20_001)
    found = rank_biased_overlap(np.minimum(10 / depths, 1.0)[None, :], RBO_P)[0]
    assert found == pytest.approx(0.856, abs=1e-3)


@given(
    arrays(np.float32, (3, 40), elements=st.integers(0, 5).map(float)),
    arrays(np.float32, (3, 40), elements=st.integers(-2, 2).map(float)),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_tau_is_scipys(reference, view, depth):
    candidates = candidates_of(reference, depth)
    scores = view[candidates.rows, candidates.documents]
    found = kendall_tau_b(candidates, scores)
    for query in range(3):
        part = slice(*candidates.starts[query : query + 2])
        constant = [np.ptp(values[part]) == 0 for values in (candidates.scores, scores)]
        if any(constant):
            expected = float(all(constant))
        else:
            expected = stats.kendalltau(candidates.scores[part], scores[part]).statistic
        assert found[query] == pytest.approx(expected, abs=1e-12)


def test_queries_without_a_ranked_document_agree():
    reference = np.full((2, 3), -np.inf, dtype=np.float32)
    reference[1] = [3, 2, 1]
    agreed, candidates, scores = compared(reference, reference, 5)
    assert candidates.starts.tolist() == [0, 0, 3]
    assert (agreed == 1).all()
    assert kendall_tau_b(candidates, scores).tolist() == [1, 1]


def test_by_hand():
    """Documents a b c; the reference says a > b > c, the view ties b with c above a."""
    reference, view = np.array([[3.0, 2.0, 1.0]], np.float32), np.array([[0.0, 1.0, 1.0]], np.float32)
    agreed, candidates, scores = compared(reference, view, 3)
    # k = 1: the view's first is b or c, 0.5 each. k = 2: b for both; the view's a never.
    assert agreed[0] == pytest.approx([0.0, 1 / np.sqrt(2 * 2), 1.0])
    # Pairs: ab and ac discordant, bc tied in the view: -2 / sqrt(3 * 2).
    assert kendall_tau_b(candidates, scores)[0] == pytest.approx(-2 / np.sqrt(6))
