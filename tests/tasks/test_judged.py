"""Judgements of documents and queries that are not there, and other oddities of published data sets."""

import json

import numpy as np
import pytest
from mteb_folders import retrieval as retrieval_hub
from mteb_scores import mteb_scores
from support import write_jsonl

from bench.cli import run_cli
from bench.errors import BenchError
from bench.metrics import RETRIEVAL_METRICS
from bench.quality.evaluate import score_retrieval
from bench.quality.ranker import score_all
from bench.quality.reranking import RECALL, score_reranked
from bench.quality.shortlists import Judged
from bench.tasks.beir import read_beir
from bench.tasks.card import TaskCard
from bench.tasks.data import RetrievalData
from bench.tasks.judged import make_judged
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import load_mteb
from bench.tasks.readers.files import local_files
from bench.tasks.tables.read import read_table
from bench.tasks.tolerance import Tolerance
from bench.vectors.quantise import Quantiser
from bench.vectors.store import Vectors
from bench.views import View

QUERIES, DOCUMENTS = 40, 60


def judged(*, documents=(), queries=(), gains=None):
    """Graded judgements of 40 queries, of a corpus that lacks some documents; each is relevant to two queries."""
    texts = {f"d{row}": f"text {row}" for row in range(DOCUMENTS)}
    asked = {f"q{row}": f"question {row}" for row in range(QUERIES)}
    labels = {
        (query, f"d{(3 * row + step) % DOCUMENTS}"): label
        for row, query in enumerate(asked)
        for step, label in ((0, 1), (1, 2), (2, 3), (30, 0))
    }
    for name in documents:
        del texts[name]
    for name in queries:
        del asked[name]
    return texts, asked, labels | (gains or {})


def make(texts, asked, labels, *, strict=False, **options):
    return make_judged(texts, asked, labels, "qrels/test.tsv", Tolerance(strict), **options)


def vectors_of(matrix):
    return Vectors([matrix], np.arange(len(matrix)), matrix.shape[1])


def assert_as_mteb(data, labels):
    """The same vectors through mteb, whose qrels name documents and queries that there are not."""
    rng = np.random.default_rng(1)
    queries = rng.normal(size=(data.n, 8)).astype(np.float32)
    documents = rng.normal(size=(len(data.documents), 8)).astype(np.float32)
    ((_, found),) = score_retrieval(data, vectors_of(queries), vectors_of(documents), [View(8)], "cosine", mteb=True)
    comparable = Quantiser(View(8), "cosine").comparable
    by_query = {}
    for (query, document), label in labels.items():
        by_query.setdefault(query, {})[document] = label
    scores = score_all(comparable(queries), comparable(documents))
    expected = mteb_scores(scores, data.document_ids, data.query_ids, by_query)
    for name in RETRIEVAL_METRICS:
        assert found.metrics[name].value == pytest.approx(expected[name], abs=5.1e-6), name
    return found


def test_missing_documents_and_queries_score_as_in_mteb():
    texts, asked, labels = judged(documents=["d3", "d17"], queries=["q0", "q9"])
    data = make(texts, asked, labels)
    assert (data.n, len(data.documents)) == (QUERIES - 2, DOCUMENTS - 2)
    found = assert_as_mteb(data, labels)
    # They make a difference: without them the ideal ranking is another.
    without = {pair: label for pair, label in labels.items() if pair[1] in texts and pair[0] in asked}
    assert found.metrics != assert_as_mteb(make(texts, asked, without), without).metrics
    queries, documents = data.notes
    assert queries == "2 of 40 judged queries are not in queries.jsonl: they are left out, as in MTEB"
    assert documents.startswith("2 of 60 judged documents are not in corpus.jsonl: they are never found, as in MTEB")
    assert documents.endswith("; 4 of 120 positive judgements are of them and stay in the ideal ranking")


def test_a_query_whose_relevant_documents_are_all_missing_scores_0():
    texts, asked, labels = judged()
    labels = {pair: label for pair, label in labels.items() if pair[0] != "q1"} | {("q1", "gone"): 2}
    data = make(texts, asked, labels)
    found = assert_as_mteb(data, labels)
    assert found.items["ndcg_at_1000"][data.query_ids.index("q1")] == 0
    # It has a relevant document, though it cannot be found.
    assert not any("no relevant document" in note for note in data.notes)


