from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.quantiles import quantile_ratios


def brute_force(before, after, share, resamples=3000):
    """Processes drawn, then calls of those drawn, one by one."""
    rng = np.random.default_rng(0)

    def once(processes):
        drawn = np.concatenate([processes[row] for row in rng.integers(0, len(processes), len(processes))])
        return np.quantile(rng.choice(drawn, len(drawn)), share)

    return np.array([once(after) / once(before) for _ in range(resamples)])


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_ratios_are_spread_as_resampling_spreads_them(share):
    rng = np.random.default_rng(1)
    before = [rng.lognormal(level, 0.3, 80) for level in (0.0, 0.05, 0.02)]
    after = [rng.lognormal(level, 0.4, 60) for level in (0.5, 0.6, 0.52)]
    found, expected = quantile_ratios(before, after, share), brute_force(before, after, share)
    places = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.quantile(found, places) == pytest.approx(np.quantile(expected, places), rel=0.025)


def test_ratios_scale_with_the_samples_and_do_not_change_from_call_to_call():
    before = [np.arange(1.0, 50.0), np.arange(1.0, 40.0)]
    once = quantile_ratios(before, before, 0.5)
    assert (quantile_ratios(before, before, 0.5) == once).all()
    assert quantile_ratios(before, [2 * part for part in before], 0.5) == pytest.approx(2 * once)


def test_equal_calls_have_one_ratio():
    assert set(quantile_ratios([np.full(9, 2.0)] * 3, [np.full(5, 3.0)] * 2, 0.5).tolist()) == {1.5}
