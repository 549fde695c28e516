"""Scores of a view; that names, order and batches do not change them."""

import numpy as np
import pytest
from support import FakeEncoder, random_beir

from bench.errors import BenchError
from bench.metrics import PAIR_METRICS, RETRIEVAL_METRICS
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.quality.evaluate import check_spread, score_pairs, score_retrieval
from bench.tasks.beir import read_beir
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.encode import TextGroup, encode_missing
from bench.vectors.store import Vectors, VectorSpace, text_keys
from bench.views import PRECISIONS, View

PLAIN = TextContext()


def vectors_of(matrix):
    matrix = np.array(matrix, dtype=np.float32)
    return Vectors([matrix], np.arange(len(matrix)), matrix.shape[1])


def task(documents, queries, pairs, **options):
    """A task of texts by id, and (query id, document id, label) triples."""
    query_rows, document_rows = list(queries), list(documents)
    table = np.array([(query_rows.index(q), document_rows.index(d), gain) for q, d, gain in pairs]).reshape(-1, 3)
    return RetrievalData(
        document_rows, list(documents.values()), query_rows, list(queries.values()),
        table[:, 0], table[:, 1], table[:, 2], **options,
    )  # fmt: skip


def stored(folder, encoder, data, batch_size=4):
    """The data's query and document vectors, through a real store."""
    space = VectorSpace(folder, "space")
    groups = [TextGroup(texts, PLAIN) for texts in (data.queries, data.documents)]
    encode_missing(space, encoder, groups, batch_size=batch_size)
    return [space.vectors(text_keys(group.texts, PLAIN)) for group in groups]


def score_view(data, queries, documents, view, similarity):
    """The scores of one view."""
    ((scored, scores),) = score_retrieval(data, queries, documents, [view], similarity)
    assert scored == view
    return scores


def by_query(data, vectors, view, similarity="cosine"):
    """The metrics of each query, by its id."""
    scores = score_view(data, *vectors, view, similarity)
    return {
        name: {metric: values[row] for metric, values in scores.items.items()} for row, name in enumerate(scores.ids)
    }


def with_duplicates(seed=0, documents=60, queries=12):
    """A task of which every third document stands twice, and some thrice; the labels are graded."""
    rng = np.random.default_rng(seed)
    texts = {f"d{i}": f"text {i // 3 if i % 3 else i}" for i in range(documents)}
    questions = {f"q{i}": f"question {i}" for i in range(queries)}
    pairs = [
        (query, f"d{row}", int(rng.integers(1, 4)))
        for query in questions
        for row in rng.choice(documents, 4, replace=False)
    ]
    return texts, questions, pairs


def shuffled(rng, table):
    """The same entries in another order."""
    items = list(table.items())
    return dict(items[row] for row in rng.permutation(len(items)))


def test_a_small_task_by_hand():
    # Cosine with (1, 0): a 1, b .8, c 0. Relevant: b, at rank 2.
    data = task({"a": "1", "b": "2", "c": "3"}, {"q": "4"}, [("q", "b", 1)])
    scores = score_view(data, vectors_of([[1, 0]]), vectors_of([[2, 0], [0.8, 0.6], [0, 1]]), View(2), "cosine")
    assert tuple(scores.metrics) == tuple(scores.items) == RETRIEVAL_METRICS
    assert scores.ids == ["q"]
    assert scores.metrics["ndcg_at_10"].value == pytest.approx(1 / np.log2(3))
    assert scores.metrics["mrr_at_10"].value == 0.5
    assert scores.metrics["hit_rate_at_1"].value == 0
    assert scores.metrics["recall_at_5"].value == 1


def test_the_dot_product_counts_lengths():
    # Dot products with (1, 0): a 1, b 3; cosines: a 1, b .6.
    data = task({"a": "1", "b": "2"}, {"q": "3"}, [("q", "b", 1)])
    vectors = vectors_of([[1, 0]]), vectors_of([[1, 0], [3, 4]])
    assert score_view(data, *vectors, View(2), "dot").metrics["hit_rate_at_1"].value == 1
    assert score_view(data, *vectors, View(2), "cosine").metrics["hit_rate_at_1"].value == 0


