"""Sign flips, against scipy's permutation test and all patterns one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.statistics import permutation
from bench.statistics.permutation import sign_flip_test


def scipys(sample, alternative):
    found = stats.permutation_test(
        (sample,), lambda values, axis: values.sum(axis=axis), permutation_type="samples", vectorized=True,
        alternative=alternative, n_resamples=np.inf,
    )  # fmt: skip
    return found.pvalue


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), tied=st.booleans(), tolerance=st.sampled_from([0.0, 0.25]))
@settings(max_examples=40, deadline=None)
def test_all_patterns_are_scipys_exact_test(seed, n, tied, tolerance):
    rng = np.random.default_rng(seed)
    differences = rng.choice([-0.5, 0.0, 0.25, 0.5], (n, 2)) if tied else rng.normal(size=(n, 2))
    found = sign_flip_test(differences, tolerance=tolerance)
    for column in range(2):
        assert found.different[column] == pytest.approx(scipys(differences[:, column], "two-sided"))
        assert found.worse[column] == pytest.approx(scipys(differences[:, column] + tolerance, "less"))


def test_clusters_flip_as_one():
    rng = np.random.default_rng(1)
    clusters = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 5])
    differences = rng.normal(-0.3, 1, 10)
    observed = differences.sum()
    flipped = [sum(np.array(signs)[clusters] * differences) for signs in itertools.product([1, -1], repeat=6)]
    found = sign_flip_test(differences[:, None], clusters)
    assert found.worse[0] == np.mean([total <= observed + 1e-9 for total in flipped])
    assert found.different[0] == np.mean([abs(total) >= abs(observed) - 1e-9 for total in flipped])
    # A cluster of three items may fall short of the tolerance by three times as much.
    shifted = differences + 0.1
    flipped = [sum(np.array(signs)[clusters] * shifted) for signs in itertools.product([1, -1], repeat=6)]
    expected = np.mean([total <= shifted.sum() + 1e-9 for total in flipped])
    assert sign_flip_test(differences[:, None], clusters, tolerance=0.1).worse[0] == expected


@pytest.mark.parametrize("mean", [0.0, -0.1, -0.3])
def test_drawn_patterns_come_near_the_t_test(mean):
    """For many normal differences both tests are the same to first order (Smucker, Allan and Carterette 2007)."""
    differences = np.random.default_rng(2).normal(mean, 1, (200, 4))
    found = sign_flip_test(differences)
    # A share of 9,999 draws has a standard error of .005 at most.
    np.testing.assert_allclose(found.different, stats.ttest_1samp(differences, 0).pvalue, atol=0.025)
    reference = stats.ttest_1samp(differences, -0.05, alternative="less").pvalue
    np.testing.assert_allclose(sign_flip_test(differences, tolerance=0.05).worse, reference, atol=0.025)


def test_drawn_patterns_are_those_of_all_patterns():
    differences = np.random.default_rng(3).normal(-0.3, 1, (12, 3))
    every, drawn = sign_flip_test(differences), sign_flip_test(differences, flips=4000)
    # 4 standard errors of a share of 4,000.
    np.testing.assert_allclose(drawn.different, every.different, atol=0.032)
    np.testing.assert_allclose(drawn.worse, every.worse, atol=0.032)
    assert (drawn.different != every.different).any()


def test_drawn_p_values_are_never_0():
    found = sign_flip_test(np.full((100, 1), -0.5), flips=999)
    assert found.different.tolist() == found.worse.tolist() == [1 / 1000]


@pytest.mark.parametrize("n", [8, 40])
def test_equal_models_differ_by_nothing(n):
    found = sign_flip_test(np.zeros((n, 2)))
    assert found.different.tolist() == found.worse.tolist() == [1.0, 1.0]


def test_items_without_a_difference_say_nothing():
    """Differences of 0 among many leave few patterns to try, so that p is exact."""
    few = np.array([[-1.0], [-2.0], [3.0], [-4.0]])
    many = np.concatenate([few, np.zeros((500, 1))])
    assert sign_flip_test(many) == sign_flip_test(few)


def test_a_drop_of_the_tolerance_itself_is_not_worse_than_it():
    drop = 0.1 + 0.2 - 0.6
    assert sign_flip_test(np.full((20, 1), drop), tolerance=0.3).worse.tolist() == [1.0]


@pytest.mark.parametrize("n", [9, 60])
def test_order_names_and_other_columns_do_not_matter(n):
    rng = np.random.default_rng(n)
    differences, clusters = rng.normal(-0.1, 1, (n, 3)), rng.integers(0, n // 2, n)
    expected = sign_flip_test(differences, clusters, tolerance=0.1)
    order = rng.permutation(n)
    found = sign_flip_test(differences[order][:, [1]], 5 - clusters[order], tolerance=0.1)
    assert found.different[0] == expected.different[1]
    assert found.worse[0] == expected.worse[1]


def test_the_size_of_blocks_and_the_global_generator_do_not_matter(monkeypatch):
    differences = np.random.default_rng(6).normal(size=(64, 2))
    expected = sign_flip_test(differences)
    np.random.seed(0)
    again = sign_flip_test(differences)
    assert (again.different == expected.different).all()
    # 8 bytes a pattern, so that blocks end where numpy's generator has no bits left over.
    monkeypatch.setattr(permutation, "_CELLS", 64 * 100)
    assert (sign_flip_test(differences).different == expected.different).all()
