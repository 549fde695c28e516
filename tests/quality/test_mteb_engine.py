"""Every type of task through bench and through mteb itself with a plain SentenceTransformer: the same scores."""

import copy
import random

import numpy as np
import pytest
from mteb_folders import OWN_SCORING, TASKS, classification, load, retrieval, vectors_of
from support import FakeEncoder

from bench.errors import BenchError
from bench.metrics import RETRIEVAL_METRICS
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.mteb_import import contained, import_mteb
from bench.quality.evaluate import score_pairs, score_retrieval
from bench.quality.mteb_engine import StoredEncoder, score_mteb
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import MtebData, arrow_cache, load_mteb
from bench.vectors.encode import TextGroup, encode_missing
from bench.vectors.quantise import fit
from bench.vectors.store import VectorSpace, text_keys
from bench.views import View

PLAIN = TextContext()
# mteb rounds the scores of rankings to 5 decimals.
CLOSE = 1.5e-5
ENGINE_TASKS = sorted(set(TASKS) - set(OWN_SCORING))


@pytest.fixture(autouse=True)
def _small_clusterings(monkeypatch):
    """Clusterings take 4% of the texts and draw 16,384 of those ten times; here all of them, and draw 100."""
    import_mteb()
    from mteb.abstasks.clustering import AbsTaskClustering
    from threadpoolctl import threadpool_limits

    monkeypatch.setattr(AbsTaskClustering, "max_fraction_of_documents_to_embed", None)
    monkeypatch.setattr(AbsTaskClustering, "max_documents_per_cluster", 100)
    # Threads that wait for each other make these small fits a thousand times slower on a busy machine.
    with threadpool_limits(limits=1):
        yield


class Store:
    """Vectors of a real model through bench's own loader and store, with the texts that were encoded."""

    def __init__(self, folder, model):
        self.encoder = load_encoder(ModelEntry(name="tiny", source=[str(model)]), Located(model, str(model), "folder"))
        self.space = VectorSpace(folder, "space")
        self.encoded = []
        embed = self.encoder.embed
        self.encoder.embed = lambda texts, context: self.encoded.extend(texts) or embed(texts, context)

    def vectors(self, texts):
        encode_missing(self.space, self.encoder, [TextGroup(list(texts), PLAIN)], batch_size=16)
        return self.space.vectors(text_keys(list(texts), PLAIN))

    def __call__(self, texts, role):
        return self.vectors(texts).all()


def plain_mteb(name, folder, model, tmp_path):
    """What mteb says of a fresh task and a plain SentenceTransformer; its cache mixes up models and data: none."""
    from sentence_transformers import SentenceTransformer

    mteb = import_mteb()
    with contained(), arrow_cache(tmp_path / "arrow"):
        task = mteb.get_task(name, hf_subsets=[TASKS[name][1]], eval_splits=["test"])
        source = {**task.metadata.dataset, "path": str(folder), "revision": "1"}
        task.metadata = task.metadata.model_copy(update={"dataset": source})
        encoder = SentenceTransformer(str(model), device="cpu")
        result = mteb.evaluate(encoder, task, cache=None, co2_tracker=False, show_progress_bar=False)
    (scores,) = result.task_results[0].scores["test"]
    return scores


@pytest.mark.parametrize("name", ENGINE_TASKS)
def test_every_type_scores_as_mteb_does(name, tmp_path, tiny_model):
    data = load(name, tmp_path / "hub")
    expected = plain_mteb(name, tmp_path / "hub", tiny_model, tmp_path)
    ((view, found),) = score_mteb(data, Store(tmp_path / "store", tiny_model), [View(32)], "cosine")
    main = data.definition.main_metric

    assert isinstance(data, MtebData)
    assert view == View(32)
    assert 0.01 < abs(expected[main]) < 1
    numbers = {key: value for key, value in expected.items() if isinstance(value, float) and not np.isnan(value)}
    # Abstention scores rank queries by confidence, where a rounding error of float32 may swap two.
    numbers = {key: value for key, value in numbers.items() if "nauc" not in key and key != "main_score"}
    assert main in numbers
    for key, value in numbers.items():
        assert found.metrics[key].value == pytest.approx(value, abs=CLOSE), key


@pytest.mark.parametrize("name", OWN_SCORING)
def test_plain_retrieval_and_sts_score_as_mteb_does(name, tmp_path, tiny_model):
    data = load(name, tmp_path / "hub")
    expected = plain_mteb(name, tmp_path / "hub", tiny_model, tmp_path)
    store = Store(tmp_path / "store", tiny_model)
    if isinstance(data, RetrievalData):
        queries, documents = store.vectors(data.queries), store.vectors(data.documents)
        ((_, scores),) = score_retrieval(data, queries, documents, [View(32)], "cosine")
        found, names = scores.metrics, RETRIEVAL_METRICS
    else:
        assert isinstance(data, PairData)
        first, second = store(data.sentences1, "text"), store(data.sentences2, "text")
        found = score_pairs(data, first, second, View(32), "cosine").metrics
        names = found
    for key in names:
        assert found[key].value == pytest.approx(expected[key], abs=CLOSE), key


