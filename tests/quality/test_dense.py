"""Ranks of documents among vectors, against every exact score; nothing but the vectors changes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.quality import dense, ranker
from bench.quality.dense import rank_views
from bench.quality.ranker import score_cells
from bench.quality.ranking import Pairs
from bench.quality.threads import each_block
from bench.vectors.quantise import fit
from bench.vectors.store import Vectors
from bench.views import PRECISIONS, View

NONE = np.empty(0, dtype=np.int64)


def vectors_of(matrix, chunks=1):
    """Vectors whose rows lie in several chunks, in an order of their own."""
    order = np.random.default_rng(0).permutation(len(matrix))
    parts = np.array_split(matrix[order].astype(np.float32), chunks)
    return Vectors(parts, np.argsort(order), matrix.shape[1])


def exact_scores(queries, documents, view, similarity):
    """Every score by Python's fractions of whole numbers: a plain product in float64 of exact directions."""
    quantiser = fit(view, similarity, [documents])
    a, b = quantiser.comparable(queries), quantiser.comparable(documents)
    products = np.array([[sum((x * y).tolist()) for y in b.directions] for x in a.directions])
    return (products * (a.weights[:, None] * b.weights)).astype(np.float32)


def counted(scores, pairs, depth):
    """Documents above each pair, at most `depth`, and tied with it."""
    left = scores.copy()
    left[pairs.excluded_queries, pairs.excluded_documents] = -np.inf
    mine = left[pairs.queries, pairs.documents]
    above = (left[pairs.queries] > mine[:, None]).sum(axis=1)
    tied = (left[pairs.queries] == mine[:, None]).sum(axis=1)
    return np.where(mine > -np.inf, np.minimum(above, depth), depth), tied


def assert_ranks(queries, documents, views, similarity, pairs, depth=1000):
    found = rank_views(vectors_of(queries), vectors_of(documents, 3), views, similarity, pairs, depth)
    for view, ranks in zip(views, found, strict=True):
        above, tied = counted(exact_scores(queries, documents, view, similarity), pairs, depth)
        assert ranks.above.tolist() == above.tolist(), view
        assert ranks.tied[above < depth].tolist() == tied[above < depth].tolist(), view


def normal(rng, n, width):
    return rng.normal(size=(n, width))


def whole_numbers(rng, n, width):
    """Ties, scores of 0, and vectors of zeros."""
    return rng.integers(-1, 2, size=(n, width))


def nearly_equal(rng, n, width):
    """Differences below float32's rounding of a product, not below that of a vector."""
    return np.ones((n, width)) + rng.integers(0, 3, size=(n, width)) * 2.0**-22


def of_any_length(rng, n, width):
    """Lengths, and shares of the leading dimensions, far beyond what float32 products of them could hold."""
    return rng.normal(size=(n, width)) * 10.0 ** rng.uniform(-20, 8, size=(n, 1)) * 10.0 ** -rng.integers(0, 16, width)


