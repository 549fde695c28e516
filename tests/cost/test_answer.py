from __future__ import annotations

import numpy as np
import pytest

from bench.cost.answer import Answer, Timed, combine, spread
from bench.views import View


def calls(values, **keys):
    return Timed(name="search", milliseconds=values, **keys)


def figures(combined, **detail):
    return {figure.name: figure for figure in combined.figures if figure.detail == detail}


def test_percentiles_are_those_of_all_processes_together():
    rng = np.random.default_rng(0)
    parts = [rng.gamma(2, size=n).tolist() for n in (40, 50, 60)]
    found = combine([Answer(timed=[calls(part, cold_ms=9.0 + n, warm_up=3)]) for n, part in enumerate(parts)])
    pooled = np.concatenate(parts)
    by_name = figures(found)
    for p in (50, 90, 95):
        assert by_name[f"search_p{p}_ms"].value == pytest.approx(np.percentile(pooled, p))
        assert by_name[f"search_p{p}_ms"].n == 150
    assert "search_p99_ms" not in by_name
    assert by_name["search_max_ms"].value == pooled.max()
    assert by_name["search_cold_ms"].value == 10.0
    medians = [np.median(part) for part in parts]
    assert by_name["search_p50_ms"].spread == pytest.approx((max(medians) - min(medians)) / np.median(medians))
    # One process has too few calls for a p95 of its own, so there is no spread of them.
    assert by_name["search_p95_ms"].spread is None
    assert [(process, timed.milliseconds) for process, timed in found.timed] == list(enumerate(parts))


def test_what_belongs_to_different_views_or_details_is_kept_apart():
    answer = Answer()
    for dim, value in ((8, 1.0), (4, 2.0)):
        answer.timed.append(calls([value] * 7, truncate_dim=dim, precision="int8"))
        answer.add("index_bytes", value, View(dim, "int8"), index="hnsw")
    found = combine([answer])
    assert {(f.name, f.truncate_dim): f.value for f in found.figures if f.name != "search_outliers"} == {
        ("search_p50_ms", 8): 1.0,
        ("search_max_ms", 8): 1.0,
        ("search_p50_ms", 4): 2.0,
        ("search_max_ms", 4): 2.0,
        ("index_bytes", 8): 1.0,
        ("index_bytes", 4): 2.0,
    }


def test_of_other_figures_the_median_of_the_processes_counts():
    answers = []
    for value in (100.0, 130.0, 110.0):
        answer = Answer(settings={"last": value})
        answer.add("texts_per_s", value)
        answer.add("nothing", None)
        answers.append(answer)
    found = combine(answers)
    (figure,) = found.figures
    assert (figure.value, figure.spread) == (110.0, pytest.approx(30 / 110))
    assert found.settings == {"last": 110.0}


def test_spread_needs_two_processes_that_know():
    assert spread([1.0]) is None
    assert spread([1.0, None]) is None
    assert spread([]) is None
    assert spread([2.0, 3.0]) == pytest.approx(0.4)


def test_an_answer_goes_through_json():
    answer = Answer(timed=[calls([1.0], truncate_dim=8, precision="binary", detail={"threads": 1})], settings={"k": 10})
    answer.add("weights_bytes", 12.0, batch=4)
    assert Answer.model_validate_json(answer.model_dump_json()) == answer