@pytest.mark.parametrize("name", ENGINE_TASKS)
def test_a_sweep_of_views_encodes_each_text_once(name, tmp_path, tiny_model):
    store = Store(tmp_path / "store", tiny_model)
    views = [View(dim) for dim in (32, 24, 16, 8)] + [View(32, "int8"), View(16, "binary"), View(8, "float16")]
    results = dict(score_mteb(load(name, tmp_path / "hub"), store, views, "cosine"))
    assert list(results) == views
    assert store.encoded
    assert len(store.encoded) == len(set(store.encoded))
    main = definition(name).main_metric
    assert len({results[View(dim)].metrics[main].value for dim in (32, 24, 16, 8)}) > 1


@pytest.mark.parametrize("name", ["Banking77Classification", "TwentyNewsgroupsClustering.v2", "AskUbuntuDupQuestions"])
def test_a_view_scores_as_a_model_of_that_width_would(name, tmp_path):
    """A cut view equals full vectors that were cut and normalised before mteb saw them."""
    data, encoder = load(name, tmp_path / "hub"), FakeEncoder(32)

    def short(texts, role):
        leading = np.stack([encoder.vector(text) for text in texts])[:, :8]
        return (leading / np.linalg.norm(leading, axis=1, keepdims=True)).astype(np.float32)

    ((_, expected),) = score_mteb(data, short, [View(8)], "cosine")
    ((_, found),) = score_mteb(data, vectors_of(encoder), [View(8)], "cosine")
    assert {key: value.value for key, value in found.metrics.items()} == pytest.approx(
        {key: value.value for key, value in expected.metrics.items()}, abs=1e-6
    )


@pytest.mark.parametrize("name", ENGINE_TASKS)
def test_two_runs_give_the_same_numbers(name, tmp_path):
    """Clustering and classification draw samples: mteb's own second evaluation of a task gives other numbers."""
    data, encoder = load(name, tmp_path / "hub"), FakeEncoder(16)
    before = data.fingerprint()
    random.seed(7)
    np.random.seed(7)
    state, numpy_state = random.getstate(), np.random.get_state()
    views = [View(16), View(8), View(16, "int8")]
    once = list(score_mteb(data, vectors_of(encoder), views, "cosine"))
    again = list(score_mteb(data, vectors_of(encoder), views[::-1], "cosine"))[::-1]
    for (view, first), (_, second) in zip(once, again, strict=True):
        assert first.metrics == second.metrics, view
    assert data.fingerprint() == before
    assert random.getstate() == state
    assert all(np.array_equal(a, b) for a, b in zip(numpy_state, np.random.get_state(), strict=True))


def test_mtebs_second_evaluation_of_one_task_differs(tmp_path):
    """Otherwise the test above would show nothing."""
    data, encoder = load("TwentyNewsgroupsClustering.v2", tmp_path / "hub"), FakeEncoder(16)
    task = copy.copy(data.task)
    task.rng_state = copy.deepcopy(task.rng_state)
    with contained():
        model = StoredEncoder(vectors_of(encoder), "cosine")
        first, second = (task.evaluate(model, "test", encode_kwargs={})["default"]["v_measure"] for _ in range(2))
    assert first != second


def test_experiments_are_items_with_an_interval_of_their_mean(tmp_path):
    data, encoder = load("Banking77Classification", tmp_path / "hub"), FakeEncoder(16)
    ((_, found),) = score_mteb(data, vectors_of(encoder), [View(16)], "cosine")
    accuracies = found.items["accuracy"]
    assert found.ids == [f"experiment-{number}" for number in range(10)]
    assert found.metrics["accuracy"].value == pytest.approx(accuracies.mean())
    half = 1.96 * accuracies.std() / np.sqrt(10)
    assert found.metrics["accuracy"].ci_low == pytest.approx(accuracies.mean() - half, abs=half / 2)
    assert found.metrics["accuracy"].ci_high == pytest.approx(accuracies.mean() + half, abs=half / 2)


def test_a_task_that_is_scored_as_a_whole_has_one_item_and_no_interval(tmp_path):
    data, encoder = load("SprintDuplicateQuestions", tmp_path / "hub"), FakeEncoder(16)
    ((_, found),) = score_mteb(data, vectors_of(encoder), [View(16)], "cosine")
    assert (found.ids, list(found.items)) == (["all"], ["max_ap"])
    assert found.metrics["max_ap"].ci_low is None


def test_rankings_have_a_score_for_every_query(tmp_path):
    """The mean of the queries' scores is mteb's; a query whose labels are all 0 counts, one without labels does not."""
    data, encoder = load("AskUbuntuDupQuestions", tmp_path / "hub"), FakeEncoder(16)
    ((_, found),) = score_mteb(data, vectors_of(encoder), [View(16)], "cosine")
    assert (data.n, len(found.ids)) == (13, 13)
    assert "unjudged" not in found.ids
    assert found.items["map_at_1000"][found.ids.index("q-v1-zero")] == 0
    assert found.metrics["map_at_1000"].value == pytest.approx(found.items["map_at_1000"].mean())
    assert found.metrics["map_at_1000"].ci_low < found.metrics["map_at_1000"].value