@st.composite
def tasks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, width = draw(st.integers(1, 5)), draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 3, 8, 24]))
    make = draw(st.sampled_from([normal, whole_numbers, nearly_equal, of_any_length]))
    queries, documents = (make(rng, rows, width).astype(np.float32) for rows in (n, m))
    if draw(st.booleans()):
        documents = documents[rng.integers(0, m, size=m)]
    relevant = np.nonzero(rng.random((n, m)) < draw(st.sampled_from([0.05, 0.5, 1])))
    excluded = np.nonzero(np.eye(n, m)) if draw(st.booleans()) else (NONE, NONE)
    views = [width, max(width // 2, 1), 1] if width > 2 else [width]
    return make, queries, documents, Pairs(*relevant, *excluded), views


@settings(max_examples=60, deadline=None)
@given(
    tasks(), st.sampled_from(PRECISIONS), st.sampled_from(["cosine", "dot"]), st.sampled_from([1, 5, 1000]), st.data()
)
def test_equals_a_count_of_all_exact_scores(task, precision, similarity, depth, data):
    make, queries, documents, pairs, dims = task
    if precision == "float16" and make is of_any_length:
        queries, documents = (np.clip(matrix, -60000, 60000) for matrix in (queries, documents))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "_QUERY_ROWS", data.draw(st.sampled_from([1, 2, 512])))
        patch.setattr(dense, "_DOCUMENT_ROWS", data.draw(st.sampled_from([1, 7, 1024])))
        patch.setattr(dense, "_BLOCK_VALUES", data.draw(st.sampled_from([1, 50, 1 << 21])))
        patch.setattr(ranker, "_PRODUCT_WASTE", data.draw(st.sampled_from([0, 64])))
        patch.setattr(dense, "_NESTED", data.draw(st.sampled_from([(), ("float32", "binary")])))
        views = [View(dim, precision) for dim in data.draw(st.permutations(dims))]
        assert_ranks(queries, documents, views, similarity, pairs, depth)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_scores_within_rounding_are_decided_exactly(precision, similarity):
    """Documents a float32 product cannot tell apart: each of the 60 is relevant, so that every order counts."""
    rng = np.random.default_rng(1)
    queries = rng.normal(size=(3, 96)).astype(np.float32)
    documents = (queries[0] + rng.normal(size=(60, 96)) * 1e-5).astype(np.float32)
    pairs = Pairs(np.repeat(np.arange(3), 60), np.tile(np.arange(60), 3), NONE, NONE)
    assert_ranks(queries, documents, [View(dim, precision) for dim in (96, 48, 7)], similarity, pairs)


@pytest.mark.parametrize("side", ["queries", "documents"])
def test_leading_dimensions_that_vanish_beside_the_others(side):
    """Divided by the whole length, 1e-36 / 1e6 is nothing in float32; the cut vector is as good as any other."""
    rng = np.random.default_rng(4)
    sets = {"queries": normal(rng, 3, 8), "documents": normal(rng, 40, 8)}
    sets[side] *= np.repeat([1e-36, 1e6], 4)
    queries, documents = (matrix.astype(np.float32) for matrix in sets.values())
    pairs = Pairs(np.repeat(np.arange(3), 40), np.tile(np.arange(40), 3), NONE, NONE)
    assert_ranks(queries, documents, [View(8), View(4)], "cosine", pairs)


def test_scores_below_float32s_normal_numbers():
    """Multiples of 2^-149, some of which tie only there: rounding is no longer relative."""
    rng = np.random.default_rng(5)
    queries, documents = (normal(rng, n, 8).astype(np.float32) * np.float32(1e-22) for n in (3, 40))
    pairs = Pairs(np.repeat(np.arange(3), 40), np.tile(np.arange(40), 3), NONE, NONE)
    assert_ranks(queries, documents, [View(8), View(3), View(1)], "dot", pairs)


def test_scores_beyond_float32_are_refused():
    documents = np.array([[1e20, 1], [1, 1]], dtype=np.float32)
    pairs = Pairs(np.array([0]), np.array([0]), NONE, NONE)
    dot, binary = (
        rank_views(vectors_of(documents), vectors_of(documents), [View(2, precision)], "dot", pairs, 10)[0]
        for precision in ("float32", "binary")
    )
    assert isinstance(dot, BenchError)
    assert "beyond the range of float32" in dot.message
    assert binary.tied.tolist() == [2]


def test_many_positives_and_queries_without():
    rng = np.random.default_rng(2)
    queries, documents = normal(rng, 40, 16).astype(np.float32), normal(rng, 900, 16).astype(np.float32)
    rows = np.sort(rng.integers(0, 20, size=4000))
    pairs = Pairs(rows, rng.integers(0, 900, size=4000), NONE, NONE)
    assert_ranks(queries, documents, [View(16), View(4)], "cosine", pairs, 100)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_views_together_equal_each_alone(precision, monkeypatch):
    """Nested or not: the counts are those of the exact scores."""
    rng = np.random.default_rng(3)
    queries, documents = vectors_of(normal(rng, 30, 64)), vectors_of(normal(rng, 2000, 64), 4)
    pairs = Pairs(np.arange(30), rng.integers(0, 2000, size=30), NONE, NONE)
    views = [View(dim, precision) for dim in (64, 32, 16, 5)]
    together = rank_views(queries, documents, views, "cosine", pairs, 1000)
    monkeypatch.setattr(dense, "_NESTED", ())
    apart = rank_views(queries, documents, views, "cosine", pairs, 1000)
    alone = [rank_views(queries, documents, [view], "cosine", pairs, 1000)[0] for view in views]
    for first, second, third in zip(together, apart, alone, strict=True):
        for other in (second, third):
            near = first.above < 1000
            assert first.above.tolist() == other.above.tolist()
            assert first.tied[near].tolist() == other.tied[near].tolist()


def test_a_view_that_cannot_be_scored_costs_the_others_nothing():
    # 1e6 stands in the fourth dimension: beyond float16 at full width, cut off at 2.
    documents = np.array([[1, 2, 3, 1e6], [2, 1, 0, 0]], dtype=np.float32)
    queries = np.array([[1, 0, 0, 0]], dtype=np.float32)
    pairs = Pairs(np.array([0]), np.array([1]), NONE, NONE)
    for relevant in (0, 1):
        pairs = Pairs(np.array([0]), np.array([relevant]), NONE, NONE)
        views = [View(4, "float16"), View(2, "float16")]
        wide, cut = rank_views(vectors_of(queries), vectors_of(documents), views, "dot", pairs, 10)
        assert isinstance(wide, BenchError)
        assert "beyond the range of float16" in wide.message
        assert cut.above.tolist() == [1 - relevant]
        # A query beyond the range as well.
        wide, cut = rank_views(
            vectors_of(documents[:1]), vectors_of(queries), views, "dot", Pairs(NONE, NONE, NONE, NONE), 10
        )
        assert isinstance(wide, BenchError)
        assert len(cut.above) == 0


@pytest.mark.parametrize("waste", [0, 64])
@pytest.mark.parametrize("dim", [1, 3, 48])
def test_dot_products_are_the_plain_ones_to_the_grid(monkeypatch, dim, waste):
    monkeypatch.setattr(ranker, "_PRODUCT_WASTE", waste)
    rng = np.random.default_rng(dim)
    # Lengths from 1/1000 to 1000.
    queries, documents = (
        (rng.normal(size=(n, dim)) * 10 ** rng.uniform(-3, 3, size=(n, 1))).astype(np.float32) for n in (6, 40)
    )
    quantiser = fit(View(dim), "dot", [])
    cells = np.divmod(np.arange(240), 40)
    found = score_cells(quantiser.comparable(queries), quantiser.comparable(documents), *cells).reshape(6, 40)
    plain = queries.astype(np.float64) @ documents.astype(np.float64).T
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(documents, axis=1)
    # float32 keeps 24 bits, 6e-8 of the value; the grid moves each direction by 2^-27 sqrt(d) at most.
    assert (np.abs(found - plain) <= 6e-8 * np.abs(plain) + 2**-26 * dim**0.5 * 1.001 * lengths).all()


def test_each_block_is_worked_on_once():
    assert sorted(each_block(lambda block: block * 2, range(100))) == list(range(0, 200, 2))
    assert each_block(str, []) == []


def test_an_error_in_one_block_stops_the_others():
    seen = []

    def work(block):
        seen.append(block)
        raise BenchError(f"block {block}")

    with pytest.raises(BenchError, match="block"):
        each_block(work, range(10_000))
    assert len(seen) < 10_000