def test_equal_codes_tie():
    # The signs of all three are + +; the relevant one is first in a third of the orders.
    data = task({"a": "1", "b": "2", "c": "3"}, {"q": "4"}, [("q", "b", 1)])
    vectors = vectors_of([[1, 0.1]]), vectors_of([[1, 0.1], [0.1, 1], [0.5, 0.5]])
    scores = score_view(data, *vectors, View(2, "binary"), "cosine")
    assert scores.metrics["hit_rate_at_1"].value == pytest.approx(1 / 3)
    # (1 + 1/2 + 1/3) / 3.
    assert scores.metrics["mrr_at_10"].value == pytest.approx(11 / 18)


def test_a_document_with_the_querys_id_is_left_out_where_the_task_says_so():
    pairs, vectors = [("x", "b", 1)], (vectors_of([[1, 0]]), vectors_of([[1, 0], [0.8, 0.6]]))
    for ignore, expected in ((False, 0.5), (True, 1.0)):
        data = task({"x": "1", "b": "2"}, {"x": "3"}, pairs, ignore_identical_ids=ignore)
        assert score_view(data, *vectors, View(2), "cosine").metrics["mrr_at_10"].value == expected


def test_ids_that_are_never_equal_leave_nothing_out():
    data = task({"a": "1", "b": "2"}, {"q": "3"}, [("q", "b", 1)], ignore_identical_ids=True)
    scores = score_view(data, vectors_of([[1, 0]]), vectors_of([[1, 0], [0.8, 0.6]]), View(2), "cosine")
    assert scores.metrics["mrr_at_10"].value == 0.5


def test_a_metric_is_the_mean_over_queries_within_its_interval(tmp_path):
    data = task(*with_duplicates())
    scores = score_view(data, *stored(tmp_path, FakeEncoder(), data), View(16), "cosine")
    for name, estimate in scores.metrics.items():
        assert estimate.value == pytest.approx(scores.items[name].mean(), abs=1e-12)
        assert estimate.ci_low <= estimate.value <= estimate.ci_high
    assert scores.metrics["ndcg_at_10"].ci_low < scores.metrics["ndcg_at_10"].ci_high


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dim", [1, 2, 3, 8, 16])
def test_names_and_order_do_not_change_a_score(tmp_path, dim, precision):
    documents, queries, pairs = with_duplicates()
    data = task(documents, queries, pairs)
    expected = by_query(data, stored(tmp_path / "a", FakeEncoder(), data), View(dim, precision))
    rng = np.random.default_rng(1)
    for round_number in range(3):
        names = dict(zip(documents, rng.permutation([f"other{i}" for i in range(len(documents))]), strict=True))
        renamed = {str(names[key]): text for key, text in documents.items()}
        changed = task(shuffled(rng, renamed), shuffled(rng, queries), [(q, names[d], gain) for q, d, gain in pairs])
        vectors = stored(tmp_path / f"b{round_number}", FakeEncoder(), changed, batch_size=7)
        assert by_query(changed, vectors, View(dim, precision)) == expected


def test_the_order_of_queries_does_not_change_an_interval(tmp_path):
    documents, queries, pairs = with_duplicates()
    ends = []
    for name, order in (("a", queries), ("b", shuffled(np.random.default_rng(2), queries))):
        data = task(documents, order, pairs)
        scores = score_view(data, *stored(tmp_path / name, FakeEncoder(), data), View(3), "cosine")
        ends.append({metric: (found.ci_low, found.ci_high) for metric, found in scores.metrics.items()})
    assert ends[0] == ends[1]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_order_of_judgements_does_not_change_a_score(tmp_path, precision):
    documents, queries, pairs = with_duplicates()
    data, reversed_data = task(documents, queries, pairs), task(documents, queries, pairs[::-1])
    vectors = stored(tmp_path, FakeEncoder(), data)
    found = by_query(reversed_data, vectors, View(2, precision))
    for name, expected in by_query(data, vectors, View(2, precision)).items():
        assert found[name] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_other_queries_do_not_change_a_querys_score(tmp_path, precision):
    documents, queries, pairs = with_duplicates()
    data = task(documents, queries, pairs)
    together = by_query(data, stored(tmp_path / "all", FakeEncoder(), data), View(3, precision))
    for name, text in queries.items():
        alone = task(documents, {name: text}, [pair for pair in pairs if pair[0] == name])
        found = by_query(alone, stored(tmp_path / name, FakeEncoder(), alone), View(3, precision))
        assert found == {name: together[name]}


