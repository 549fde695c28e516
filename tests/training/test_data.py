from __future__ import annotations

import pytest
from support import write_jsonl, write_parquet

from bench.errors import BenchError
from bench.training.data import read_training_data


def sets(workshop, **changes):
    prepared = workshop.prepared(**{"sampler": "random", **changes})
    return prepared.sets


def columns(workshop, data, **changes):
    [found] = sets(workshop, data=data, **changes)
    return found.columns


def test_a_retrieval_task_gives_its_training_queries_with_their_relevant_documents(workshop):
    [found] = sets(workshop, data="shop")
    assert (found.shape, len(found), found.label) == ("pairs", 24, "shop (train)")
    qrels = (workshop.folder / "tasks/shop/qrels/train.tsv").read_text().splitlines()[1:]
    assert len(qrels) == 24
    assert {query[-1] for query in found.columns["query"]} == {line.split("\t")[0][1:] for line in qrels}


def test_an_sts_task_gives_scored_pairs_and_a_range_maps_them(workshop):
    plain = columns(workshop, "talk")
    scaled = columns(workshop, {"task": "talk", "score_range": [0, 5]})
    assert list(plain) == ["sentence1", "sentence2", "score"]
    assert scaled["score"] == pytest.approx([score / 5 for score in plain["score"]])
    with pytest.raises(BenchError, match="outside `score_range`"):
        columns(workshop, {"task": "talk", "score_range": [0, 1]})


def test_rows_with_several_positives_and_negatives_become_a_row_each(workshop):
    rows = [{"q": "red ?", "positive": ["a", "b"], "negative_1": "c", "negative_2": "d"}]
    write_jsonl(workshop.folder / "many.jsonl", rows)
    data = {"files": "many.jsonl", "shape": "triplets", "columns": {"query": "q"}}
    assert columns(workshop, data) == {
        "query": ["red ?"] * 4,
        "positive": ["a", "a", "b", "b"],
        "negative": ["c", "d", "c", "d"],
    }


def test_files_are_found_by_pattern_beside_the_registry_and_in_the_data_folder(workshop, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("data")
    write_parquet(elsewhere / "more" / "part-0.parquet", [{"question": "a ?", "answer": "a"}])
    write_parquet(elsewhere / "more" / "part-1.parquet", [{"question": "b ?", "answer": "b"}])
    data = {"files": "more/*.parquet", "shape": "pairs"}
    with pytest.raises(BenchError, match=r"no file more/\*.parquet in ") as caught:
        columns(workshop, data)
    assert "BENCH_DATA" in caught.value.hint
    monkeypatch.setenv("BENCH_DATA", str(elsewhere))
    assert columns(workshop, data) == {"query": ["a ?", "b ?"], "positive": ["a", "b"]}
    absolute = {**data, "files": str(elsewhere / "more" / "part-1.parquet")}
    assert columns(workshop, absolute)["query"] == ["b ?"]


def test_the_first_rows_are_taken(workshop):
    whole = columns(workshop, "shop")
    assert columns(workshop, "shop", limit=5)["query"] == whole["query"][:5]
    assert columns(workshop, {"task": "shop", "limit": 3}, limit=5)["query"] == whole["query"][:3]
    pairs = {"files": "pairs.jsonl", "shape": "pairs", "limit": 2}
    assert len(columns(workshop, pairs)["query"]) == 2


@pytest.mark.parametrize(
    ("name", "text", "shape", "words"),
    [
        ("a.jsonl", '{"query": "a", "answr": "b"}\n', "pairs", ["no column", "for positive", "did you mean", "answr"]),
        ("a.csv", "query,positive\na,b\n", "triplets", ["no column `negative` or `negative_*` for negative", "a.csv"]),
        ("a.jsonl", '{"query": "a", "positive": " "}\n', "pairs", ["`positive` is empty", "a.jsonl, line 1"]),
        (
            "a.jsonl",
            '{"query": 1, "positive": "b"}\n',
            "pairs",
            ["`query` holds '1', of type int", "line 1"],
        ),
        ("a.jsonl", "", "pairs", ["holds nothing to train on"]),
        ("a.csv", "sentence1,sentence2,score\na,b,x\n", "scored-pairs", ["'x' is not a number", "line 2"]),
        ("a.csv", "sentence1,sentence2,label\na,b,2\n", "labelled-pairs", ["the label is '2'", "scored-pairs"]),
        ("a.jsonl", "{\n", "pairs", ["broken JSON", "line 1"]),
        ("a.txt", "x", "pairs", ["a table cannot be read from a file of this name"]),
    ],
)
def test_broken_files(workshop, name, text, shape, words):
    (workshop.folder / name).write_text(text)
    with pytest.raises(BenchError) as caught:
        columns(workshop, {"files": name, "shape": shape})
    assert caught.value.where == "model `made`"
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "shopp"}, ["no task", "did you mean `shop`?"]),
        ({"data": {"task": "shop", "split": "nope"}}, ["no split `nope` to train on"]),
        ({"data": "talk", "loss": "Triplet"}, ["the loss Triplet does not take scored-pairs", "CoSENT"]),
        ({"data": "talk", "loss": "CosineSimilarity"}, ["a score is", "score_range: [0, 5]"]),
        ({"data": {"task": "shop", "score_range": [0, 1]}}, ["`score_range` is for scored pairs"]),
        ({"data": "shop", "batch_size": 25, "sampler": "no-duplicates"}, ["batch_size is 25", "24 rows", "random"]),
        ({"data": "shop", "matryoshka": {"dims": [64, 8]}}, ["asks for 64 dimensions, but the base has 32"]),
        ({"data": "shop", "base": "./nowhere"}, ["its base is not there", "no folder", "/nowhere"]),
    ],
)
def test_recipes_that_do_not_fit(workshop, changes, words):
    with pytest.raises(BenchError) as caught:
        sets(workshop, **changes)
    assert caught.value.where == "model `made`"
    for word in words:
        assert word in str(caught.value)


def test_a_batch_may_be_larger_than_the_data_where_duplicates_are_allowed(workshop):
    assert len(sets(workshop, data="shop", batch_size=25)[0]) == 24


def test_data_is_read_from_a_recipe_alone(workshop):
    prepared = workshop.prepared()
    again = read_training_data(prepared.recipe, workshop.folder, workshop.find)
    assert [part.fingerprint for part in again] == [part.fingerprint for part in prepared.sets]
