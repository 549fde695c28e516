"""Retrieval metrics: by hand, against pytrec_eval and mteb, and with ties against every order of tied documents."""

from itertools import groupby, permutations, product
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from bench.metrics import CUTOFFS
from bench.quality import retrieval
from bench.quality.blocks import ScoreBlock, rank_blocks


def score(scores, labels, exclude=None):
    """Every metric of every query, from tables of scores and labels; a label of 0 is not relevant."""
    scores, labels = np.array(scores, dtype=np.float32), np.array(labels, dtype=np.int64)
    queries, documents = np.nonzero(labels)
    n = len(scores)
    ranks = rank_blocks([ScoreBlock(slice(0, n), scores)], queries, documents, retrieval.MAX_CUTOFF, exclude)
    return retrieval.score_queries(ranks, queries, labels[queries, documents], n)


def score_one(scores, labels, exclude=()):
    """The metrics of one query; `exclude` are documents."""
    left_out = (np.zeros(len(exclude), dtype=np.int64), np.array(exclude, dtype=np.int64))
    return {name: values[0] for name, values in score([scores], [labels], left_out).items()}


def plain(ranked, labels, k):
    """The textbook metrics of one order of documents: labels in ranked order, and all labels."""
    top = ranked[:k]
    hits = [rank for rank, label in enumerate(top, 1) if label]
    relevant = sum(1 for label in labels if label)
    dcg = sum(label / log2(rank + 1) for rank, label in enumerate(top, 1))
    ideal = sum(label / log2(rank + 1) for rank, label in enumerate(sorted(labels, reverse=True)[:k], 1))
    return {
        f"ndcg_at_{k}": dcg / ideal if ideal else 0.0,
        f"recall_at_{k}": len(hits) / relevant if relevant else 0.0,
        f"mrr_at_{k}": 1 / hits[0] if hits else 0.0,
        f"map_at_{k}": sum(i / rank for i, rank in enumerate(hits, 1)) / relevant if relevant else 0.0,
        f"precision_at_{k}": len(hits) / k,
        f"hit_rate_at_{k}": float(bool(hits)),
    }


def test_graded_labels():
    # Ranked by score, the labels are 0, 2, 1, 0, 0.
    found = score_one([5, 4, 3, 2, 1], [0, 2, 1, 0, 0])
    # DCG@5 = 2/log2(3) + 1/log2(4) = 1.26186 + 0.5; best order 2, 1: 2/log2(2) + 1/log2(3) = 2.63093.
    assert found["ndcg_at_5"] == pytest.approx(1.76186 / 2.63093, abs=1e-5)
    assert found["ndcg_at_1"] == 0
    assert found["recall_at_1"] == 0
    assert found["recall_at_5"] == 1
    assert found["precision_at_5"] == 2 / 5
    assert found["mrr_at_1"] == 0
    assert found["mrr_at_5"] == 1 / 2
    # Relevant at ranks 2 and 3: (1/2 + 2/3) / 2 = 7/12.
    assert found["map_at_5"] == pytest.approx(7 / 12)
    assert found["hit_rate_at_1"] == 0
    assert found["hit_rate_at_5"] == 1


def test_gain_is_linear():
    # A 1 where a 3 could stand: 1/3; the exponential gain would say (2^1 - 1) / (2^3 - 1) = 1/7.
    assert score_one([2, 1], [1, 3])["ndcg_at_1"] == pytest.approx(1 / 3)


def test_map_divides_by_all_relevant_documents():
    # Relevant at ranks 1 and 6.
    found = score_one([9, 8, 7, 6, 5, 4], [1, 0, 0, 0, 0, 1])
    assert found["map_at_5"] == 1 / 2
    # (1/1 + 2/6) / 2 = 2/3.
    assert found["map_at_10"] == pytest.approx(2 / 3)
    assert found["recall_at_5"] == 1 / 2
    # Best order within 5: 1 + 1/log2(3); found within 5: 1.
    assert found["ndcg_at_5"] == pytest.approx(1 / (1 + 1 / log2(3)))


def test_two_tied_documents_share_their_ranks():
    # The relevant one is first in one of two orders.
    found = score_one([7, 7, 1], [0, 1, 0])
    assert found["hit_rate_at_1"] == found["recall_at_1"] == found["precision_at_1"] == found["mrr_at_1"] == 0.5
    # (1/1 + 1/2) / 2.
    assert found["mrr_at_5"] == found["map_at_5"] == 0.75
    assert found["ndcg_at_5"] == pytest.approx((1 + 1 / log2(3)) / 2)
    assert found["hit_rate_at_5"] == 1


