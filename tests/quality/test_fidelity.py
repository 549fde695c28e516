"""Fidelity against its definitions in plain loops over every document."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.errors import BenchError
from bench.metrics import FIDELITY_MEASURES
from bench.quality import changes, exact, fidelity
from bench.quality.exact import ExactScores, TopKeeper, top_scores
from bench.quality.fidelity import score_fidelity
from bench.statistics.bootstrap import mean_intervals
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.quantise import Quantiser, fit
from bench.views import PRECISIONS, View

NO_PAIRS = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)


class Rows:
    """Vectors in memory."""

    def __init__(self, matrix):
        self.matrix, self.width = matrix, matrix.shape[1]

    def __len__(self):
        return len(self.matrix)

    def rows(self, rows):
        return self.matrix[rows].copy()

    def all(self):
        return self.matrix.copy()

    def blocks(self, size):
        for start in range(0, len(self), size):
            rows = np.arange(start, min(start + size, len(self)))
            yield rows, self.matrix[rows]


def vectors(rng, n, width, kinds):
    """Vectors of few different ones, so that some are equal; the lengths differ."""
    base = rng.normal(size=(kinds, width)) * rng.uniform(0.5, 2, size=(kinds, 1))
    return base[rng.integers(0, kinds, n)].astype(np.float32)


def retrieval(documents, queries, *, ids=None, exclude=False, texts=None):
    return RetrievalData(
        ids or [f"d{row}" for row in range(documents)],
        texts or [f"document {row}" for row in range(documents)],
        [f"q{row}" for row in range(queries)],
        [f"query {row}" for row in range(queries)],
        *(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)),
        ignore_identical_ids=exclude,
    )


def exact_matrix(view, similarity, queries, documents):
    """Every score, document by document; -inf nowhere."""
    quantiser = fit(view, similarity, [documents])
    one, other = quantiser.comparable(queries), quantiser.comparable(documents)
    products = [[float(np.dot(a, b)) for b in other.directions] for a in one.directions]
    return (np.array(products) * (one.weights[:, None] * other.weights)).astype(np.float32)


def chances(scores, k):
    """P(d; k) of every document in one row of scores."""
    above, tied = ((compare(scores, scores[:, None])).sum(axis=1) for compare in (np.greater, np.equal))
    return np.clip((k - above) / tied, 0, 1)


def agreement(reference, view, k):
    one, other = chances(reference, k), chances(view, k)
    return np.dot(one, other) / np.sqrt(np.dot(one, one) * np.dot(other, other))


def by_hand(reference, view):
    """Measures of one query from its scores for the documents that are ranked."""
    agreed = [agreement(reference, view, k) for k in range(1, 101)]
    edge = sorted(reference, reverse=True)[:100][-1]
    chosen = reference >= edge
    constant = [np.ptp(values[chosen]) == 0 for values in (reference, view)]
    tau = float(all(constant)) if any(constant) else stats.kendalltau(reference[chosen], view[chosen]).statistic
    rbo = 0.1 * sum(0.9**d * a for d, a in enumerate(agreed)) + 0.9**100 * agreed[-1]
    return {"overlap_at_10": agreed[9], "overlap_at_100": agreed[99], "rbo": rbo, "kendall_tau": tau}


def found_of(data, queries, documents, views, similarity="cosine"):
    return dict(score_fidelity(data, {"query": Rows(queries), "document": Rows(documents)}, views, similarity))


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize(("count", "kinds"), [(7, 7), (130, 40)])
def test_every_measure_is_its_definition(count, kinds, similarity):
    rng = np.random.default_rng(count)
    queries, documents = vectors(rng, 5, 8, 5), vectors(rng, count, 8, kinds)
    views = [View(dim, precision) for dim in (8, 3, 1) for precision in PRECISIONS]
    found = found_of(retrieval(count, 5), queries, documents, views, similarity)
    reference = exact_matrix(View(8), similarity, queries, documents)
    assert set(found) == set(views)
    for view, scores in found.items():
        mine = exact_matrix(view, similarity, queries, documents)
        for query in range(5):
            for name, value in by_hand(reference[query], mine[query]).items():
                assert scores.items[name][query] == pytest.approx(value, abs=1e-6), (view, name)
        change = mine.astype(np.float64) - reference
        expected = {
            "similarity_change": change.mean(),
            "similarity_absolute_change": np.abs(change).mean(),
        }
        names = list(FIDELITY_MEASURES)
        if np.ptp(mine) > 0:
            expected["similarity_correlation"] = stats.pearsonr(mine.ravel(), reference.ravel()).statistic
        else:
            names.remove("similarity_correlation")
        for name, value in expected.items():
            assert scores.metrics[name].value == pytest.approx(value, abs=1e-6)
        for name in ("overlap_at_10", "rbo", "kendall_tau", "similarity_change"):
            assert scores.metrics[name].value == pytest.approx(scores.items[name].mean(), abs=1e-6)
        assert list(scores.metrics) == names


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 9, 40, 150]), st.sampled_from(["cosine", "dot"]))
@settings(max_examples=15, deadline=None)
def test_the_reference_is_exactly_itself(seed, count, similarity):
    rng = np.random.default_rng(seed)
    queries, documents = vectors(rng, 3, 6, 3), vectors(rng, count, 6, max(count // 3, 1))
    [scores] = found_of(retrieval(count, 3), queries, documents, [View(6)], similarity).values()
    values = {name: estimate.value for name, estimate in scores.metrics.items()}
    for name in ("overlap_at_10", "overlap_at_100", "rbo", "kendall_tau", "norm_kept"):
        assert values.pop(name) == 1
    assert values.pop("similarity_change") == values.pop("similarity_absolute_change") == 0
    assert all(value == 1 for value in values.values())


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_neither_order_nor_names_matter(similarity):
    rng = np.random.default_rng(3)
    queries, documents = vectors(rng, 12, 16, 12), vectors(rng, 220, 16, 150)
    views = [View(dim, precision) for dim in (16, 5) for precision in PRECISIONS]
    texts = [f"text {row}" for row in range(220)]
    first = found_of(retrieval(220, 12, texts=texts), queries, documents, views, similarity)
    order, asked = rng.permutation(220), rng.permutation(12)
    renamed = retrieval(220, 12, ids=[f"other {row}" for row in range(220)], texts=[texts[row] for row in order])
    second = found_of(renamed, queries[asked], documents[order], views, similarity)
    for view in views:
        assert first[view].metrics == second[view].metrics
        for name, values in first[view].items.items():
            assert (values[asked] == second[view].items[name]).all()
        assert (first[view].leading.norm == second[view].leading.norm).all()


def test_blocks_batches_and_samples_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    queries, documents = vectors(rng, 30, 16, 30), vectors(rng, 300, 16, 60)
    views = [View(dim, precision) for dim in (16, 3) for precision in ("int8", "binary")]
    whole = found_of(retrieval(300, 30), queries, documents, views)
    monkeypatch.setattr(exact, "_QUERY_ROWS", 7)
    monkeypatch.setattr(exact, "_DOCUMENT_ROWS", 11)
    monkeypatch.setattr(changes, "_QUERY_ROWS", 4)
    # Several batches of queries, each of which finds its candidates again.
    monkeypatch.setattr(fidelity, "_CANDIDATES", 1000)
    assert len(fidelity._Rankings(Quantiser(View(16), "cosine"), queries, Rows(documents), NO_PAIRS)._starts) > 2
    parts = found_of(retrieval(300, 30), queries, documents, views)
    for view in views:
        assert parts[view].metrics == whole[view].metrics


def test_excluded_pairs_are_left_out():
    rng = np.random.default_rng(5)
    queries, documents = vectors(rng, 4, 8, 4), vectors(rng, 20, 8, 20)
    ids = [f"q{row}" if row < 3 else f"d{row}" for row in range(20)]
    views = [View(3), View(8, "binary")]
    found = found_of(retrieval(20, 4, ids=ids, exclude=True), queries, documents, views)
    reference = exact_matrix(View(8), "cosine", queries, documents)
    for view, scores in found.items():
        mine = exact_matrix(view, "cosine", queries, documents)
        kept = [[row for row in range(20) if not (row == query < 3)] for query in range(4)]
        for query in range(4):
            expected = by_hand(reference[query, kept[query]], mine[query, kept[query]])
            expected["similarity_change"] = (mine - reference)[query, kept[query]].astype(np.float64).mean()
            for name, value in expected.items():
                assert scores.items[name][query] == pytest.approx(value, abs=1e-6)
        x, y = (np.concatenate([table[q, kept[q]] for q in range(4)]) for table in (reference, mine))
        correlation = stats.pearsonr(x, y).statistic
        assert scores.metrics["similarity_correlation"].value == pytest.approx(correlation, abs=1e-6)


def test_the_only_document_may_be_excluded():
    data = retrieval(1, 2, ids=["q0"], exclude=True)
    rng = np.random.default_rng(6)
    found = found_of(data, vectors(rng, 2, 4, 2), vectors(rng, 1, 4, 1), [View(2)])[View(2)]
    assert found.metrics["overlap_at_10"].value == 1
    assert "similarity_correlation" not in found.metrics
    assert "variance_kept" not in found.metrics


def test_huge_ties():
    """Binary vectors of two dimensions: three scores for 3,000 documents."""
    rng = np.random.default_rng(7)
    queries, documents = vectors(rng, 3, 24, 3), rng.normal(size=(3000, 24)).astype(np.float32)
    scores = found_of(retrieval(3000, 3), queries, documents, [View(2, "binary")])[View(2, "binary")]
    reference = exact_matrix(View(24), "cosine", queries, documents)
    mine = exact_matrix(View(2, "binary"), "cosine", queries, documents)
    assert len(np.unique(mine)) <= 3
    for query in range(3):
        best = np.argsort(-reference[query])[:10]
        top = mine[query] == mine[query].max()
        # Each of the t that tie for first is among the first 10 with 10 / t; the reference has no ties.
        t = top.sum()
        assert t > 100
        expected = top[best].sum() * (10 / t) / np.sqrt(10 * t * (10 / t) ** 2)
        assert scores.items["overlap_at_10"][query] == pytest.approx(expected, abs=1e-6)


def test_a_view_that_cannot_be_scored_costs_the_others_nothing():
    rng = np.random.default_rng(8)
    queries, documents = vectors(rng, 2, 4, 2), vectors(rng, 9, 4, 9)
    documents[0] *= np.float32(1e6)
    found = found_of(retrieval(9, 2), queries, documents, [View(4, "float16"), View(4, "int8")], "dot")
    assert isinstance(found[View(4, "float16")], BenchError)
    assert found[View(4, "int8")].metrics["overlap_at_100"].value == 1


def test_scores_beyond_float32_are_refused():
    huge = np.full((3, 4), 1e30, dtype=np.float32)
    scores = ExactScores(Quantiser(View(4), "dot"), huge, Rows(huge), NO_PAIRS)
    with pytest.raises(BenchError, match="beyond the range of float32"):
        top_scores(scores, 10)


def test_intervals_are_those_of_quality_and_queries_of_one_text_are_one():
    rng = np.random.default_rng(9)
    queries, documents = vectors(rng, 20, 8, 20), vectors(rng, 200, 8, 200)
    data = retrieval(200, 20)
    data.queries[10:] = data.queries[:10]
    scores = found_of(data, queries, documents, [View(3)])[View(3)]
    low, high = mean_intervals(scores.items["rbo"][:, None].astype(np.float64), data.clusters)[:, 0]
    estimate = scores.metrics["rbo"]
    assert (estimate.ci_low, estimate.ci_high) == pytest.approx((low, high), abs=1e-6)
    correlation = scores.metrics["similarity_correlation"]
    assert correlation.ci_low < correlation.value < correlation.ci_high
    assert scores.metrics["norm_kept"].ci_low is None
    data.queries[:] = ["one"] * 20
    alone = found_of(data, queries, documents, [View(3)])[View(3)]
    assert alone.metrics["rbo"].ci_low is alone.metrics["similarity_correlation"].ci_low is None


@given(st.integers(0, 1000), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_best_scores_are_those_of_the_whole(seed, depth):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, size=(3, 23)).astype(np.float32)
    keeper = TopKeeper(3, depth)
    for part in np.array_split(rng.permutation(23), 5):
        keeper.add(slice(0, 3), scores[:, part])
    top = keeper.top()
    expected = np.sort(scores, axis=1)[:, ::-1][:, :depth]
    assert (top.scores == expected).all()
    assert (top.tied_at_edge == (scores == expected[:, -1:]).sum(axis=1)).all()


def test_the_sample_follows_from_the_texts():
    texts = [f"text {row}" for row in range(50)]
    order = np.random.default_rng(0).permutation(50)
    one = [texts[row] for row in changes.sample_rows(texts, size=10)]
    shuffled = [texts[row] for row in order]
    assert [shuffled[row] for row in changes.sample_rows(shuffled, size=10)] == one
    assert changes.sample_rows(texts, size=10).tolist() == changes.sample_rows(texts, size=20).tolist()[:10]
    assert sorted(changes.sample_rows(texts).tolist()) == list(range(50))
    # Copies that only a setting tells apart are taken by their ids.
    assert changes.sample_rows(["same"] * 3, ["c", "a", "b"], size=2).tolist() == [1, 2]


class TestPairs:
    def data(self, n):
        texts = [f"sentence {row}" for row in range(n)]
        return PairData([f"p{row}" for row in range(n)], texts, texts[::-1], np.zeros(n))

    def test_similarities_of_the_pairs_are_compared(self):
        both = vectors(np.random.default_rng(0), 40, 8, 30)
        views = [View(8), View(3), View(8, "int8"), View(2, "binary")]
        found = dict(score_fidelity(self.data(20), {"text": Rows(both)}, views, "cosine"))

        def cosines(view):
            quantiser = fit(view, "cosine", [both])
            values = quantiser.values(quantiser.codes(both)).astype(np.float64)
            unit = values / np.linalg.norm(values, axis=1, keepdims=True)
            return (unit[:20] * unit[20:]).sum(axis=1)

        for view, scores in found.items():
            x, y = cosines(View(8)), cosines(view)
            told = {name: estimate.value for name, estimate in scores.metrics.items()}
            assert set(told) == {
                "similarity_correlation", "similarity_change", "similarity_absolute_change", "variance_kept",
                "norm_kept",
            }  # fmt: skip
            assert told["similarity_correlation"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-6)
            assert told["similarity_change"] == pytest.approx((y - x).mean(), abs=1e-6)
            assert told["similarity_absolute_change"] == pytest.approx(np.abs(y - x).mean(), abs=1e-6)
            assert scores.items["similarity"] == pytest.approx(y, abs=1e-6)
            assert scores.items["reference"] == pytest.approx(x, abs=1e-6)
        assert found[View(8)].metrics["similarity_correlation"].value == 1
        assert found[View(8)].metrics["similarity_absolute_change"].value == 0

    def test_order_does_not_matter(self):
        both = vectors(np.random.default_rng(1), 40, 8, 30)
        data, order = self.data(20), np.random.default_rng(2).permutation(20)
        shuffled = PairData(
            [data.ids[row] for row in order], [data.sentences1[row] for row in order],
            [data.sentences2[row] for row in order], data.gold,
        )  # fmt: skip
        views = [View(3), View(2, "int8")]
        one = dict(score_fidelity(data, {"text": Rows(both)}, views, "cosine"))
        moved = {"text": Rows(np.concatenate([both[:20][order], both[20:][order]]))}
        other = dict(score_fidelity(shuffled, moved, views, "cosine"))
        assert all(one[view].metrics == other[view].metrics for view in views)