@pytest.mark.parametrize("kind", ["documents", "queries"])
def test_five_percent_are_tolerated_and_no_more(kind):
    files = {"documents": "corpus.jsonl", "queries": "queries.jsonl"}
    count, letter = {"documents": (DOCUMENTS, "d"), "queries": (QUERIES, "q")}[kind]
    most = count // 20
    data = make(*judged(**{kind: [f"{letter}{row}" for row in range(most)]}))
    assert any(note.startswith(f"{most} of {count} judged {kind} are not in {files[kind]}") for note in data.notes)
    with pytest.raises(BenchError, match=f"{most + 1} of {count} judged {kind} are not in {files[kind]}") as caught:
        make(*judged(**{kind: [f"{letter}{row}" for row in range(most + 1)]}))
    assert caught.value.where == "qrels/test.tsv"
    assert "more than 5%" in caught.value.hint


def test_the_share_of_relevant_documents_counts_too():
    # 10 of 1,070 judged documents are missing, but 10 of 130 relevant ones.
    texts, asked, labels = judged(gains={("q0", f"gone{row}"): 1 for row in range(10)})
    texts |= {f"e{row}": "e" for row in range(1000)}
    labels |= {("q1", f"e{row}"): 0 for row in range(1000)}
    with pytest.raises(BenchError, match="10 of 1,070 judged documents"):
        make(texts, asked, labels)


def test_missing_documents_that_are_not_relevant_change_nothing():
    texts, asked, labels = judged(gains={("q0", "gone"): 0})
    data = make(texts, asked, labels)
    assert "0 of 120 positive judgements" in data.notes[0]
    assert data.fingerprint() == make(*judged()).fingerprint()
    assert data.irrelevant == make(*judged()).irrelevant + 1


@pytest.mark.parametrize("missing", [{"documents": ["d3"]}, {"queries": ["q0"]}])
def test_strict_refuses_a_single_one(missing):
    with pytest.raises(BenchError, match="1 of") as caught:
        make(*judged(**missing), strict=True)
    assert "`strict: true` in the card allows none" in caught.value.hint
    make(*judged(), strict=True)


def test_missing_documents_are_part_of_the_datas_identity():
    texts, asked, labels = judged()
    whole = make(texts, asked, labels).fingerprint()
    prints = {make(texts, asked, labels | {("q0", "gone"): label, ("q1", "lost"): 1}).fingerprint() for label in (1, 2)}
    assert len(prints | {whole}) == 3
    # By label, whatever they are called and in whatever order.
    assert make(texts, asked, {("q1", "x"): 1, ("q0", "y"): 2} | labels).fingerprint() in prints


def beir(folder, texts, asked, labels):
    write_jsonl(folder / "corpus.jsonl", [{"_id": name, "text": text} for name, text in texts.items()])
    write_jsonl(folder / "queries.jsonl", [{"_id": name, "text": text} for name, text in asked.items()])
    (folder / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", *(f"{q}\t{d}\t{label}" for (q, d), label in labels.items())]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_beir_folder(tmp_path):
    texts, asked, labels = judged(documents=["d3", "d17"], queries=["q0"])
    data = read_beir(beir(tmp_path / "task", texts, asked, labels), "test")
    assert data.fingerprint() == make(texts, asked, labels).fingerprint()
    assert data.notes == make(texts, asked, labels).notes
    with pytest.raises(BenchError, match="1 of 40 judged queries") as caught:
        read_beir(tmp_path / "task", "test", strict=True)
    assert caught.value.where == str(tmp_path / "task" / "qrels" / "test.tsv")


def test_the_layout_of_the_hub(tmp_path):
    hub = retrieval_hub(tmp_path / "hub")
    path = hub / "default" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0]["score"] > 0
    write_jsonl(path, [rows[0] | {"corpus-id": "gone"}, *rows[1:]])
    data = load_mteb(definition("SciFact"), hub, "test", "default")
    assert isinstance(data, RetrievalData)
    (note,) = [note for note in data.notes if "judged documents are not in corpus" in note]
    assert note.startswith("1 of ")
    rows[0]["corpus-id"] = "gone"
    assert_as_mteb(data, {(row["query-id"], row["corpus-id"]): row["score"] for row in rows})
    with pytest.raises(BenchError, match=r"not in corpus.*: `gone`"):
        load_mteb(definition("SciFact"), hub, "test", "default", strict=True)


