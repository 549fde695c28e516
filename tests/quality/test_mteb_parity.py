"""The same data and model through mteb itself and through bench: the same scores."""

import numpy as np
import pytest
from support import WORDS, write_jsonl, write_pairs

from bench.metrics import PAIR_METRICS, RETRIEVAL_METRICS
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.quality.evaluate import score_pairs, score_retrieval
from bench.tasks.beir import read_beir
from bench.tasks.pairs import read_pairs
from bench.vectors.encode import TextGroup, encode_missing
from bench.vectors.store import VectorSpace, text_keys
from bench.views import View

PLAIN = TextContext()
# mteb rounds retrieval scores to 5 decimals.
CLOSE = 1.5e-5


def metadata(name, kind, main_score):
    from mteb.abstasks.task_metadata import TaskMetadata

    return TaskMetadata(
        name=name, description="local", type=kind, category="t2t", modalities=["text"], main_score=main_score,
        dataset={"path": "local/data", "revision": "1"}, eval_splits=["test"], eval_langs=["eng-Latn"],
    )  # fmt: skip


def mteb_scores(task, model):
    """What mteb says; its cache mixes up models and data, so it gets none."""
    import mteb
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(model), device="cpu")
    result = mteb.evaluate(encoder, task, cache=None, co2_tracker=False, show_progress_bar=False)
    (scores,) = result.task_results[0].scores["test"]
    return scores


def mteb_retrieval(corpus, queries, labels, model, *, ignore_identical_ids):
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval

    class LocalRetrieval(AbsTaskRetrieval):
        pass

    LocalRetrieval.metadata = metadata("LocalRetrieval", "Retrieval", "ndcg_at_10")
    LocalRetrieval.ignore_identical_ids = ignore_identical_ids
    task = LocalRetrieval()
    relevant = {}
    for query, document, label in labels:
        relevant.setdefault(query, {})[document] = label
    task.dataset = {
        "default": {
            "test": {
                "corpus": Dataset.from_list([{"id": row["_id"], **row} for row in corpus]).remove_columns("_id"),
                "queries": Dataset.from_list([{"id": row["_id"], "text": row["text"]} for row in queries]),
                "relevant_docs": relevant,
                "top_ranked": None,
            }
        }
    }
    task.data_loaded = True
    return mteb_scores(task, model)


def mteb_sts(pairs, model):
    from datasets import Dataset
    from mteb.abstasks.sts import AbsTaskSTS

    class LocalSTS(AbsTaskSTS):
        pass

    LocalSTS.metadata = metadata("LocalSTS", "STS", "cosine_spearman")
    task = LocalSTS()
    columns = {"sentence1": pairs.sentences1, "sentence2": pairs.sentences2, "score": pairs.gold}
    task.dataset = {"test": Dataset.from_dict(columns)}
    task.data_loaded = True
    return mteb_scores(task, model)


def bench_vectors(folder, model, *texts):
    """Vectors of lists of texts, through bench's own loader and store."""
    entry = ModelEntry(name="tiny", source=[str(model)])
    encoder = load_encoder(entry, Located(model, str(model), "folder"))
    space = VectorSpace(folder, "space")
    encode_missing(space, encoder, [TextGroup(part, PLAIN) for part in texts], batch_size=16)
    return [space.vectors(text_keys(part, PLAIN)) for part in texts]


def local_task(folder):
    """Titled documents, graded labels, a query that has a document's id, and one with labels of 0 alone."""
    rng = np.random.default_rng(0)

    def words(low, high):
        return " ".join(rng.choice(WORDS, rng.integers(low, high)))

    # Every second document has a title; numbers keep the texts, and so the scores, apart.
    corpus = [
        {"_id": f"d{i}", "title": f"{words(1, 4)} {i}" if i % 2 else "", "text": words(4, 20)} for i in range(130)
    ]
    for i, row in enumerate(corpus):
        row["text"] += f" {i}"
    chosen = [rng.choice(np.arange(6, 130), 9, replace=False) for _ in range(20)]
    # Each query holds the text of its first document, so that some documents are found early.
    queries = [{"_id": f"q{i}", "text": f"{words(2, 12)} {corpus[rows[0]]['text']}"} for i, rows in enumerate(chosen)]
    queries[0] = {"_id": "d5", "text": f"{corpus[5]['title']} {corpus[5]['text']}"}
    labels = [
        (query["_id"], f"d{row}", label)
        for query, rows in zip(queries[:-1], chosen[:-1], strict=True)
        for row, label in zip(rows, [1, 2, 3, 2, 1, 1, 1, 0, 0], strict=True)
    ]
    labels += [("d5", "d5", 2), (queries[-1]["_id"], "d7", 0)]
    write_jsonl(folder / "corpus.jsonl", corpus)
    write_jsonl(folder / "queries.jsonl", queries)
    (folder / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in labels)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return corpus, queries, labels


@pytest.mark.parametrize("ignore", [False, True])
def test_retrieval_scores_equal_mteb(tmp_path, tiny_model, ignore):
    corpus, queries, labels = local_task(tmp_path / "task")
    expected = mteb_retrieval(corpus, queries, labels, tiny_model, ignore_identical_ids=ignore)

    data = read_beir(tmp_path / "task", "test", ignore_identical_ids=ignore)
    vectors = bench_vectors(tmp_path / "store", tiny_model, data.queries, data.documents)
    ((_, scores),) = score_retrieval(data, *vectors, [View(32)], "cosine")
    found = scores.metrics

    # The query d5 is the text of document d5: first, unless it is left out.
    assert len(data.query_ids) == 20
    for name in RETRIEVAL_METRICS:
        assert found[name].value == pytest.approx(expected[name], abs=CLOSE), name
    assert 0 < expected["ndcg_at_1"] < 1
    assert 0 < expected["recall_at_100"] < 1


def test_leaving_identical_ids_out_changes_mtebs_score(tmp_path, tiny_model):
    # Otherwise the test above would compare the same thing twice.
    task = local_task(tmp_path / "task")
    kept, left_out = (mteb_retrieval(*task, tiny_model, ignore_identical_ids=ignore) for ignore in (False, True))
    assert kept["hit_rate_at_1"] > left_out["hit_rate_at_1"]


def test_sts_scores_equal_mteb(tmp_path, tiny_model):
    data = read_pairs(write_pairs(tmp_path / "pairs.jsonl", count=80))
    expected = mteb_sts(data, tiny_model)
    first, second = bench_vectors(tmp_path / "store", tiny_model, data.sentences1, data.sentences2)
    found = score_pairs(data, first.all(), second.all(), View(32), "cosine").metrics
    for name in PAIR_METRICS:
        assert found[name].value == pytest.approx(expected[name], abs=CLOSE), name
