from pathlib import Path

import pytest
from support import random_beir, write_beir, write_pairs

from bench.errors import BenchError, UsageError
from bench.exchange.matching import match_tasks, matching_models, matching_task, published_of
from bench.exchange.published import PublishedScores, PublishedTask
from bench.tasks.catalog import BrokenTask, select_tasks

SOURCES = {
    "mini": ["package:mini_weights", "hub:owner/mini-L6"],
    "other": ["./models/other"],
    "tuned": ["./runs/mini-L6"],
    "plain": ["owner/plain"],
}


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("owner/mini-L6", ["mini"]),
        ("Owner/Mini-l6", ["mini"]),
        ("owner/plain", ["plain"]),
        ("somebody/other", ["other"]),
        # Two have files of this name, none is that repository.
        ("somebody/mini-L6", ["mini", "tuned"]),
        ("owner/nothing", []),
    ],
)
def test_a_model_by_its_hub_source_else_its_name(published, expected):
    assert matching_models(published, SOURCES) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"scifact": None}, "scifact"),
        ({"claims": "SciFact", "scifact": None}, "claims"),
        # A card that says it is another task is that one, whatever its name.
        ({"scifact": "SciFact-PL"}, None),
        ({"fiqa": None}, None),
    ],
)
def test_a_task_by_its_declared_name_else_its_own(names, expected):
    assert matching_task("SciFact", names) == expected


def test_a_task_that_stands_twice_is_asked_for():
    with pytest.raises(UsageError, match="a, b"):
        matching_task("SciFact", {"a": "SciFact", "b": "SciFact"})


def published(name, *keys):
    scores = [PublishedScores(split, subset, {"main_score": 0.5}) for split, subset in keys]
    return PublishedTask(name, Path(f"{name}.json"), None, scores)


def units(matches, name):
    return {(unit.split, unit.subset) for unit in matches.tasks[name].units()}


def test_retrieval_takes_every_published_split_that_is_here(tmp_path):
    random_beir(tmp_path / "shop")
    write_beir(tmp_path / "shop2", {"d": "a red pipe"}, {"q": "pipe"}, [("q", "d", 1)], split="train")
    (tmp_path / "shop" / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td1\t1\n")
    ours = select_tasks([str(tmp_path / "shop")], [])
    task = published("Shop", ("test", "default"), ("train", "default"), ("dev", "default"))
    matches = match_tasks([task, published("Talk", ("test", "default"))], ours, required=False)
    assert units(matches, "Shop") == {("test", "default"), ("train", "default")}
    assert set(matches.absent) == {("Shop", "dev", "default"), ("Talk", "test", "default")}
    assert matches.absent["Talk", "test", "default"] == "no task here is this one"


def test_pairs_take_the_published_subsets_that_are_here(tmp_path):
    for subset in ("en-en", "en-de", "unpublished"):
        write_pairs(tmp_path / "talk" / f"{subset}.jsonl")
    ours = select_tasks([str(tmp_path / "talk")], [])
    task = published("Talk", ("test", "en-en"), ("test", "en-de"), ("test", "ko-ko"), ("train", "en-en"))
    matches = match_tasks([task], ours, required=True)
    assert units(matches, "Talk") == {("test", "en-en"), ("test", "en-de")}
    assert set(matches.absent) == {("Talk", "test", "ko-ko"), ("Talk", "train", "en-en")}


def test_missing_data_is_absent_unless_required(tmp_path):
    (tmp_path / "shop.yaml").write_text("name: shop\ntype: retrieval\npath: nowhere\n")
    ours = select_tasks(["shop"], [tmp_path])
    task = published("shop", ("test", "default"))
    matches = match_tasks([task], ours, required=False)
    assert matches.tasks == {}
    assert "nowhere" in matches.absent["shop", "test", "default"]
    with pytest.raises(BenchError, match="shop"):
        match_tasks([task], ours, required=True)


def test_broken_data_and_a_broken_card_are_left_to_fail_in_the_run(tmp_path):
    random_beir(tmp_path / "shop")
    (tmp_path / "shop" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tnowhere\t1\n")
    broken = BrokenTask("talk", BenchError("no such key"))
    ours = [*select_tasks([str(tmp_path / "shop")], []), broken]
    tasks = [published(name, ("test", "default")) for name in ("Shop", "Talk")]
    matches = match_tasks(tasks, ours, required=False)
    assert units(matches, "Shop") == {("test", "default")}
    assert matches.tasks["Talk"] is broken
    assert matches.absent == {}


def test_only_tasks_asked_for(tmp_path):
    random_beir(tmp_path / "shop")
    ours = select_tasks([str(tmp_path / "shop")], [])
    both = [published("Shop", ("test", "default")), published("Talk", ("test", "default"))]
    assert [task.name for task in published_of(both, ours)] == ["Shop"]
    with pytest.raises(UsageError, match="no result is published of the task `shop`"):
        published_of(both[1:], ours)
