"""Which pairs are proposed, against values worked out by hand and by all orders of tied documents."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.labelling.places import Places, dense_places, word_places
from bench.labelling.proposing import pair_values, propose
from bench.quality.bm25 import Bm25
from bench.quality.evaluate import score_blocks, score_retrieval
from bench.tasks.data import make_retrieval
from bench.tasks.labels import Label, with_labels
from bench.vectors.store import Vectors
from bench.views import View

SECOND, THIRD = 1 / math.log2(3), 1 / 2


def task(queries, documents, positive, not_relevant=(), **options):
    return make_retrieval(
        (documents, [f"text of {name}" for name in documents]), (queries, [f"what is {name}" for name in queries]),
        positive, "here", not_relevant=not_relevant, unjudged=True, **options,
    )  # fmt: skip


def places(*rankings):
    """Places of untied rankings, each the document rows of a query."""
    rows = [(query, row, 1 / math.log2(rank + 2)) for query, ranked in enumerate(rankings)
            for rank, row in enumerate(ranked)]  # fmt: skip
    queries, documents, weights = zip(*rows, strict=True)
    return Places(np.array(queries), np.array(documents), np.array(weights))


def named(data, pairs):
    return [(data.query_ids[pair.query], data.document_ids[pair.document]) for pair in pairs]


def test_values_by_hand():
    """One query knows that `a` is relevant, the other nothing; both models' first three count."""
    data = task(["q", "r"], ["a", "b", "c", "d"], [(0, 0, 1)])
    a, b = places([1, 0, 2], [0, 1, 2]), places([0, 2, 1], [3, 1, 0])
    first, second = (
        {data.document_ids[pair.document]: pair.value for pair in pairs} for pairs in pair_values(data, a, b, 3)
    )
    # Now A has SECOND for `a` at rank 2 and B 1 for it at rank 1, of an ideal of 1. With another relevant document the
    # ideal is 1 + SECOND.
    now = SECOND - 1
    assert first == {
        "b": pytest.approx(abs((now + 1 - THIRD) / (1 + SECOND) - now)),
        "c": pytest.approx(abs((now + THIRD - SECOND) / (1 + SECOND) - now)),
    }
    # Nothing is known: the label adds the document's own places, of an ideal of 1. Both rank `b` second.
    assert second == {"a": pytest.approx(1 - THIRD), "c": pytest.approx(THIRD), "d": pytest.approx(1)}


def test_judged_pairs_are_not_proposed_whatever_their_label():
    data = task(["q"], ["a", "b", "c"], [(0, 0, 2)], not_relevant=[(0, 1)])
    found = propose(data, places([0, 1]), places([2, 1, 0]), 3, 10, 0)
    assert named(data, found.pairs) == [("q", "c")]


