"""Controls for truncation against scikit-learn and plain slices; that blocks and order do not change them."""

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from bench.errors import BenchError
from bench.quality.controls import fit_pca, score_controls
from bench.quality.evaluate import score_pairs, score_retrieval
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.store import Vectors
from bench.views import CONTROLS, Control, ControlledView, View

WIDTH = 24


def vectors_of(matrix, chunks=1):
    matrix = np.asarray(matrix, dtype=np.float32)
    return Vectors(np.array_split(matrix, chunks), np.arange(len(matrix)), matrix.shape[1])


def embeddings(seed, n, similarity="cosine"):
    """Vectors with a mean and a falling spectrum, as models give them; of length 1 where similarity is cosine."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(np.random.default_rng(99).normal(size=(WIDTH, WIDTH)))[0]
    matrix = rng.normal(size=(n, WIDTH)) * 1.25 ** -np.arange(WIDTH) @ basis + basis[3]
    if similarity == "cosine":
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix.astype(np.float32)


def retrieval(n_documents, n_queries, seed=0):
    rng = np.random.default_rng(seed)
    pairs = np.array([(q, d) for q in range(n_queries) for d in rng.choice(n_documents, 3, replace=False)])
    return RetrievalData(
        [f"d{i}" for i in range(n_documents)], [f"document {i}" for i in range(n_documents)],
        [f"q{i}" for i in range(n_queries)], [f"query {i}" for i in range(n_queries)],
        pairs[:, 0], pairs[:, 1], rng.integers(1, 4, len(pairs)),
    )  # fmt: skip


def controlled(data, vectors, control, dims, similarity="cosine"):
    """Every metric of every query or pair, by dimension."""
    wanted = [ControlledView(control, dim) for dim in dims]
    found = dict(score_controls(data, vectors, wanted, similarity))
    assert list(found) == wanted
    return {cut.truncate_dim: scores for cut, scores in found.items()}


def plain(data, queries, documents, dim, similarity="cosine"):
    [(_, scores)] = score_retrieval(data, vectors_of(queries), vectors_of(documents), [View(dim)], similarity)
    return scores


def assert_same(scores, expected):
    assert scores.ids == expected.ids
    for name, values in expected.items.items():
        np.testing.assert_allclose(scores.items[name], values, atol=1e-12, err_msg=name)
    assert scores.metrics == {name: pytest.approx(value) for name, value in expected.metrics.items()}


def unit_rows(matrix):
    wide = matrix.astype(np.float64)
    return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_components_and_projected_vectors_are_scikit_learns(similarity):
    documents, queries = embeddings(1, 300, similarity), embeddings(2, 40, similarity)
    expected = PCA(svd_solver="full").fit(documents.astype(np.float64))
    found = fit_pca(vectors_of(documents, chunks=4), similarity)
    signs = np.sign((found.components * expected.components_).sum(axis=1))
    np.testing.assert_allclose(found.components * signs[:, None], expected.components_, atol=2e-6)
    for matrix in (documents, queries):
        np.testing.assert_allclose(found.apply(matrix) * signs, expected.transform(matrix.astype(float)), atol=1e-5)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_pca_scores_are_those_of_scikit_learns_vectors(similarity):
    data, documents, queries = retrieval(200, 30), embeddings(1, 200, similarity), embeddings(2, 30, similarity)
    model = PCA(svd_solver="full").fit(documents.astype(np.float64))
    projected = [model.transform(matrix.astype(np.float64)) for matrix in (queries, documents)]
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents)}
    for dim, scores in controlled(data, vectors, Control("pca"), [24, 12, 5, 1], similarity).items():
        assert_same(scores, plain(data, *projected, dim, similarity))


def test_cosine_models_are_projected_by_direction():
    data, documents, queries = retrieval(200, 30), embeddings(1, 200), embeddings(2, 30)
    lengths = np.random.default_rng(3).uniform(0.01, 50, (200, 1)).astype(np.float32)
    once, longer = (
        controlled(data, {"query": vectors_of(queries), "document": vectors_of(matrix)}, Control("pca"), [8])
        for matrix in (documents, documents * lengths)
    )
    assert_same(longer[8], once[8])


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("control", [Control("last"), Control("random", 1), Control("random", 5)], ids=str)
def test_orders_are_plain_slices(control, similarity):
    order = np.arange(WIDTH)[::-1] if control.draw is None else np.random.default_rng(control.draw).permutation(WIDTH)
    data, documents, queries = retrieval(200, 30), embeddings(1, 200, similarity), embeddings(2, 30, similarity)
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents, chunks=3)}
    for dim, scores in controlled(data, vectors, control, [24, 12, 5, 1], similarity).items():
        slices = [matrix[:, order[:dim]] for matrix in (queries, documents)]
        if similarity == "cosine":
            slices = [unit_rows(matrix) for matrix in slices]
        assert_same(scores, plain(data, *slices, dim, similarity))


@pytest.mark.parametrize("control", [control for control in CONTROLS if control.method != "pca"], ids=str)
def test_an_order_of_all_dimensions_changes_nothing(control):
    data, documents, queries = retrieval(200, 30), embeddings(1, 200), embeddings(2, 30)
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents)}
    assert_same(controlled(data, vectors, control, [WIDTH])[WIDTH], plain(data, queries, documents, WIDTH))


def test_draws_differ_and_repeat():
    data = retrieval(200, 30)
    vectors = {"query": vectors_of(embeddings(2, 30)), "document": vectors_of(embeddings(1, 200))}
    draws = [control for control in CONTROLS if control.method == "random"]
    first, again = ([controlled(data, vectors, draw, [4])[4] for draw in draws] for _ in range(2))
    assert len({scores.metrics["ndcg_at_10"].value for scores in first}) == len(draws) == 5
    assert [scores.metrics for scores in first] == [scores.metrics for scores in again]


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("block_rows", [1, 7, 64, 1000])
def test_blocks_do_not_change_the_projection(block_rows, similarity):
    documents = embeddings(1, 300, similarity)
    whole = fit_pca(vectors_of(documents), similarity)
    blocks = fit_pca(vectors_of(documents[::-1], chunks=11), similarity, block_rows=block_rows)
    np.testing.assert_array_equal(blocks.components, whole.components)
    np.testing.assert_array_equal(blocks.offset, whole.offset)
    together = whole.apply(documents)
    alone = np.concatenate([whole.apply(part) for part in np.array_split(documents, 300 // min(block_rows, 300))])
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("control", [Control("pca"), Control("last"), Control("random", 2)], ids=str)
def test_the_order_of_documents_does_not_change_a_score(control):
    data, documents, queries = retrieval(200, 30), embeddings(1, 200), embeddings(2, 30)
    order = np.random.default_rng(5).permutation(200)
    documents[50:60] = documents[3]
    place = np.argsort(order)
    moved = RetrievalData(
        [data.document_ids[row] for row in order], [data.documents[row] for row in order],
        data.query_ids, data.queries, data.pair_queries, place[data.pair_documents], data.pair_gains,
    )  # fmt: skip
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents)}
    before = controlled(data, vectors, control, [12, 3])
    after = controlled(moved, vectors | {"document": vectors_of(documents[order], chunks=5)}, control, [12, 3])
    for dim in before:
        for name, values in before[dim].items.items():
            np.testing.assert_array_equal(after[dim].items[name], values, err_msg=name)


def test_fewer_documents_than_dimensions():
    data, documents, queries = retrieval(9, 20), embeddings(1, 9), embeddings(2, 20)
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents)}
    found = controlled(data, vectors, Control("pca"), [20, 8, 4])
    model = PCA(8, svd_solver="full").fit(documents.astype(np.float64))
    projected = [model.transform(matrix.astype(np.float64)) for matrix in (queries, documents)]
    for dim in (8, 4):
        assert_same(found[dim], plain(data, *projected, dim))
    # Nine documents have eight components; the others tell no document from another.
    assert_same(found[20], found[8])


def test_documents_that_are_all_alike_are_scored():
    data, queries = retrieval(9, 20), embeddings(2, 20)
    vectors = {"query": vectors_of(queries), "document": vectors_of(np.tile(embeddings(1, 1), (9, 1)))}
    scores = controlled(data, vectors, Control("pca"), [4])[4]
    # All nine tie: each of the three relevant ones is among the first three with a chance of a third.
    assert scores.metrics["recall_at_3"].value == pytest.approx(1 / 3)


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    texts = [[f"{side} {i}" for i in range(n)] for side in "ab"]
    return PairData([f"p{i}" for i in range(n)], *texts, rng.uniform(0, 5, n))


@pytest.mark.parametrize("control", [Control("pca"), Control("last"), Control("random", 3)], ids=str)
def test_pairs_by_other_means(control):
    data, both = pairs(60), embeddings(4, 120)
    if control.method == "pca":
        changed = PCA(svd_solver="full").fit_transform(both.astype(np.float64))
    elif control.method == "last":
        changed = both[:, ::-1].astype(np.float64)
    else:
        changed = both[:, np.random.default_rng(3).permutation(WIDTH)].astype(np.float64)
    for dim, scores in controlled(data, {"text": vectors_of(both, chunks=3)}, control, [12, 5]).items():
        kept = changed[:, :dim] / np.linalg.norm(changed[:, :dim], axis=1, keepdims=True)
        cosines = (kept[:60] * kept[60:]).sum(axis=1)
        assert scores.metrics["cosine_spearman"].value == pytest.approx(stats.spearmanr(cosines, data.gold).statistic)
        np.testing.assert_allclose(scores.items["cosine"], cosines, atol=1e-6)
        assert scores.ids == data.ids


def test_pairs_at_full_width_are_the_plain_ones():
    data, both = pairs(60), embeddings(4, 120)
    scores = controlled(data, {"text": vectors_of(both)}, Control("random", 1), [WIDTH])[WIDTH]
    expected = score_pairs(data, both[:60], both[60:], View(WIDTH), "cosine")
    np.testing.assert_allclose(scores.items["cosine"], expected.items["cosine"], atol=1e-7)


def test_a_cut_that_cannot_be_scored_costs_the_others_nothing():
    data = retrieval(20, 5)
    documents, queries = embeddings(1, 20, "dot"), embeddings(2, 5, "dot")
    documents[:, 0], queries[:, 0] = 1e30, 1e30
    vectors = {"query": vectors_of(queries), "document": vectors_of(documents)}
    wanted = [ControlledView(Control("last"), dim) for dim in (WIDTH, 5)]
    found = dict(score_controls(data, vectors, wanted, "dot"))
    assert isinstance(found[wanted[0]], BenchError)
    assert found[wanted[1]].metrics["recall_at_1000"].value == 1
