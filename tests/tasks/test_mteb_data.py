"""Loading tasks of mteb from a local copy of their data sets."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from mteb_folders import TASKS, classification, clustering, retrieval, sts
from support import write_hub, write_jsonl

from bench.cache import cache_root
from bench.errors import BenchError
from bench.tasks.beir import read_beir
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import MtebData, load_mteb


def load(name, folder, split="test", subset=None):
    return load_mteb(definition(name), folder, split, subset or TASKS[name][1])


def edit(path, old, new):
    """Change a file but neither its size nor its time."""
    assert len(old) == len(new)
    status = path.stat()
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_retrieval_task_is_what_a_beir_folder_of_it_is(tmp_path):
    hub = retrieval(tmp_path / "hub")
    found = load("SciFact", hub)
    beir = tmp_path / "beir"
    for part in ("corpus", "queries"):
        rows = [json.loads(line) for line in (hub / part / f"{part}.jsonl").read_text().splitlines()]
        write_jsonl(beir / f"{part}.jsonl", rows)
    labels = [json.loads(line) for line in (hub / "default" / "test.jsonl").read_text().splitlines()]
    (beir / "qrels").mkdir()
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t{row['score']}" for row in labels]
    (beir / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    expected = read_beir(beir, "test")

    assert isinstance(found, RetrievalData)
    assert found.documents == expected.documents
    assert found.fingerprint() == expected.fingerprint()
    assert found.notes == expected.notes == ["1 of 13 queries have no relevant document and score 0"]
    assert not found.ignore_identical_ids
    assert load("ArguAna", hub).ignore_identical_ids


def test_pairs_without_a_column(tmp_path):
    hub = write_hub(tmp_path / "hub", {"default": {"test": [{"sentence1": "a", "score": 1.0}]}})
    with pytest.raises(BenchError, match="no column `sentence2`"):
        load("STSBenchmark", hub)


@pytest.mark.parametrize("path", ["../outside.jsonl", "/etc/passwd", "https://example.invalid/x.parquet"])
def test_a_readme_cannot_name_files_outside_its_folder(tmp_path, path):
    hub = sts(tmp_path / "hub")
    readme = hub / "README.md"
    readme.write_text(readme.read_text().replace("default/test.jsonl", path))
    assert path in readme.read_text()
    with pytest.raises(BenchError, match="names files outside the folder"):
        load("STSBenchmark", hub)


def test_pairs_have_their_raw_scores(tmp_path):
    found = load("STSBenchmark", sts(tmp_path / "hub"))
    rows = [json.loads(line) for line in (tmp_path / "hub" / "default" / "test.jsonl").read_text().splitlines()]
    assert isinstance(found, PairData)
    assert found.sentences1 == [row["sentence1"] for row in rows]
    assert found.sentences2 == [row["sentence2"] for row in rows]
    assert found.gold.tolist() == [row["score"] for row in rows]


def test_only_the_subset_asked_for_is_there(tmp_path):
    rows = [
        {"sentence1": f"a {n}", "sentence2": f"b {n}", "score": n, "lang": "en" if n % 2 else "de"} for n in range(1, 7)
    ]
    hub = write_hub(tmp_path / "hub", {"default": {"test": rows}})
    assert load("STS22.v2", hub, subset="en").sentences1 == ["a 1", "a 3", "a 5"]
    assert load("STS22.v2", hub, subset="de").gold.tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("Banking77Classification", 40),
        ("BrazilianToxicTweetsClassification", 40),
        ("TwentyNewsgroupsClustering.v2", 120),
        ("TwentyNewsgroupsClustering", 2),
        ("SprintDuplicateQuestions", 60),
        ("AskUbuntuDupQuestions", 13),
        ("BUCC.v2", 20),
        ("SummEvalSummarization.v2", 10),
    ],
)
def test_other_types_keep_mtebs_task(name, n, tmp_path):
    found = load(name, TASKS[name][0](tmp_path / "hub"))
    assert isinstance(found, MtebData)
    assert (found.n, found.split, found.subset) == (n, "test", TASKS[name][1])
    again = load(name, tmp_path / "hub")
    assert found.fingerprint() == again.fingerprint()


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_edited_row_is_another_task_though_size_and_time_are_the_same(split, tmp_path):
    """The library `datasets` remembers what it read by path and time, mteb by revision: both would show old rows."""
    hub = classification(tmp_path / "hub")
    before = load("Banking77Classification", hub)
    word = before.task.dataset[split]["text"][0].split()[0]
    edit(hub / "default" / f"{split}.jsonl", word, word[::-1])
    after = load("Banking77Classification", hub)
    assert after.task.dataset[split]["text"][0].split()[0] == word[::-1]
    assert after.fingerprint() != before.fingerprint()


def test_an_edited_document_is_read_anew(tmp_path):
    hub = retrieval(tmp_path / "hub")
    before = load("SciFact", hub)
    edit(hub / "corpus" / "corpus.jsonl", before.documents[0], before.documents[0][::-1])
    assert load("SciFact", hub).documents[0] == before.documents[0][::-1]


def test_what_decides_a_score_is_in_the_fingerprint(tmp_path, monkeypatch):
    hub = classification(tmp_path / "hub")
    first = load("Banking77Classification", hub)
    prints = {first.fingerprint()}
    prints.add(replace(first, split="train").fingerprint())
    prints.add(replace(first, definition=replace(first.definition, main_metric="f1")).fingerprint())
    for name, value in (("n_experiments", 3), ("samples_per_label", 4), ("seed", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(first.task, name, value, raising=False)
            prints.add(first.fingerprint())
    with monkeypatch.context() as patch:
        patch.setattr(first.task, "evaluator_model", type(first.task.evaluator_model)(C=0.5))
        prints.add(first.fingerprint())
    with monkeypatch.context() as patch:
        import mteb

        patch.setattr(mteb, "__version__", "0")
        prints.add(first.fingerprint())
    assert len(prints) == 8


def test_arrow_files_lie_below_the_cache_folder(tmp_path):
    import datasets

    own = datasets.config.HF_DATASETS_CACHE
    load("TwentyNewsgroupsClustering", clustering(tmp_path / "hub"))
    assert list((cache_root() / "datasets").rglob("*.arrow"))
    assert own == datasets.config.HF_DATASETS_CACHE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row | {"corpus-id": "gone"}, "1 relevant documents are not in the corpus"),
        (None, "a list of documents to rank"),
    ],
)
def test_data_that_bench_would_score_otherwise_goes_to_mteb(change, words, tmp_path):
    hub = retrieval(tmp_path / "hub", candidates=None if change else 20)
    if change:
        path = hub / "default" / "test.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        write_jsonl(path, [change(rows[0]), *rows[1:]])
    found = load("SciFact", hub)
    assert isinstance(found, MtebData)
    assert any(words in note for note in found.notes)


def test_an_instruction_is_part_of_the_query(tmp_path):
    hub = retrieval(tmp_path / "hub", instructions=True)
    found = load("SciFact", hub)
    query = json.loads((hub / "queries" / "queries.jsonl").read_text().splitlines()[0])
    instruction = json.loads((hub / "instruction" / "test.jsonl").read_text().splitlines()[0])
    assert found.queries[0] == f"{query['text']} {instruction['instruction']}"


@pytest.mark.parametrize(
    ("configs", "words"),
    [
        ({"default": {"train": [{"text": "a", "label": 0}]}}, r"no split `test`\n  hint: splits found: train"),
        (
            {"other": {"test": [{"text": "a", "label": 0}]}},
            r"cannot read the split `test`.*other \(test\)",
        ),
    ],
)
def test_what_mteb_cannot_load_is_named(configs, words, tmp_path):
    hub = write_hub(tmp_path / "hub", configs)
    with pytest.raises(NotHereError, match=f"(?s){words}") as caught:
        load("Banking77Classification", hub)
    assert str(hub) in caught.value.where


def test_no_folder(tmp_path):
    with pytest.raises(BenchError, match="no such folder"):
        load("SciFact", tmp_path / "none")


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([1.0, None], "line 2: the score is empty"),
        ([2.0, 2.0], "no correlation is defined"),
        (["high", "low"], "not a number"),
    ],
)
def test_scores_without_a_correlation(scores, words, tmp_path):
    rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": score} for n, score in enumerate(scores)]
    with pytest.raises(BenchError, match=words):
        load("STSBenchmark", write_hub(tmp_path / "hub", {"default": {"test": rows}}))


def test_a_missing_text(tmp_path):
    rows = [{"sentence1": "a", "sentence2": text, "score": n} for n, text in enumerate(["b", None])]
    with pytest.raises(BenchError, match=r"line 2: `sentence2` is null or not there"):
        load("STSBenchmark", write_hub(tmp_path / "hub", {"default": {"test": rows}}))


def test_labels_of_0_alone(tmp_path):
    hub = write_hub(
        tmp_path / "hub",
        {
            "corpus": {"corpus": [{"_id": "d", "title": "", "text": "a"}]},
            "queries": {"queries": [{"_id": "q", "text": "b"}]},
            "default": {"test": [{"query-id": "q", "corpus-id": "d", "score": 0}]},
        },
    )
    with pytest.raises(BenchError, match="no document is relevant"):
        load("SciFact", hub)


def test_loading_leaves_the_random_generators_alone(tmp_path):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    load("Banking77Classification", classification(tmp_path / "hub"))
    assert np.array_equal(np.random.get_state()[1], before)
