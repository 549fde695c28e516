"""Two stages against brute force over every way of filling the shortlist."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics import RETRIEVAL_METRICS
from bench.quality import candidates, retrieval
from bench.quality.blocks import ScoreBlock, rank_blocks
from bench.quality.reranking import score_reranked
from bench.quality.shortlists import RECALL, Judged
from bench.vectors.quantise import Quantiser, fit
from bench.vectors.store import Vectors
from bench.views import PRECISIONS, View

WIDTH = 12


def stored(matrix):
    return Vectors([matrix], np.arange(len(matrix)), matrix.shape[1])


def make(seed, n=6, m=40, excluded=()):
    """Queries, documents and judgements at random."""
    rng = np.random.default_rng(seed)
    queries, documents = (rng.normal(size=(count, WIDTH)).astype(np.float32) for count in (n, m))
    pairs = np.array([(query, row) for query in range(n) for row in rng.choice(m, 4, replace=False)])
    out = np.array(excluded, dtype=np.int64).reshape(-1, 2)
    numbers = (rng.integers(0, 2**63, count, dtype=np.uint64) for count in (n, m))
    judged = Judged(*numbers, pairs[:, 0], pairs[:, 1], rng.integers(1, 3, len(pairs)), out[:, 0], out[:, 1])
    return judged, queries, documents


def reranked(judged, queries, documents, view, length, **settings):
    """Every metric and the share of relevant documents on the shortlist, of one view and length."""
    scored = score_reranked(
        judged, stored(queries), stored(documents), [view], "cosine", [length], RETRIEVAL_METRICS, **settings
    )
    [(found, values)] = scored
    assert found == view
    return {name: rows[0] for name, rows in values.items()}


def scores_of(quantiser, queries, documents):
    a, b = quantiser.comparable(queries), quantiser.comparable(documents)
    return ((a.directions @ b.directions.T) * a.weights[:, None] * b.weights).astype(np.float32)


def plain(judged, scores):
    """Every metric where these scores are all there is."""
    block = ScoreBlock(slice(0, len(scores)), scores)
    ranks = rank_blocks([block], judged.pair_queries, judged.pair_documents, retrieval.MAX_CUTOFF)
    return retrieval.score_queries(ranks, judged.pair_queries, judged.pair_gains, len(scores))


def brute_force(judged, queries, documents, quantiser, length):
    """The mean over all ways of filling each query's shortlist."""
    short = scores_of(quantiser, queries, documents)
    short[judged.excluded_queries, judged.excluded_documents] = -np.inf
    full = scores_of(Quantiser(View(WIDTH), "cosine"), queries, documents)
    found = {name: np.zeros(len(queries)) for name in (*RETRIEVAL_METRICS, RECALL)}
    for query in range(len(queries)):
        relevant = judged.pair_documents[judged.pair_queries == query]
        last = np.sort(short[query])[-length]
        sure = np.flatnonzero(short[query] > last)
        tied = np.flatnonzero((short[query] == last) & (last > -np.inf))
        ways = list(combinations(tied, min(length - len(sure), len(tied))))
        for way in ways:
            scores = np.full(full.shape, -np.inf, dtype=np.float32)
            kept = [*sure, *way]
            scores[query, kept] = full[query, kept]
            for name, values in plain(judged, scores).items():
                found[name][query] += values[query] / len(ways)
            found[RECALL][query] += np.isin(relevant, kept).sum() / max(len(relevant), 1) / len(ways)
    return found