def table_of(folder, texts, asked, labels, *, roles, strict=False, **more):
    """Judgements as the rows of a table, whose texts of one side are in a second file."""
    own, other = ("query", "document") if roles == "documents" else ("document", "query")
    sides = {"query": (asked, 0), "document": (texts, 1)}
    rows = [
        {"qid": pair[0], "did": pair[1], "relevance": label, own: sides[own][0][pair[sides[own][1]]]}
        for pair, label in labels.items()
    ]
    write_jsonl(folder / "test.jsonl", rows)
    key = {"documents": "did", "queries": "qid"}[roles]
    write_jsonl(folder / "texts.jsonl", [{key: name, other: text} for name, text in sides[other][0].items()])
    table = {
        "shape": "relevance",
        "files": {"test": "test.jsonl"},
        "columns": {"query_id": "qid", "document_id": "did"},
        "join": {"files": "texts.jsonl", "on": key},
    }
    card = TaskCard.model_validate({"name": "x", "type": "retrieval", "strict": strict, "table": table | more})
    return read_table(local_files(folder), card, "test")


def test_a_table_whose_second_file_lacks_documents(tmp_path):
    texts, asked, labels = judged(documents=["d3", "d17"])
    data = table_of(tmp_path, texts, asked, labels, roles="documents")
    assert data.fingerprint() == make(texts, asked, labels).fingerprint()
    (note,) = [note for note in data.notes if "judged documents" in note]
    assert note.startswith(
        "2 of 60 judged documents are not in texts.jsonl: they are never found, as in MTEB; 4 of 120"
    )
    assert_as_mteb(data, labels)
    with pytest.raises(BenchError, match=r"2 of 60 judged documents are not in texts\.jsonl: `d3`, `d17`"):
        table_of(tmp_path, texts, asked, labels, roles="documents", strict=True)
    with pytest.raises(BenchError, match=r"4 of 60 judged documents are not in texts\.jsonl"):
        table_of(tmp_path, *judged(documents=["d1", "d2", "d3", "d4"]), roles="documents")


def test_a_table_whose_second_file_lacks_queries(tmp_path):
    texts, asked, labels = judged(queries=["q0", "q9"])
    data = table_of(tmp_path, texts, asked, labels, roles="queries")
    assert (data.n, len(data.documents)) == (38, 60)
    assert "2 of 40 judged queries are not in texts.jsonl: they are left out, as in MTEB" in data.notes
    assert_as_mteb(data, labels)


def test_a_table_whose_second_file_lacks_a_label(tmp_path):
    texts, asked, labels = judged()
    write_jsonl(
        tmp_path / "test.jsonl", [{"query": asked[q], "document": texts[d], "key": f"{q}-{d}"} for q, d in labels]
    )
    write_jsonl(tmp_path / "labels.jsonl", [{"key": "q0-d0", "relevance": 1}])
    table = {"shape": "relevance", "files": {"test": "test.jsonl"}, "join": {"files": "labels.jsonl", "on": "key"}}
    card = TaskCard.model_validate({"name": "x", "type": "retrieval", "table": table})
    with pytest.raises(BenchError, match=r"key `q0-d1` is not in .*labels\.jsonl"):
        read_table(local_files(tmp_path), card, "test")


