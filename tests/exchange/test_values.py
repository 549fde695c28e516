"""Our scores under MTEB's names."""

import pytest
from support import quality_record

from bench.exchange.values import mteb_values, why_absent
from bench.results.schema import Value, ViewScores


def record(kind="retrieval", similarity="cosine", schema=3):
    found = quality_record(metric={"retrieval": "ndcg_at_10", "sts": "cosine_spearman"}[kind])
    return found.model_copy(
        update={
            "schema_version": schema,
            "model": found.model.model_copy(update={"similarity": similarity}),
            "task": found.task.model_copy(update={"type": kind}),
        }
    )


def view(metrics, mteb=None):
    values = {name: Value(value=value) for name, value in metrics.items()}
    return ViewScores(truncate_dim=8, precision="float32", metrics=values, mteb=mteb or {})


def test_mtebs_order_of_ties_goes_before_the_expectation():
    scores = view({"ndcg_at_10": 0.5, "recall_at_1": 0.25}, {"ndcg_at_10": 0.4, "recall_at_1": 0.2, "nauc_x": 0.3})
    found = mteb_values(record(), scores)
    # mteb's accuracy of a ranking is its recall_at_1.
    assert found == {"ndcg_at_10": 0.4, "recall_at_1": 0.2, "nauc_x": 0.3, "accuracy": 0.2}


@pytest.mark.parametrize(
    ("similarity", "own", "expected"),
    [
        ("cosine", {}, {"pearson": 0.6, "spearman": 0.7}),
        ("dot", {"pearson": 0.1, "spearman": 0.2}, {"pearson": 0.1, "spearman": 0.2}),
        # A record from before the dot product was kept.
        ("dot", {}, {}),
    ],
)
def test_pearson_and_spearman_are_of_the_models_own_similarity(similarity, own, expected):
    found = mteb_values(record("sts", similarity), view({"cosine_pearson": 0.6, "cosine_spearman": 0.7}, own))
    assert found == {"cosine_pearson": 0.6, "cosine_spearman": 0.7, **expected}


def test_why_there_is_no_value():
    assert "all queries score the same" in why_absent("nauc_ndcg_at_1_max", record())
    assert "not cosine" in why_absent("pearson", record("sts", "dot"))
    assert why_absent("ndcg_at_7", record()) == "bench does not compute it"


def test_records_of_rankings_know_mtebs_order_from_version_3_on():
    assert record().knows_mteb_order
    assert not record(schema=2).knows_mteb_order
    assert record("sts", schema=2).knows_mteb_order
