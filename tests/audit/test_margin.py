from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.audit.deviations import Spread
from bench.audit.margin import margins, needed, needed_words
from bench.audit.measured import MEASURED

# 80% power.
Z = stats.norm.ppf(0.8)


def by_comparison(metric, observations, own):
    return {margin.comparison: margin for margin in margins(metric, observations, own)}


def test_margins_follow_from_the_closed_formula():
    found = by_comparison("other", 10_000, {"x": Spread(2, 0.2, 0.3)})["x"]
    # (1.96 + .84) * .2 / 100 and (1.64 + .84) * .2 / 100.
    assert found.difference == pytest.approx((0.0056, 0.0084), rel=1e-3)
    assert found.drop == pytest.approx(
        ((stats.norm.isf(0.05) + Z) * 0.002, (stats.norm.isf(0.05) + Z) * 0.003), rel=1e-3
    )
    assert found.own


def test_a_task_of_that_size_passes_an_equal_model_in_80_of_100_samples():
    n = 60
    drop = by_comparison("other", n, {"x": Spread(1, 0.3, 0.3)})["x"].drop[0]
    samples = np.random.default_rng(0).normal(0, 0.3, (5000, n))
    lower = samples.mean(1) - stats.t.isf(0.05, n - 1) * samples.std(1, ddof=1) / n**0.5
    # 4 standard errors of sqrt(.8 * .2 / 5000) = .0057.
    assert (lower > -drop).mean() == pytest.approx(0.8, abs=0.023)


@pytest.mark.parametrize("margin", [0.005, 0.01, 0.02, 0.05])
def test_needed_queries_are_the_fewest_whose_drop_is_within_the_margin(margin):
    for n, deviation in zip(needed(Spread(2, 0.17, 0.4), margin), (0.17, 0.4), strict=True):
        same = {"x": Spread(1, deviation, deviation)}
        assert by_comparison("other", n, same)["x"].drop[0] <= margin < by_comparison("other", n - 1, same)["x"].drop[0]


def test_needed_in_words():
    assert needed_words(Spread(2, 0.2, 0.3), 0.01) == "2,475-5,566"
    assert needed_words(Spread(1, 0.2, 0.2), 0.01) == "2,475"
    # The rule of three: 0.95^58 = 0.0510, 0.95^59 = 0.0485.
    assert needed_words(Spread(2, 0.01, 0.3), 0.05) == "59-224"
    assert needed_words(Spread(2, 0.0, 0.01), 0.05) == "59"


def test_own_deviations_come_before_measured_ones():
    own = {"int8 against float32": Spread(1, 0.5, 0.5), "37.5% of dimensions against all": Spread(1, 0.2, 0.2)}
    found = by_comparison("ndcg_at_10", 100, own)
    assert set(found) == {*MEASURED["ndcg_at_10"], *own}
    assert {name for name, margin in found.items() if margin.own} == set(own)
    assert found["int8 against float32"].spread.largest == 0.5
    assert found["binary against float32"].spread == MEASURED["ndcg_at_10"]["binary against float32"]


def test_unknown_metrics_and_single_queries_have_no_margin():
    assert margins("ndcg_at_3", 100, {}) == []
    assert margins("ndcg_at_10", 1, {}) == []
    assert margins("ndcg_at_10", 2, {})