def test_two_relevant_of_three_tied():
    # Orders of R, R, -: RR-, R-R and -RR, equally likely.
    found = score_one([4, 4, 4], [1, 0, 1])
    assert found["hit_rate_at_1"] == pytest.approx(2 / 3)
    # (1 + 1 + 1/2) / 3.
    assert found["mrr_at_5"] == pytest.approx(5 / 6)
    # RR-: (1 + 1)/2 = 1; R-R: (1 + 2/3)/2 = 5/6; -RR: (1/2 + 2/3)/2 = 7/12. Mean: 29/36.
    assert found["map_at_5"] == pytest.approx(29 / 36)


def test_a_query_without_relevant_documents_scores_0():
    found = score([[3, 2, 1], [3, 2, 1]], [[0, 0, 0], [1, 0, 0]])
    assert all(values[0] == 0 for values in found.values())
    assert all(values[1] > 0 for values in found.values())


def test_no_relevant_document_at_all():
    assert {tuple(values) for values in score([[2, 1]], [[0, 0]]).values()} == {(0.0,)}


def test_fewer_documents_than_k():
    # Two documents, the second relevant: precision still divides by k.
    found = score_one([2, 1], [0, 1])
    assert found["precision_at_5"] == 1 / 5
    assert found["precision_at_100"] == 1 / 100
    assert found["recall_at_100"] == found["hit_rate_at_100"] == 1
    assert found["mrr_at_100"] == found["map_at_100"] == 1 / 2


def test_an_excluded_document_gives_its_rank_to_the_next():
    # Without document 0 the relevant document 1 is first.
    assert set(score_one([9, 5, 1], [0, 1, 0], exclude=[0]).values()) == {1.0, *(1 / k for k in CUTOFFS)}


def test_an_excluded_relevant_document_is_never_found():
    # Relevant: 0 (left out) and 1 (then first). As in mteb, 0 still counts as relevant.
    found = score_one([9, 5, 1], [1, 1, 0], exclude=[0])
    assert found["recall_at_100"] == found["map_at_100"] == 1 / 2
    assert found["ndcg_at_5"] == pytest.approx(1 / (1 + 1 / log2(3)))
    # Alone it leaves nothing to be found.
    assert set(score_one([9, 5, 1], [1, 0, 0], exclude=[0]).values()) == {0.0}


@pytest.mark.parametrize("cutoff", [100, 1000])
def test_a_cutoffs_own_rank_is_inside_and_the_next_is_not(cutoff):
    scores = np.arange(1050, 0, -1)
    at, beyond = (score_one(scores, np.arange(1, 1051) == place) for place in (cutoff, cutoff + 1))
    assert at[f"hit_rate_at_{cutoff}"] == at[f"recall_at_{cutoff}"] == 1
    assert at[f"mrr_at_{cutoff}"] == at[f"map_at_{cutoff}"] == pytest.approx(1 / cutoff)
    assert at[f"ndcg_at_{cutoff}"] == pytest.approx(1 / log2(cutoff + 1))
    assert at[f"precision_at_{cutoff}"] == 1 / cutoff
    assert {value for name, value in beyond.items() if int(name.split("_")[-1]) <= cutoff} == {0.0}


def test_the_cutoffs_are_mtebs():
    from mteb.abstasks.retrieval import AbsTaskRetrieval

    assert tuple(AbsTaskRetrieval.k_values) == CUTOFFS


@pytest.mark.parametrize("seed", range(5))
def test_equals_pytrec_eval_without_ties(seed):
    import pytrec_eval
    from mteb._evaluators.retrieval_metrics import mrr

    rng = np.random.default_rng(seed)
    n, m = 12, (8, 99, 101, 1000, 1500)[seed]
    scores = rng.permutation(n * m).reshape(n, m).astype(np.float32)
    labels = rng.choice([0, 0, 0, 0, 0, 0, 1, 2, 3], size=(n, m))
    labels[:, 0] = 1
    qrels = {f"q{q}": {f"d{d}": int(labels[q, d]) for d in range(m) if labels[q, d] or d % 2} for q in range(n)}
    run = {f"q{q}": {f"d{d}": float(scores[q, d]) for d in range(m)} for q in range(n)}
    names = {"ndcg_cut": "ndcg", "recall": "recall", "map_cut": "map", "P": "precision", "success": "hit_rate"}
    asked = {f"{name}.{','.join(map(str, CUTOFFS))}" for name in names}
    expected = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(run)
    reciprocal = mrr(qrels, run, CUTOFFS)

    found = score(scores, labels)

    for k in CUTOFFS:
        for name, ours in names.items():
            theirs = [expected[f"q{q}"][f"{name}_{k}"] for q in range(n)]
            np.testing.assert_allclose(found[f"{ours}_at_{k}"], theirs, atol=1e-12)
        np.testing.assert_allclose(found[f"mrr_at_{k}"], reciprocal[f"MRR@{k}"], atol=1e-12)