def test_other_queries_do_not_change_a_score_of_0():
    # (-1, -1, -1, -1) is at right angles to both documents: alone or not, it ranks them alike.
    data = task({"a": "1", "b": "2"}, {"q": "3"}, [("q", "a", 1)])
    both = task({"a": "1", "b": "2"}, {"q": "3", "r": "4"}, [("q", "a", 1)])
    documents = vectors_of([[-2, -2, 2, 2], [-2, -1, 1, 2]])
    alone = by_query(data, [vectors_of([[-1, -1, -1, -1]]), documents], View(4))["q"]
    together = by_query(both, [vectors_of([[-1, -1, -1, -1], [1, 0, 0, 0]]), documents], View(4))["q"]
    assert alone == together


@pytest.mark.parametrize("dim", [32, 8])
def test_the_batch_size_does_not_change_a_score_beyond_rounding(tmp_path, tiny_model, dim):
    data = read_beir(random_beir(tmp_path / "task", documents=60), "test")
    entry = ModelEntry(name="tiny", source=[str(tiny_model)])
    encoder = load_encoder(entry, Located(tiny_model, str(tiny_model), "folder"))
    small, large = (stored(tmp_path / f"batch{size}", encoder, data, batch_size=size) for size in (1, 32))
    np.testing.assert_allclose(small[1].all(), large[1].all(), atol=1e-6)
    found = by_query(data, small, View(dim))
    for name, expected in by_query(data, large, View(dim)).items():
        assert found[name] == pytest.approx(expected, abs=1e-6)


def test_pairs_by_hand():
    # Cosines 1, .6 and 0 rank as the gold scores do.
    data = PairData(["0", "1", "2"], ["a"] * 3, ["b", "c", "d"], np.array([5.0, 3.0, 1.0]))
    first, second = (np.array(rows, dtype=np.float32) for rows in ([[1, 0]] * 3, [[2, 0], [0.6, 0.8], [0, 1]]))
    scores = score_pairs(data, first, second, View(2), "cosine")
    assert tuple(scores.metrics) == PAIR_METRICS
    assert scores.ids == ["0", "1", "2"]
    assert scores.metrics["cosine_spearman"].value == pytest.approx(1)
    assert scores.items["gold"].tolist() == [5, 3, 1]
    np.testing.assert_allclose(scores.items["cosine"], [1, 0.6, 0], atol=1e-7)
    # Only the metric that ranks models has an interval.
    assert [name for name, estimate in scores.metrics.items() if estimate.ci_low is not None] == ["cosine_spearman"]


def test_binary_pairs_count_different_signs():
    # Of four signs 0, 1 and 3 differ: cosine 1 - 2 * differing / 4; Manhattan distance 2 for each; Euclidean its root.
    data = PairData(["0", "1", "2"], ["a"] * 3, ["b", "c", "d"], np.array([3.0, 2.0, 1.0]))
    first = np.ones((3, 4), dtype=np.float32)
    second = np.array([[1, 1, 1, 1], [1, 1, 1, -1], [-1, -1, -1, 1]], dtype=np.float32)
    items = score_pairs(data, first, second, View(4, "binary"), "cosine").items
    assert items["cosine"].tolist() == [1, 0.5, -0.5]
    assert items["manhattan"].tolist() == [0, -2, -6]
    np.testing.assert_allclose(items["euclidean"], [0, -2, -np.sqrt(12)], rtol=1e-6)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dim", [1, 3, 16])
def test_the_order_of_pairs_and_sides_does_not_change_a_score(dim, precision):
    rng = np.random.default_rng(dim)
    first, second = rng.normal(size=(2, 40, 16)).astype(np.float32)
    gold, order = rng.integers(0, 6, size=40).astype(float), rng.permutation(40)
    names = [str(row) for row in range(40)]
    data, other = PairData(names, names, names, gold), PairData(names, names, names, gold[order])
    expected = score_pairs(data, first, second, View(dim, precision), "cosine")
    found = score_pairs(other, second[order], first[order], View(dim, precision), "cosine")
    for name in PAIR_METRICS:
        assert found.metrics[name].value == pytest.approx(expected.metrics[name].value, abs=1e-12)
    main = "cosine_spearman"
    assert found.metrics[main].ci_low == pytest.approx(expected.metrics[main].ci_low, abs=1e-12)
    assert found.metrics[main].ci_high == pytest.approx(expected.metrics[main].ci_high, abs=1e-12)
    for name, values in expected.items.items():
        assert (found.items[name] == values[order]).all()