def test_each_round_takes_of_every_query_a_pair_for_either_model():
    data = task(["q", "r", "s"], list("abcdef"), [])
    a, b = places([0, 1, 2], [0, 1, 2], [0]), places([3, 4, 5], [3, 4, 5], [0])
    # `s` has nothing to decide; `q` and `r` have six pairs each, two a round.
    for limit, each in ((4, 2), (8, 4), (12, 6)):
        found = propose(data, a, b, 3, limit, seed=1)
        assert (found.found, found.queries) == (12, 2)
        assert Counter(pair.query for pair in found.pairs) == {0: each, 1: each}
        leads = Counter((pair.query, pair.lead > 0) for pair in found.pairs)
        assert set(leads.values()) == {each // 2}
        assert {pair.value for pair in found.pairs} == set([1.0, SECOND, THIRD][: each // 2])
    assert [pair.query for pair in found.pairs] == [0, 0, 1, 1] * 3


def test_the_order_within_a_query_depends_on_the_seed_alone():
    data = task(["q"], list("abcdef"), [])
    a, b = places([0, 1, 2]), places([3, 4, 5])
    orders = {seed: named(data, propose(data, a, b, 3, 6, seed).pairs) for seed in range(30)}
    assert orders[3] == named(data, propose(data, a, b, 3, 6, 3).pairs)
    assert all(sorted(order) == sorted(orders[0]) for order in orders.values())
    firsts = Counter(order[0][1] for order in orders.values())
    assert len(firsts) >= 5


def expected_ndcg(scores, gains, k, lacking=()):
    """nDCG@k, averaged over all orders of tied documents."""
    ideal = sorted([*gains.values(), *lacking], reverse=True)[:k]
    best = sum(gain / math.log2(rank + 2) for rank, gain in enumerate(ideal))
    if not best:
        return 0.0
    found = []
    for order in itertools.permutations(scores):
        ranked = sorted(order, key=lambda row: -scores[row])[:k]
        found.append(sum(gains.get(row, 0) / math.log2(rank + 2) for rank, row in enumerate(ranked)))
    return float(np.mean(found)) / best


@st.composite
def cases(draw):
    """A small task, two models with many ties, and labels for whatever is asked."""
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    own = draw(st.booleans())
    queries = [f"q{row}" for row in range(n)]
    documents = [f"q{row}" if own and row < n and rng.random() < 0.5 else f"d{row}" for row in range(m)]
    judged = {(q, d): int(rng.integers(0, 3)) for q in range(n) for d in range(m) if rng.random() < 0.3}
    lacking = [(q, int(rng.integers(1, 3))) for q in range(n) if rng.random() < 0.3]
    data = task(
        queries, documents, [(*pair, gain) for pair, gain in judged.items() if gain],
        [pair for pair, gain in judged.items() if not gain], lacking=lacking, ignore_identical_ids=own,
    )  # fmt: skip
    models = [[rng.integers(-1, 3, size=(rows, 2)).astype(np.float32) for rows in (n, m)] for _ in range(2)]
    k = draw(st.sampled_from([1, 3, 5]))
    return data, judged, models, k, rng


def stored(matrix):
    return Vectors([matrix], np.arange(len(matrix)), matrix.shape[1])


def differences(data, models, k, gains):
    """nDCG@k of the first model less that of the second, of each query, by all orders."""
    found = []
    for query in range(data.n):
        ranked = [row for row, name in enumerate(data.document_ids)
                  if not (data.ignore_identical_ids and name == data.query_ids[query])]  # fmt: skip
        mine = {row: gain for (q, row), gain in gains.items() if q == query and gain > 0}
        lacking = data.lacking_gains[data.lacking_queries == query].tolist()
        values = []
        for queries, documents in models:
            scores = {row: float(queries[query] @ documents[row]) for row in ranked}
            values.append(expected_ndcg(scores, mine, k, lacking))
        found.append(values[0] - values[1])
    return found


@settings(max_examples=60, deadline=None)
@given(cases())
def test_values_are_those_of_brute_force_and_merged_labels_score_as_such(case):
    data, judged, models, k, rng = case
    first, second = (dense_places(data, *map(stored, vectors), View(2, "float32"), "dot", k) for vectors in models)
    now = differences(data, models, k, judged)
    weights = [found.by_query(data.n) for found in (first, second)]
    wanted = {}
    for query, row in itertools.product(range(data.n), range(len(data.documents))):
        if (query, row) not in judged:
            value = abs(differences(data, models, k, judged | {(query, row): 1})[query] - now[query])
            alike = abs(weights[0][query].get(row, 0) - weights[1][query].get(row, 0)) < 1e-9
            if value > 1e-9 and not alike:
                wanted[query, row] = pytest.approx(value, abs=1e-9)
    found = propose(data, first, second, k, 1000, 0)
    assert {(pair.query, pair.document): pair.value for pair in found.pairs if pair.value > 1e-9} == wanted
    given_ = {(pair.query, pair.document): int(rng.integers(0, 3)) for pair in found.pairs}
    labels = [Label(data.query_ids[q], data.document_ids[d], gain, "", "", "here") for (q, d), gain in given_.items()]
    merged_gains = judged | given_
    if not any(merged_gains.values()):
        return
    merged = with_labels(data, labels)
    scored = [
        next(score_retrieval(merged, *map(stored, vectors), [View(2)], "dot"))[1].items[f"ndcg_at_{k}"]
        for vectors in models
    ]
    assert scored[0] - scored[1] == pytest.approx(differences(data, models, k, merged_gains), abs=1e-9)


def test_pairs_are_proposed_by_their_ids_not_by_their_rows():
    rng = np.random.default_rng(5)
    queries, documents = [f"q{n}" for n in range(4)], [f"d{n}" for n in range(12)]
    models = [[rng.integers(-1, 2, size=(rows, 3)).astype(np.float32) for rows in (4, 12)] for _ in range(2)]
    results = []
    for order_q, order_d in ((np.arange(4), np.arange(12)), (rng.permutation(4), rng.permutation(12))):
        data = task([queries[row] for row in order_q], [documents[row] for row in order_d], [])
        both = [
            dense_places(data, stored(q[order_q]), stored(d[order_d]), View(3, "int8"), "cosine", 5) for q, d in models
        ]
        results.append(named(data, propose(data, *both, 5, 9, 4).pairs))
    assert results[0] == results[1]


def test_places_of_words_are_those_that_bm25_is_scored_by():
    documents = ["steel pipe", "steel pipe", "brass pipe", "red paint", "steel screw"]
    data = make_retrieval((list("abcde"), documents), (["q", "e"], ["steel pipe", "paint"]), [(0, 0, 1)], "here",
                          ignore_identical_ids=True)  # fmt: skip
    found = word_places(data, 3).by_query(2)
    for query, row in itertools.product(range(2), range(5)):
        alone = make_retrieval((list("abcde"), documents), (["q", "e"], ["steel pipe", "paint"]), [(query, row, 1)],
                               "here", ignore_identical_ids=True)  # fmt: skip
        score = score_blocks(alone, Bm25(documents).blocks(alone.queries)).items["ndcg_at_3"][query]
        assert found[query].get(row, 0.0) == pytest.approx(score)