@st.composite
def tied_cases(draw):
    """Scores of three values for up to six documents, labels, and documents to leave out."""
    m = draw(st.integers(1, 6))
    scores = draw(st.lists(st.integers(0, 2), min_size=m, max_size=m))
    labels = draw(st.lists(st.sampled_from([0, 0, 1, 3]), min_size=m, max_size=m))
    return scores, labels, draw(st.lists(st.integers(0, m - 1), max_size=1))


@settings(max_examples=250, deadline=None)
@given(tied_cases(), st.integers(1, 7))
def test_ties_give_the_mean_over_every_order(case, deepest):
    """All cutoffs from 1 to `deepest` are scored, and only `deepest` documents are kept: ties are cut anywhere."""
    scores, labels, exclude = case
    left = sorted(set(range(len(scores))) - set(exclude), key=lambda row: -scores[row])
    groups = [list(members) for _, members in groupby(left, key=lambda row: scores[row])]
    orders = [
        [labels[row] for group in order for row in group] for order in product(*(permutations(g) for g in groups))
    ]
    cutoffs = tuple(range(1, deepest + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "CUTOFFS", cutoffs)
        patch.setattr(retrieval, "MAX_CUTOFF", deepest)
        patch.setattr(retrieval, "METRICS", tuple(name for k in cutoffs for name in plain([], [], k)))
        found = score_one(scores, labels, exclude)
    for k in cutoffs:
        each = [plain(order, labels, k) for order in orders]
        for name in each[0]:
            assert found[name] == pytest.approx(np.mean([metrics[name] for metrics in each]), abs=1e-9), name


@pytest.mark.parametrize("better", [0, 1, 40, 95, 960])
def test_a_tie_across_a_cutoff(better):
    """150 documents tie behind `better` irrelevant ones; among them are labels 1, 2 and 5."""
    labels = np.zeros(better + 150, dtype=int)
    labels[[better, better + 70, better + 149]] = 1, 2, 5
    found = score_one([2] * better + [1] * 150, labels)
    for k in CUTOFFS:
        room = min(max(k - better, 0), 150)
        places = np.arange(1, room + 1)
        # Of 150 documents, 3 relevant, i are drawn: the number of relevant ones is hypergeometric, its mean 3i / 150.
        assert found[f"hit_rate_at_{k}"] == pytest.approx(1 - hypergeom.pmf(0, 150, 3, room))
        assert found[f"recall_at_{k}"] == pytest.approx(room / 150)
        assert found[f"precision_at_{k}"] == pytest.approx(3 * room / 150 / k)
        # First relevant one at place i: none in i - 1, some in i.
        first = hypergeom.pmf(0, 150, 3, places - 1) - hypergeom.pmf(0, 150, 3, places)
        assert found[f"mrr_at_{k}"] == pytest.approx((first / (better + places)).sum())
        # A relevant document stands at place i with 3/150; the other two are spread over 149 places.
        precision = (1 + 2 * (places - 1) / 149) / (better + places)
        assert found[f"map_at_{k}"] == pytest.approx((precision * 3 / 150).sum() / 3)
        # The mean label of a place is (1 + 2 + 5) / 150.
        dcg = (8 / 150 / np.log2(better + places + 1)).sum()
        ideal = sum(label / log2(rank + 1) for rank, label in list(enumerate((5, 2, 1), 1))[:k])
        assert found[f"ndcg_at_{k}"] == pytest.approx(dcg / ideal)


def test_a_group_of_100_ties_that_ends_at_rank_100_is_whole():
    found = score_one([2] * 100 + [1] * 50, [1] + [0] * 149)
    assert found["hit_rate_at_100"] == found["recall_at_100"] == pytest.approx(1)
    # The mean of 1/1 .. 1/100.
    assert found["mrr_at_100"] == pytest.approx((1 / np.arange(1, 101)).mean())


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_metrics_keep_their_order(m, seed):
    """All lie in 0..1, and those that cannot fall with k do not."""
    rng = np.random.default_rng(seed)
    found = score(rng.integers(0, 4, size=(5, m)), rng.integers(0, 3, size=(5, m)))
    for values in found.values():
        assert (values >= 0).all()
        assert (values <= 1 + 1e-12).all()
    for family in ("recall", "mrr", "map", "hit_rate"):
        by_k = np.array([found[f"{family}_at_{k}"] for k in CUTOFFS])
        assert (np.diff(by_k, axis=0) >= -1e-12).all()
    for k in CUTOFFS:
        assert (found[f"mrr_at_{k}"] <= found[f"hit_rate_at_{k}"] + 1e-12).all()