def test_int8_ranges_of_pairs_come_from_both_sides():
    # Together the range is 0 .. 255 and a step is 1; of one side alone it would be 0 .. 1.
    data = PairData(["0", "1"], ["a", "b"], ["c", "d"], np.array([1.0, 2.0]))
    first, second = np.array([[0], [1]], dtype=np.float32), np.array([[254.6], [255]], dtype=np.float32)
    items = score_pairs(data, first, second, View(1, "int8"), "dot").items
    assert items["manhattan"].tolist() == [-255, -254]


def test_a_model_of_one_vector_is_refused():
    with pytest.raises(BenchError, match="same vector for every text"):
        check_spread(vectors_of([[1, 2]] * 3), ["a", "b", "b"], "flat")


def test_a_model_of_one_vector_but_for_rounding_is_refused():
    with pytest.raises(BenchError, match="same vector for every text"):
        check_spread(vectors_of([[1, -200], [1, np.nextafter(np.float32(-200), np.float32(0))]]), ["a", "b"], "flat")


def test_vectors_that_differ_beyond_rounding_are_accepted():
    # 1e-5 of the largest value is far more than float32's 6e-8.
    check_spread(vectors_of([[1, -200], [1.002, -200]]), ["a", "b"], "model")


def test_equal_texts_may_have_equal_vectors():
    check_spread(vectors_of([[1, 2]] * 3), ["a", "a", "a"], "model")
    check_spread(vectors_of([[1, 2], [1, 2], [1, 3]]), ["a", "a", "b"], "model")


def test_a_single_query_has_no_interval():
    from bench.quality.blocks import ScoreBlock
    from bench.quality.evaluate import score_blocks

    one, zero = np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    data = RetrievalData(["a", "b"], ["a", "b"], ["q"], ["q"], zero, one, one)
    scores = score_blocks(data, [ScoreBlock(slice(0, 1), np.array([[0.75, 0.5]], dtype=np.float32))])
    found = scores.metrics["mrr_at_10"]
    assert (found.value, found.ci_low, found.ci_high) == (0.5, None, None)


def together(clusters):
    """Which rows share a cluster."""
    return np.equal.outer(clusters, clusters).tolist()


def test_queries_of_one_text_are_one_cluster_in_any_order():
    texts = {"q1": "saw", "q2": "drill", "q3": "saw", "q4": "Saw"}
    data = task({"a": "1", "b": "2"}, texts, [("q1", "a", 1), ("q3", "b", 1)])
    scores = score_view(data, vectors_of([[1, 0]] * 4), vectors_of([[1, 0], [0, 1]]), View(2), "cosine")
    assert scores.clusters.dtype == np.int32
    assert scores.clusters.tolist() == [0, 1, 0, 2]
    turned = task({"a": "1", "b": "2"}, dict(reversed(texts.items())), [("q1", "a", 1), ("q3", "b", 1)])
    assert together(turned.clusters[::-1]) == together(scores.clusters)


def test_pairs_of_one_first_sentence_are_one_cluster():
    data = PairData(["0", "1", "2"], ["a", "b", "a"], ["c", "c", "d"], np.array([5.0, 3.0, 1.0]))
    vectors = np.eye(3, dtype=np.float32)
    assert score_pairs(data, vectors, vectors, View(3), "cosine").clusters.tolist() == [0, 1, 0]


def test_queries_of_one_text_do_not_narrow_an_interval(tmp_path):
    documents, queries, pairs = with_duplicates()
    data = task(documents, queries, pairs)
    again = {f"{name}-{copy}": text for name, text in queries.items() for copy in range(4)}
    repeated = task(documents, again, [(f"{q}-{copy}", d, gain) for q, d, gain in pairs for copy in range(4)])
    once, often = (
        score_view(each, *stored(tmp_path / str(each.n), FakeEncoder(), each), View(16), "cosine").metrics
        for each in (data, repeated)
    )
    for name, expected in once.items():
        assert (often[name].ci_low, often[name].ci_high) == pytest.approx((expected.ci_low, expected.ci_high))


def test_one_text_asked_twice_has_no_interval():
    data = task({"a": "1", "b": "2"}, {"q": "3", "r": "3"}, [("q", "a", 1), ("r", "b", 1)])
    vectors = vectors_of([[1, 0], [1, 0]]), vectors_of([[1, 0], [0, 1]])
    assert score_view(data, *vectors, View(2), "cosine").metrics["mrr_at_10"].ci_low is None