def test_int8_ranges_come_from_the_documents_once(tmp_path):
    """Whatever the batches are, codes are those of a quantiser fitted on all documents."""
    data, encoder = load("AskUbuntuDupQuestions", tmp_path / "hub"), FakeEncoder(16)
    corpus = data.task.dataset["default"]["test"]["corpus"]
    documents = [f"{row['title']} {row['text']}".strip() for row in corpus]
    quantiser = fit(View(8, "int8"), "cosine", [vectors_of(encoder)(documents, "document")])
    whole = StoredEncoder(vectors_of(encoder), "cosine")
    for batch in (documents[:7], documents[7:]):
        whole.encode([{"text": batch}], prompt_type=_prompt("document"))
    whole.encode([{"text": ["a query beyond the range"]}], prompt_type=_prompt("query"))
    learnt = fit(View(8, "int8"), "cosine", whole.ranges_from())
    assert np.array_equal(learnt.ranges.low, quantiser.ranges.low)
    assert np.array_equal(learnt.ranges.high, quantiser.ranges.high)

    view = StoredEncoder(vectors_of(encoder), "cosine", learnt)
    expected = quantiser.values(quantiser.codes(vectors_of(encoder)(documents, "document")))
    apart = [view.encode([{"text": [text]}], prompt_type=_prompt("document"))[0] for text in documents]
    assert np.array_equal(np.stack(apart), expected)


def test_without_documents_all_texts_give_the_ranges():
    encoder = FakeEncoder(4)
    whole = StoredEncoder(vectors_of(encoder), "cosine")
    whole.encode([{"text": ["a", "b"]}])
    whole.encode([{"text": ["c"]}, {"text": ["a"]}])
    assert np.concatenate(list(whole.ranges_from())).tolist() == [encoder.vector(text).tolist() for text in "abc"]


def test_similarity_is_the_models(tmp_path):
    a, b = np.array([[3.0, 4.0]], dtype=np.float32), np.array([[0.0, 2.0], [1.0, 0.0]], dtype=np.float32)
    cosine, dot = StoredEncoder(None, "cosine"), StoredEncoder(None, "dot")
    # (3, 4) has length 5: cosines 4/5 and 3/5, products 8 and 3.
    assert cosine.similarity(a, b).tolist() == [pytest.approx([0.8, 0.6])]
    assert dot.similarity(a, b).tolist() == [pytest.approx([8.0, 3.0])]
    assert cosine.similarity_pairwise(a, b[:1]).tolist() == pytest.approx([0.8])
    assert dot.similarity_pairwise(a, b[:1]).tolist() == pytest.approx([8.0])


def test_a_view_that_cannot_be_scored_leaves_the_others(tmp_path):
    data, encoder = load("Banking77Classification", tmp_path / "hub"), FakeEncoder(16)

    def huge(texts, role):
        return vectors_of(encoder)(texts, role) * np.float32(1e6)

    found = dict(score_mteb(data, huge, [View(16, "float16"), View(16)], "dot"))
    assert "float16" in str(found[View(16, "float16")])
    assert found[View(16)].metrics["accuracy"].value > 0


def test_texts_that_cannot_be_encoded_stop_the_task(tmp_path):
    def broken(texts, role):
        raise BenchError("no such model")

    data = load_mteb(definition("Banking77Classification"), classification(tmp_path / "hub"), "test", "default")
    with pytest.raises(BenchError, match="no such model"):
        list(score_mteb(data, broken, [View(16)], "cosine"))


def test_an_error_inside_mteb_names_the_task(tmp_path):
    def broken(texts, role):
        return np.full((len(texts), 4), np.nan, dtype=np.float32)

    data = load_mteb(definition("Banking77Classification"), classification(tmp_path / "hub"), "test", "default")
    with pytest.raises(BenchError, match="mteb cannot score it: ValueError") as caught:
        list(score_mteb(data, broken, [View(4)], "cosine"))
    assert "Banking77Classification" in caught.value.where


def test_renamed_documents_keep_their_scores(tmp_path):
    """Binary scores of 16 dimensions tie all the time, and mteb breaks ties by document id."""
    encoder, found = FakeEncoder(16), []
    for folder, name in (("one", "d{}".format), ("other", lambda row: f"d{1000 - row}")):
        hub = retrieval(tmp_path / folder, candidates=20, name=name)
        data = load_mteb(definition("AskUbuntuDupQuestions"), hub, "test", "default")
        found += [scores for _, scores in score_mteb(data, vectors_of(encoder), [View(16, "binary")], "cosine")]
    ties = ("map", "mrr", "ndcg", "recall", "precision", "hit_rate", "accuracy")
    for key, value in found[0].metrics.items():
        if key.startswith(ties):
            assert value.value == pytest.approx(found[1].metrics[key].value), key


def _prompt(role):
    import_mteb()
    from mteb.types import PromptType

    return PromptType(role)
