"""The second value of a metric, in MTEB's order of ties: against mteb itself, by hand, and between its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mteb_scores import mteb_scores

from bench.metrics import CUTOFFS, RETRIEVAL_METRICS
from bench.quality import mteb_order, retrieval
from bench.quality.abstention import naucs
from bench.quality.blocks import ScoreBlock, rank_blocks
from bench.quality.dense import fit_views
from bench.quality.evaluate import score_blocks, score_pairs, score_retrieval
from bench.quality.mteb_order import strict
from bench.quality.ranker import score_all
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.store import Vectors
from bench.views import PRECISIONS, View

# mteb rounds most retrieval scores to 5 decimals.
ROUNDED = 5.1e-6
FAMILIES = ("ndcg", "recall", "mrr", "map", "precision", "hit_rate")


def vectors_of(matrix):
    return Vectors([matrix], np.arange(len(matrix)), matrix.shape[1])


def crowded(seed, queries, documents, distinct, *, own_ids=False):
    """A task of few distinct texts under many ids, with graded labels; some queries have the id of a document."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(distinct, 16)).astype(np.float32)[rng.integers(0, distinct, size=documents)]
    ids = [f"d{number}" for number in rng.permutation(documents)]
    names = [ids[row] if own_ids and row % 2 else f"q{row}" for row in range(queries)]
    table = np.array(
        [
            (query, document, rng.integers(1, 4))
            for query in range(queries)
            for document in rng.choice(documents, 8, replace=False)
        ]
    )
    texts = [f"text {row}" for row in range(queries)]
    data = RetrievalData(ids, [""] * documents, names, texts, *table.T, ignore_identical_ids=own_ids)
    return data, rng.normal(size=(queries, 16)).astype(np.float32), vectors


def labels_of(data):
    found = {name: {} for name in data.query_ids}
    for query, document, gain in zip(data.pair_queries, data.pair_documents, data.pair_gains, strict=True):
        found[data.query_ids[query]][data.document_ids[document]] = int(gain)
    return found


def assert_as_mteb(data, queries, documents, view, chunk=50_000):
    """Every value that mteb gives is found, and only what differs is stored a second time."""
    pair = vectors_of(queries), vectors_of(documents)
    ((_, found),) = score_retrieval(data, *pair, [view], "cosine", mteb=True)
    (quantiser,) = fit_views([view], "cosine", pair[1])
    scores = score_all(quantiser.comparable(queries), quantiser.comparable(documents))
    ignore = data.ignore_identical_ids
    expected = mteb_scores(
        scores, data.document_ids, data.query_ids, labels_of(data), ignore_identical_ids=ignore, chunk=chunk
    )
    for name in RETRIEVAL_METRICS:
        value = found.mteb.get(name, found.metrics[name].value)
        assert value == pytest.approx(expected[name], abs=ROUNDED), name
        assert name not in found.mteb or found.mteb[name] != found.metrics[name].value
    computed = {name for name in found.mteb if name.startswith("nauc")}
    assert bool(computed) == (view == View(documents.shape[1]))
    for name in computed:
        assert found.mteb[name] == pytest.approx(expected[name], abs=1e-9), name
    for name in {name for name in expected if name.startswith("nauc")} - computed if computed else ():
        # Of a metric that is the same for all queries mteb gives NaN, or what rounding leaves of 0 / 0.
        same = np.ptp(found.items[name.removeprefix("nauc_").rpartition("_")[0]]) < 1e-12
        assert same or np.isnan(expected[name]), name
    return found


