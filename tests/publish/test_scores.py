from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results
from support import audit_record, cost_record, quality_record

from bench.publish.scores import eval_results, own_results, score_tables, task_name
from bench.results.index import ResultIndex
from bench.results.schema import TaskInfo, Value

MINE = "f" * 32


def with_task(record, **changes):
    return record.model_copy(update={"task": record.task.model_copy(update=changes)})


def numbered(records):
    return [(Path(f"{number}.json"), record) for number, record in enumerate(records)]


def own(*records):
    return own_results(numbered(records), "mini", MINE)


def values(index):
    return sorted((result.dataset_name, result.metric_name, result.metric_value) for result in eval_results(index))


def test_only_current_results_of_this_very_model_count():
    later = "2026-02-01T00:00:00+00:00"
    index = own(
        quality_record(task="other-data", data="1" * 32),
        quality_record(task="shop", views={(8, "float32"): 0.25, (4, "int8"): 0.125}),
        quality_record("maxi", task="shop", views={(8, "float32"): 0.75}),
        quality_record("maxi", task="other-data", data="2" * 32, created=later),
        cost_record("mini", [("search_p50_ms", 1.0, 8, "float32")]),
    )
    assert values(index) == [
        ("shop", "ndcg_at_10, 4 dims, int8", 0.125),
        ("shop", "ndcg_at_10, 8 dims, float32", 0.25),
    ]


def test_results_of_another_fingerprint_of_the_name_are_left_out():
    old = quality_record(fingerprint="0" * 32, views={(8, "float32"): 0.9})
    new = quality_record(created="2026-02-01T00:00:00+00:00", views={(8, "float32"): 0.5})
    assert values(own(old, new)) == [("shop", "ndcg_at_10, 8 dims, float32", 0.5)]
    # The other way round, what this model scored is superseded.
    assert values(own_results(numbered([old, new]), "mini", "0" * 32)) == []


def test_the_newest_score_of_a_view_counts():
    first = quality_record(views={(8, "float32"): 0.5, (4, "float32"): 0.4})
    second = quality_record(created="2026-02-01T00:00:00+00:00", views={(8, "float32"): 0.6})
    found = values(own(first, second))
    assert [value for _, _, value in found] == [0.4, 0.6]


def test_an_entry_says_what_was_scored_on_what():
    metrics = {"ndcg_at_10": Value(value=1 / 3), "mrr_at_10": Value(value=0.5), "recall_at_5": Value(value=0.7)}
    record = with_task(
        quality_record(), dataset="org/shop", revision="abc", subset="en-de", shown=["mrr_at_10", "map_at_5"]
    )
    [scores] = record.views
    record = record.model_copy(update={"views": [scores.model_copy(update={"metrics": metrics})]})
    [main, shown] = eval_results(own(record))
    assert (main.task_type, main.task_name) == ("information-retrieval", "Information Retrieval")
    assert (main.dataset_type, main.dataset_name) == ("org/shop", "shop")
    assert (main.dataset_config, main.dataset_split, main.dataset_revision) == ("en-de", "test", "abc")
    assert (main.metric_type, main.metric_value) == ("ndcg_at_10", 0.333333)
    assert main.metric_args == {"truncate_dim": 8, "precision": "float32"}
    # A metric that is shown but was not scored is left out, and so is one that is not shown.
    assert (shown.metric_type, shown.metric_value) == ("mrr_at_10", 0.5)


def test_tasks_of_one_data_set_stay_apart_in_the_index():
    first = with_task(quality_record(views={(8, "float32"): 0.25}), dataset="org/shop")
    second = with_task(quality_record(views={(8, "float32"): 0.5}), dataset="org/shop", name="titles")
    alone = with_task(quality_record(views={(8, "float32"): 0.75}), dataset="org/talk", name="talk")
    data = ModelCardData(model_name="mini", eval_results=eval_results(own(first, second, alone))).to_dict()
    _, read = model_index_to_eval_results(data["model-index"])
    assert {(result.dataset_name, result.dataset_type, result.metric_value) for result in read} == {
        ("shop", "shop", 0.25),
        ("titles", "titles", 0.5),
        ("talk", "org/talk", 0.75),
    }


@pytest.mark.parametrize(
    ("kind", "mteb_type", "name"),
    [
        ("retrieval", None, "Information Retrieval"),
        ("sts", None, "Semantic Similarity"),
        ("mteb", "Classification", "Classification"),
        ("mteb", "PairClassification", "Binary Classification"),
        ("mteb", "BitextMining", "Bitext Mining"),
        ("mteb", None, "mteb"),
    ],
)
def test_tasks_are_called_as_on_cards_of_sentence_transformers(kind, mteb_type, name):
    task = TaskInfo(
        name="t", type=kind, split="test", subset="default", fingerprint="0", main_metric="m", n=1, mteb_type=mteb_type
    )
    assert task_name(task) == name


def test_the_names_are_those_of_sentence_transformers_own_evaluators():
    from sentence_transformers.sentence_transformer import evaluation

    retrieval = evaluation.InformationRetrievalEvaluator({"q": "a"}, {"d": "b"}, {"q": {"d"}})
    pairs = evaluation.EmbeddingSimilarityEvaluator(["a"], ["b"], [1.0])
    assert task_name(quality_record(metric="ndcg_at_10").task) == retrieval.description
    assert task_name(quality_record(metric="cosine_spearman").task) == pairs.description


def test_the_table_shows_every_view_and_what_the_audit_found():
    shop = quality_record(views={(4, "int8"): 0.25, (8, "float32"): 0.5}, notes=["2 <b>empty</b> texts"], n=1234)
    text = score_tables(own(audit_record(["3 of 4 queries are | training queries"]), shop))
    lines = [line.split() for line in text.splitlines()]
    assert "### shop (test)" in text
    assert "Main score: ndcg_at_10 over 1,234 queries." in text
    assert "| 8 | float32 | 0.5000 [0.400, 0.600] | 100.0% | 32 |".split() in lines
    assert "| 4 | int8 | 0.2500 [0.150, 0.350] | 50.0% | 4 |".split() in lines
    assert r"2 \<b\>empty\</b\> texts" in text
    assert r"audit: 3 of 4 queries are \| training queries" in text
    assert score_tables(ResultIndex([])) == ""