# Of one dimension only the sign would count: nearly all documents tie, in more ways than can be gone through.
@given(st.integers(0, 10**6), st.sampled_from(["float32", "float16", "int8"]), st.integers(2, 12), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_against_brute_force(seed, precision, dim, length):
    judged, queries, documents = make(seed, excluded=[(0, 3), (2, 7)])
    quantiser = fit(View(dim, precision), "cosine", [documents])
    expected = brute_force(judged, queries, documents, quantiser, length)
    check_expectations(reranked(judged, queries, documents, View(dim, precision), length, draws=1500), expected)


def check_expectations(found, expected):
    """Sums over relevant documents are exact; of the others it is drawn which of tied documents get in."""
    for name, values in expected.items():
        drawn = name.startswith(("mrr", "map", "hit_rate"))
        np.testing.assert_allclose(found[name], values, atol=0.03 if drawn else 1e-12, err_msg=name)


def test_ties_at_the_end_of_the_shortlist_count_by_expectation():
    judged, queries, documents = make(3, n=8, m=12)
    quantiser = Quantiser(View(5, "binary"), "cosine")
    expected = brute_force(judged, queries, documents, quantiser, 5)
    check_expectations(reranked(judged, queries, documents, quantiser.view, 5, draws=1500), expected)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_reranking_the_whole_corpus_is_the_full_width(precision):
    judged, queries, documents = make(4, n=9, m=60)
    full = plain(judged, scores_of(Quantiser(View(WIDTH), "cosine"), queries, documents))
    for length in (60, 1000):
        found = reranked(judged, queries, documents, View(3, precision), length)
        for name in RETRIEVAL_METRICS:
            np.testing.assert_allclose(found[name], full[name], atol=1e-12, err_msg=name)


def few_values(seed, n, m, width):
    """Vectors of so few values that many documents tie, at any view and at full width."""
    rng = np.random.default_rng(seed)
    judged, *_ = make(seed, n, m)
    return judged, *(rng.choice([-1, 1], (count, width)).astype(np.float32) for count in (n, m))


def of_sums(name):
    """Whether a metric is a sum over relevant documents, so that nothing is drawn."""
    return name.startswith(("ndcg", "recall", "precision", RECALL))


@given(st.integers(0, 10**6), st.sampled_from(PRECISIONS), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_ties_in_both_stages_against_all_ways_of_filling_the_shortlist(seed, precision, dim, length):
    judged, queries, documents = few_values(seed, 3, 9, WIDTH)
    documents[:, 5:], queries[:, 5:] = 1, 1
    quantiser = fit(View(dim, precision), "cosine", [documents])
    found = reranked(judged, queries, documents, quantiser.view, length, draws=1)
    for name, values in brute_force(judged, queries, documents, quantiser, length).items():
        if of_sums(name):
            np.testing.assert_allclose(found[name], values, atol=1e-12, err_msg=name)


@given(st.integers(0, 10**6), st.sampled_from([3, 5, 10, 20, 25]))
@settings(max_examples=40, deadline=None)
def test_a_shortlist_ranked_by_its_own_view_is_that_view_up_to_its_length(seed, length):
    judged, queries, documents = few_values(seed, 4, 25, 4)
    short = Quantiser(View(4), "cosine")
    scored = score_reranked(
        judged, stored(queries), stored(documents), [short.view], "cosine", [length], RETRIEVAL_METRICS, draws=1
    )
    [(_, found)] = scored
    expected = plain(judged, scores_of(short, queries, documents))
    for name, values in expected.items():
        if of_sums(name) and int(name.rpartition("_")[2]) <= length:
            np.testing.assert_allclose(found[name][0], values, atol=1e-12, err_msg=name)


@given(st.integers(0, 10**6), st.sampled_from(PRECISIONS), st.integers(1, WIDTH))
@settings(max_examples=40, deadline=None)
def test_a_longer_shortlist_holds_no_fewer_relevant_documents(seed, precision, dim):
    judged, queries, documents = few_values(seed, 5, 60, WIDTH)
    lengths = [1, 2, 3, 5, 8, 20, 59, 60]
    view = View(dim, precision)
    [(_, found)] = score_reranked(judged, stored(queries), stored(documents), [view], "cosine", lengths, ["ndcg_at_10"])
    assert (np.diff(found[RECALL], axis=0) >= -1e-12).all()
    np.testing.assert_allclose(found[RECALL][-1], 1.0)
    for row, length in enumerate(lengths):
        alone = reranked(judged, queries, documents, view, length)
        np.testing.assert_array_equal(alone[RECALL], found[RECALL][row])
        np.testing.assert_array_equal(alone["ndcg_at_10"], found["ndcg_at_10"][row])


def test_views_of_all_precisions_together_are_those_alone():
    judged, queries, documents = make(7, excluded=[(0, 3), (2, 7)])
    views = [View(dim, precision) for dim in (WIDTH, 7, 3) for precision in PRECISIONS]
    together = dict(score_reranked(judged, stored(queries), stored(documents), views, "cosine", [6], RETRIEVAL_METRICS))
    assert set(together) == set(views)
    for view in views:
        for name, values in reranked(judged, queries, documents, view, 6).items():
            np.testing.assert_array_equal(together[view][name][0], values, err_msg=f"{view} {name}")


def test_a_view_that_cannot_be_scored_costs_the_others_nothing():
    judged, queries, documents = make(8)
    documents *= np.float32(1e5)
    views = [View(5, "float16"), View(5), View(5, "binary")]
    found = dict(score_reranked(judged, stored(queries), stored(documents), views, "dot", [6], ["ndcg_at_10"]))
    assert isinstance(found[views[0]], BenchError)
    assert [isinstance(found[view], dict) for view in views[1:]] == [True, True]


def test_scores_beyond_float32_are_refused():
    judged, queries, documents = make(9)
    documents[:, 0], queries[:, 0] = 1e30, 1e30
    [(_, found)] = score_reranked(judged, stored(queries), stored(documents), [View(5)], "dot", [6], ["ndcg_at_10"])
    assert isinstance(found, BenchError)
    assert "beyond the range" in found.message


def test_the_order_of_rows_and_the_blocks_change_nothing(monkeypatch):
    judged, queries, documents = make(5, n=8, m=50)
    # Two texts twice, one of them relevant in one place only.
    documents[10:12], judged.documents[10:12] = documents[20:22], judged.documents[20:22]
    view = View(4, "binary")
    first = reranked(judged, queries, documents, view, 9)
    rng = np.random.default_rng(0)
    mixed_queries, mixed = rng.permutation(8), rng.permutation(50)
    moved = Judged(
        judged.queries[mixed_queries],
        judged.documents[mixed],
        np.argsort(mixed_queries)[judged.pair_queries],
        np.argsort(mixed)[judged.pair_documents],
        judged.pair_gains,
        judged.excluded_queries,
        judged.excluded_documents,
    )
    monkeypatch.setattr("bench.quality.candidates._CELLS", 30)
    monkeypatch.setattr("bench.quality.candidates._BLOCK_VALUES", 11 * WIDTH)
    monkeypatch.setattr("bench.quality.shortlists._CELLS", 40)
    monkeypatch.setattr("bench.quality.reranking._QUERIES", 3)
    monkeypatch.setattr("bench.quality.expectation._CELLS", 50)
    second = reranked(moved, queries[mixed_queries], documents[mixed], view, 9)
    for name in RETRIEVAL_METRICS:
        np.testing.assert_allclose(second[name], first[name][mixed_queries], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("held", [1, 60, 150, 400])
def test_where_many_tie_fewer_queries_go_together(monkeypatch, held):
    judged, queries, documents = make(11, n=9, m=50)
    # All queries have 30 documents that tie at every view.
    documents[:30] = documents[0]
    views = [View(4, "binary"), View(1, "binary")]

    def score():
        return dict(
            score_reranked(
                judged, stored(queries), stored(documents), views, "cosine", [3, 9], ["ndcg_at_10", "mrr_at_5"]
            )
        )

    together = score()
    asked = []
    find = candidates.find_candidates
    monkeypatch.setattr(candidates, "HELD", held)
    monkeypatch.setattr(
        "bench.quality.reranking.find_candidates", lambda rows, *rest: asked.append(len(rows)) or find(rows, *rest)
    )
    apart = score()
    assert len(asked) > 1
    assert min(asked) < 9
    for view, found in together.items():
        for name, values in found.items():
            np.testing.assert_allclose(apart[view][name], values, atol=1e-12, err_msg=f"{view} {name}")


def test_long_shortlists_are_made_for_few_queries_at_once(monkeypatch):
    judged, queries, documents = make(12, n=9, m=50)
    whole = reranked(judged, queries, documents, View(4), 50)
    held = []
    find = candidates.find_candidates
    monkeypatch.setattr("bench.quality.reranking.HELD", 400)
    monkeypatch.setattr(
        "bench.quality.reranking.find_candidates", lambda rows, *rest: held.append(len(rows)) or find(rows, *rest)
    )
    parts = reranked(judged, queries, documents, View(4), 50)
    assert held == [2, 2, 2, 2, 1]
    for name in RETRIEVAL_METRICS:
        np.testing.assert_array_equal(parts[name], whole[name], err_msg=name)