def test_shortlists_keep_missing_documents_in_the_ideal_ranking():
    texts, asked, labels = judged(documents=["d3", "d17"])
    data = make(texts, asked, labels)
    rng = np.random.default_rng(2)
    queries, documents = (rng.normal(size=(n, 8)).astype(np.float32) for n in (data.n, len(data.documents)))
    numbers = (np.arange(n, dtype=np.uint64) for n in (data.n, len(data.documents)))
    none = np.empty(0, dtype=np.int64)
    pairs = Judged(
        *numbers, data.pair_queries, data.pair_documents, data.pair_gains, none, none, data.lacking_queries,
        data.lacking_gains,
    )  # fmt: skip
    metrics = ["ndcg_at_10", "recall_at_10", "map_at_10"]
    vectors = vectors_of(queries), vectors_of(documents)
    ((_, whole),) = score_retrieval(data, *vectors, [View(8)], "cosine")
    # A list of all documents ranked again is the whole ranking.
    ((_, found),) = score_reranked(pairs, *vectors, [View(4)], "cosine", [len(data.documents)], metrics)
    for name in metrics:
        np.testing.assert_allclose(found[name][0], whole.items[name], atol=1e-12)
    share = 1 - np.bincount(data.lacking_queries, minlength=data.n) / 3
    np.testing.assert_allclose(found[RECALL][0], share)


def test_texts_that_are_empty_are_encoded_and_counted(tmp_path):
    texts, asked, labels = judged()
    folder = beir(tmp_path / "task", texts | {"d7": "", "d8": " "}, asked, labels)
    data = read_beir(folder, "test")
    assert data.documents[7:9] == ["", ""]
    assert data.notes == ["2 of 60 documents have an empty text: they are encoded as they are, as in MTEB"]
    with pytest.raises(BenchError, match="2 of 60 documents have an empty text: `d7`, `d8`") as caught:
        read_beir(folder, "test", strict=True)
    assert caught.value.where == f"{folder / 'corpus.jsonl'}, line 8"
    assert read_beir(folder, "test", strict=True, allow_empty=True).notes == []


def test_ids_that_are_repeated_with_their_text_are_one_document(tmp_path):
    texts, asked, labels = judged()
    folder = beir(tmp_path / "task", texts, asked, labels)
    with (folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "d5", "text": "text 5"}) + "\n")
    data = read_beir(folder, "test")
    assert data.fingerprint() == make(texts, asked, labels).fingerprint()
    assert data.notes == ["1 of 60 document ids are repeated with the same text: each is one, as in MTEB"]


def test_of_two_labels_of_one_pair_the_last_counts(tmp_path):
    texts, asked, labels = judged()
    folder = beir(tmp_path / "task", texts, asked, labels)
    pair = next(iter(labels))
    with (folder / "qrels" / "test.tsv").open("a") as file:
        # The first pair again with its own label, then with another.
        file.write(f"{pair[0]}\t{pair[1]}\t{labels[pair]}\n{pair[0]}\t{pair[1]}\t9\n")
    data = read_beir(folder, "test")
    assert data.fingerprint() == make(texts, asked, labels | {pair: 9}).fingerprint()
    (note,) = data.notes
    assert "1 of 160 pairs of query and document have two different labels: the last one counts" in note


def test_queries_that_are_documents_are_pointed_out():
    texts, asked, labels = judged()
    asked |= {"d1": "text 1", "d2": "another text"}
    texts |= {"d1": "A title text 1"}
    labels |= {("d1", "d4"): 1, ("d2", "d4"): 1}
    (note,) = make(texts, asked, labels).notes
    assert note.startswith("1 of 42 queries are documents of the corpus under the same id")
    assert make(texts, asked, labels, ignore_identical_ids=True).notes == []
    assert make(texts, asked, labels, advise=False).notes == []


def test_the_note_is_in_the_plan_the_record_and_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    beir(tmp_path / "tasks" / "shop", *judged(documents=["d3"]))
    (tmp_path / "models.yaml").write_text("models: [{name: bm25, kind: baseline, source: bm25s}]\n")
    note = "1 of 60 judged documents are not in corpus.jsonl: they are never found, as in MTEB"
    assert run_cli(["run", "--tasks", "tasks/shop", "--no-cost"]) == 0
    assert note in " ".join(capsys.readouterr().out.split())
    (record,) = (json.loads(path.read_text()) for path in tmp_path.glob("results/quality/shop/*.json"))
    assert any(note in found for found in record["task"]["notes"])
    assert run_cli(["report"]) == 0
    assert note in (tmp_path / "reports" / "tasks" / "shop.md").read_text()