@pytest.mark.parametrize("own_ids", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dim", [16, 4])
def test_a_corpus_with_every_text_under_several_ids(dim, precision, own_ids):
    found = assert_as_mteb(*crowded(0, 9, 60, 20, own_ids=own_ids), View(dim, precision))
    assert abs(found.mteb["ndcg_at_10"] - found.metrics["ndcg_at_10"].value) > 1e-4


@pytest.mark.parametrize(
    ("distinct", "own_ids", "chunk"),
    [
        # Two or three ids a text: the thousandth place falls between them.
        (800, True, 50_000),
        # Hundreds of ids a text: which of them mteb retrieves is up to torch.topk, in each of its chunks.
        (4, False, 50_000),
        (4, True, 1100),
        (3, False, 700),
    ],
)
@pytest.mark.parametrize("view", [View(16), View(4, "binary")])
def test_ties_beyond_the_documents_that_mteb_retrieves(distinct, own_ids, chunk, view, monkeypatch):
    monkeypatch.setattr(mteb_order, "CHUNK", chunk)
    assert_as_mteb(*crowded(1, 6, 2300, distinct, own_ids=own_ids), view, chunk)


def test_queries_in_groups_are_the_same(monkeypatch):
    data, queries, documents = crowded(2, 6, 1500, 5)
    pair = vectors_of(queries), vectors_of(documents)

    def found():
        ((_, scores),) = score_retrieval(data, *pair, [View(16)], "cosine", mteb=True)
        return scores.mteb

    whole = found()
    monkeypatch.setattr(mteb_order, "_CELLS", 2 * 1500)
    monkeypatch.setattr("bench.quality.abstention._QUERIES", 4)
    assert found() == whole


@st.composite
def tasks(draw):
    """Few vectors under many ids, at any precision and width; labels of 0 and below; some queries are documents."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, width = draw(st.integers(1, 4)), draw(st.integers(1, 25)), draw(st.sampled_from([1, 2, 5, 16]))
    distinct = draw(st.integers(1, m))
    make = draw(st.sampled_from([rng.normal, lambda size: rng.integers(-1, 2, size=size)]))
    documents = make(size=(distinct, width)).astype(np.float32)[rng.integers(0, distinct, size=m)]
    ids = draw(st.lists(st.text("aB1é\U0001f600-", min_size=1, max_size=4), min_size=m, max_size=m, unique=True))
    own = draw(st.booleans())
    names = [ids[row] if own and row < m and row % 2 else f"query {row}" for row in range(n)]
    labels = rng.integers(-1, 4, size=(n, m)) * (rng.random((n, m)) < 0.4)
    rows, columns = np.nonzero(labels > 0)
    texts = [f"text {row}" for row in range(n)]
    gains = labels[rows, columns]
    data = RetrievalData(ids, [""] * m, names, texts, rows, columns, gains, ignore_identical_ids=own)
    return data, rng.normal(size=(n, width)).astype(np.float32), documents, labels


@settings(max_examples=150)
@given(tasks(), st.sampled_from(PRECISIONS), st.sampled_from(["cosine", "dot"]))
def test_any_data_gives_what_pytrec_eval_gives(task, precision, similarity):
    import pytrec_eval

    data, queries, documents, labels = task
    view, pair = View(documents.shape[1], precision), (vectors_of(queries), vectors_of(documents))
    ((_, found),) = score_retrieval(data, *pair, [view], similarity, mteb=True)
    (quantiser,) = fit_views([view], similarity, pair[1])
    scores = score_all(quantiser.comparable(queries), quantiser.comparable(documents))
    run = {
        name: {
            document: float(score)
            for document, score in zip(data.document_ids, row, strict=True)
            if not (data.ignore_identical_ids and document == name)
        }
        for name, row in zip(data.query_ids, scores, strict=True)
    }
    judged = {
        name: {document: int(label) for document, label in zip(data.document_ids, row, strict=True)}
        for name, row in zip(data.query_ids, labels, strict=True)
    }
    cuts = ",".join(map(str, CUTOFFS))
    families = {"ndcg_cut": "ndcg", "recall": "recall", "map_cut": "map", "P": "precision", "success": "hit_rate"}
    by_query = pytrec_eval.RelevanceEvaluator(judged, {f"{name}.{cuts}" for name in families}).evaluate(run)
    for theirs, ours in families.items():
        for k in CUTOFFS:
            expected = np.mean([by_query.get(name, {}).get(f"{theirs}_{k}", 0.0) for name in data.query_ids])
            name = f"{ours}_at_{k}"
            assert found.mteb.get(name, found.metrics[name].value) == pytest.approx(expected, abs=1e-9), name


def test_scores_of_blocks():
    rng = np.random.default_rng(3)
    data, *_ = crowded(3, 6, 1500, 5, own_ids=True)
    # Documents without a score above 0 are not ranked, as with BM25.
    scores = rng.integers(0, 4, size=(6, 1500)).astype(np.float32)
    blocks = [ScoreBlock(slice(row, row + 1), np.where(scores > 0, scores, -np.inf)[row : row + 1]) for row in range(6)]
    found = score_blocks(data, blocks)
    expected = mteb_scores(scores, data.document_ids, data.query_ids, labels_of(data), ignore_identical_ids=True)
    for name in RETRIEVAL_METRICS:
        assert found.mteb.get(name, found.metrics[name].value) == pytest.approx(expected[name], abs=ROUNDED), name


def test_by_hand():
    # All three tie; MTEB ranks "c" first, then "b", "a": the relevant "b" is second.
    data = RetrievalData(["b", "a", "c"], ["1", "2", "3"], ["q"], ["4"], *np.array([[0], [0], [1]]))
    found = score_blocks(data, [ScoreBlock(slice(0, 1), np.ones((1, 3), dtype=np.float32))])
    assert found.mteb["mrr_at_10"] == 1 / 2
    assert found.metrics["mrr_at_10"].value == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert "recall_at_3" not in found.mteb


def test_ids_compare_as_text_not_as_numbers():
    # "9" comes after "10": MTEB ranks it first.
    data = RetrievalData(["10", "9"], ["1", "2"], ["q"], ["4"], *np.array([[0], [0], [1]]))
    found = score_blocks(data, [ScoreBlock(slice(0, 1), np.ones((1, 2), dtype=np.float32))])
    assert found.mteb["mrr_at_10"] == 1 / 2


def test_nothing_is_stored_without_ties():
    data, queries, documents = crowded(6, 5, 40, 4000)
    pair = vectors_of(queries), vectors_of(documents)
    found = dict(score_retrieval(data, *pair, [View(16), View(8)], "cosine", mteb=True))
    assert found[View(8)].mteb == {}
    assert all(name.startswith("nauc") for name in found[View(16)].mteb)
    ((_, plain),) = score_retrieval(data, *pair, [View(16)], "cosine")
    assert plain.mteb == {}


def in_order(scores, labels, key):
    """Every metric of one query with documents by falling score, then by rising `key`."""
    order = sorted(range(len(scores)), key=lambda row: (-scores[row], key(row)))
    ranked = [labels[row] for row in order]
    relevant = sum(1 for label in labels if label)
    hits = [rank for rank, label in enumerate(ranked, 1) if label]
    found = {}
    for k in CUTOFFS:
        within = [rank for rank in hits if rank <= k]
        dcg, best = (
            sum(label / np.log2(rank + 1) for rank, label in enumerate(row[:k], 1))
            for row in (ranked, sorted(labels, reverse=True))
        )
        found[f"ndcg_at_{k}"] = dcg / best if best else 0.0
        found[f"recall_at_{k}"] = len(within) / relevant if relevant else 0.0
        found[f"mrr_at_{k}"] = 1 / within[0] if within else 0.0
        found[f"map_at_{k}"] = sum(i / rank for i, rank in enumerate(within, 1)) / relevant if relevant else 0.0
        found[f"precision_at_{k}"] = len(within) / k
        found[f"hit_rate_at_{k}"] = float(bool(within))
    return found


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=9), st.randoms())
def test_both_values_lie_between_the_worst_and_the_best_order(documents, random):
    scores, labels = [score for score, _ in documents], [label for _, label in documents]
    places = list(range(len(documents)))
    random.shuffle(places)
    gains = np.array(labels)
    rows = np.flatnonzero(gains)
    block = ScoreBlock(slice(0, 1), np.array([scores], dtype=np.float32))
    zeros = np.zeros(len(rows), dtype=np.int64)
    ranks = rank_blocks([block], zeros, rows, retrieval.MAX_CUTOFF, id_places=np.array(places))
    expected = retrieval.score_queries(ranks, zeros, gains[rows], 1)
    as_mteb = retrieval.score_queries(strict(ranks, retrieval.MAX_CUTOFF), zeros, gains[rows], 1)
    best, worst = (in_order(scores, labels, key) for key in (lambda row: -labels[row], lambda row: labels[row]))
    by_id = in_order(scores, labels, lambda row: -places[row])
    for name in RETRIEVAL_METRICS:
        assert as_mteb[name][0] == pytest.approx(by_id[name], abs=1e-12)
        for value in (expected[name][0], as_mteb[name][0]):
            assert worst[name] - 1e-12 <= value <= best[name] + 1e-12, name


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=30))
def test_nauc_of_equal_confidences_is_that_of_mteb(queries):
    from mteb._evaluators.retrieval_metrics import nauc

    confidence, values = (np.array(column, dtype=np.float64) / 4 for column in zip(*queries, strict=True))
    items = {f"{family}_at_{k}": values for family in FAMILIES for k in CUTOFFS}
    found = naucs(dict.fromkeys(("max", "std", "diff1"), confidence), items)
    if np.ptp(values) == 0:
        assert found == {}
    else:
        assert len(found) == 105
        assert list(found.values()) == pytest.approx([nauc(confidence, values)] * 105, abs=1e-12)


def test_the_dot_product_of_pairs_is_mtebs_own_similarity():
    from scipy.stats import pearsonr, spearmanr

    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 30, 8)).astype(np.float32)
    gold = rng.normal(size=30)
    names = [str(row) for row in range(30)]
    data = PairData(names, names, names, gold)
    products = (first * second).sum(axis=1)
    found = score_pairs(data, first, second, View(8), "dot").mteb
    assert found["pearson"] == pytest.approx(pearsonr(products, gold).statistic, abs=1e-6)
    assert found["spearman"] == pytest.approx(spearmanr(products, gold).statistic, abs=1e-12)
    assert score_pairs(data, first, second, View(8), "cosine").mteb == {}


def test_a_score_beyond_float32_of_no_relevant_document_costs_nauc_alone():
    data = RetrievalData(["a", "b"], ["1", "2"], ["q", "r"], ["3", "4"], *np.array([[0, 1], [0, 0], [1, 1]]))
    documents = np.array([[1, 0], [3e38, 3e38]], dtype=np.float32)
    queries = np.array([[1, 0], [0, 3e38]], dtype=np.float32)
    ((_, found),) = score_retrieval(data, vectors_of(queries), vectors_of(documents), [View(2)], "dot", mteb=True)
    assert found.metrics["mrr_at_10"].value == 0.5
    assert found.mteb == {}
