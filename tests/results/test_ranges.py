"""Ranges of metrics, measures and figures, from their definitions."""

from __future__ import annotations

import pytest
from support import cost_record, fidelity_record, quality_record, rerank_record

from bench.metrics import FIDELITY_MEASURES, PAIR_METRICS, RETRIEVAL_METRICS
from bench.results.ranges import ANY, FIGURES, SCORES, check_figure, check_scores
from bench.results.schema import Value, ViewScores


@pytest.mark.parametrize("name", [*RETRIEVAL_METRICS, "accuracy", "f1", "max_ap", "v_measure", "map", "overlap_at_10"])
def test_shares_are_from_0_to_1(name):
    # The mean of ones may be a little more than 1.
    check_scores({name: 0.0})
    check_scores({name: 1.0 + 1e-9})
    for value in (-0.01, 1.01, 7.5):
        with pytest.raises(ValueError, match=f"{name} is {value}, which must be 0 to 1"):
            check_scores({name: value})


@pytest.mark.parametrize("name", [*PAIR_METRICS, "pearson", "spearman", "kendall_tau", "similarity_correlation"])
def test_correlations_are_from_minus_1_to_1(name):
    check_scores({name: -1.0})
    with pytest.raises(ValueError, match="which must be -1 to 1"):
        check_scores({name: -1.01})


@pytest.mark.parametrize(
    "name", ["nauc_ndcg_at_10_max", "p-MRR", "cosine_accuracy_threshold", "max_f1_threshold", "new"]
)
def test_what_is_not_known_has_no_range(name):
    assert SCORES[name] == ANY
    check_scores({name: -33.0})


def test_every_measure_of_fidelity_has_a_range_but_the_change_of_similarity():
    assert [name for name in FIDELITY_MEASURES if SCORES[name] == ANY] == ["similarity_change"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("encode_p50_ms", 0.001, 0.0), ("search_max_ms", 5.0, -5.0), ("hnsw_build_s", 0.1, 0.0),
        ("index_bytes", 0.0, -1.0), ("bytes_per_vector", 6.0, -6.0), ("memory_load_mib", 1.0, -1.0),
        ("search_outliers", 0.0, -1.0), ("encode_texts_per_s", 0.0, -1.0), ("hnsw_recall_at_10", 1.0, 1.1),
        ("rerank_ndcg_at_10", 1.0, 7.5), ("rerank_cosine_spearman", -1.0, -1.1), ("encode_best_batch", 1.0, 0.0),
        ("encode_matmul_share", 1.2, -0.1), ("energy_j_per_1000_texts", 0.0, -1.0),
    ],
)  # fmt: skip
def test_figures(name, good, bad):
    check_figure(name, good)
    with pytest.raises(ValueError, match=f"{name} is {bad}"):
        check_figure(name, bad)
    with pytest.raises(ValueError, match=f"{name} is {bad}"):
        cost_record(figures=[(name, bad, None, None)])


def test_a_figure_that_is_not_known_has_no_range():
    assert FIGURES["surprise"] == ANY


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Value(value=0.5, ci_low=0.6, ci_high=0.4), "the interval of ndcg_at_10 is 0.6 to 0.4"),
        (Value(value=0.5, ci_low=0.4, ci_high=7.5), "the interval of ndcg_at_10 is 0.4 to 7.5"),
        (Value(value=0.5, ci_low=0.4), "the interval of ndcg_at_10 has one end"),
    ],
)
def test_intervals_are_in_order_and_in_range(value, words):
    with pytest.raises(ValueError, match=words):
        ViewScores(truncate_dim=8, precision="float32", metrics={"ndcg_at_10": value})


def test_an_interval_need_not_hold_its_value():
    value = Value(value=0.5, ci_low=0.6, ci_high=0.7)
    assert ViewScores(truncate_dim=8, precision="float32", metrics={"ndcg_at_10": value}).metrics["ndcg_at_10"] == value


@pytest.mark.parametrize(
    "make",
    [
        lambda: quality_record(n=-1),
        lambda: quality_record(views={(-8, "float32"): 0.5}),
        lambda: fidelity_record(views={(4, "int8"): {"rbo": 1.5}}),
        lambda: rerank_record(shortlists={(4, "float32", 10): (0.5, 1.5)}),
    ],
)
def test_records_keep_to_them(make):
    with pytest.raises(ValueError, match=r"must be|greater than or equal to [01]"):
        make()
