from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from bench.statistics.paired import holm, indistinguishable, paired_test, pairwise_p

P_VALUES = arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 1))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), m=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_without_clusters_it_is_scipys_paired_t_test(seed, n, m):
    rng = np.random.default_rng(seed)
    first, second = rng.random((n, m)), rng.random((n, m))
    found = paired_test(first - second)
    reference = stats.ttest_rel(first, second)
    np.testing.assert_allclose(found.p, reference.pvalue, rtol=1e-9)
    low, high = found.interval(0.9)
    theirs = reference.confidence_interval(0.9)
    np.testing.assert_allclose([low, high], [theirs.low, theirs.high], rtol=1e-9, atol=1e-12)


def test_clusters_of_one_size_are_a_t_test_of_their_means():
    rng = np.random.default_rng(3)
    differences = rng.normal(size=(30, 2)) + np.repeat(rng.normal(size=10), 3)[:, None]
    found = paired_test(differences, np.repeat(np.arange(10), 3))
    reference = stats.ttest_1samp(differences.reshape(10, 3, 2).mean(axis=1), 0.0)
    np.testing.assert_allclose(found.p, reference.pvalue, rtol=1e-9)


def test_repeating_items_proves_nothing():
    differences = np.random.default_rng(1).normal(0.2, 1, size=(20, 1))
    once = paired_test(differences)
    tenfold = paired_test(np.repeat(differences, 10, axis=0), np.repeat(np.arange(20), 10))
    np.testing.assert_allclose(tenfold.p, once.p, rtol=1e-9)


def test_equal_scores_differ_by_nothing_and_equal_differences_for_certain():
    found = paired_test(np.array([[0.0, 0.1, -0.3]] * 5))
    assert found.p.tolist() == [1.0, 0.0, 0.0]
    assert paired_test(np.array([[0.5]])).p.tolist() == [1.0]


@pytest.mark.parametrize(("n", "clusters"), [(0, None), (3, np.array([0, 1]))])
def test_what_is_no_sample_is_refused(n, clusters):
    with pytest.raises(ValueError, match="at least one item"):
        paired_test(np.zeros((n, 1)), clusters)


def holm_by_the_book(p_values):
    """The definition: the largest over all at most as large of (m - rank) * p, at most 1."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    return [min(1.0, max((m - k) * p_values[order[k]] for k in range(order.index(i) + 1))) for i in range(m)]


@given(P_VALUES)
def test_holm_is_its_definition(p_values):
    np.testing.assert_allclose(holm(p_values), holm_by_the_book(list(p_values)), rtol=1e-12)


@given(P_VALUES, st.floats(0.001, 0.2))
def test_holm_rejects_what_the_closed_testing_procedure_of_bonferroni_rejects(p_values, level):
    """Holm is the shortcut of closed testing: a hypothesis falls when every set that holds it falls to Bonferroni."""
    m = len(p_values)
    sets = [chosen for size in range(1, m + 1) for chosen in itertools.combinations(range(m), size)]
    closed = [
        all(min(p_values[list(chosen)]) <= level / len(chosen) for chosen in sets if i in chosen) for i in range(m)
    ]
    near = np.abs(np.multiply.outer(np.arange(1, m + 1), p_values) - level).min() < 1e-12
    if not near:
        assert (holm(p_values) <= level).tolist() == closed


def test_what_is_clearly_worse_is_told_from_the_best_and_noise_is_not():
    rng = np.random.default_rng(0)
    best = rng.random(200)
    values = np.column_stack([best - 0.2, best, best + rng.normal(0, 1e-3, 200) - 1e-5])
    assert indistinguishable(values.mean(axis=0), values).tolist() == [False, True, True]
    assert indistinguishable(np.array([0.5]), best[:, None]).tolist() == [True]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), tolerance=st.floats(0, 0.3))
@settings(max_examples=50, deadline=None)
def test_worse_is_scipys_one_sided_test_of_the_tolerance(seed, n, tolerance):
    differences = np.random.default_rng(seed).normal(-0.1, 0.3, (n, 2))
    reference = stats.ttest_1samp(differences, -tolerance, alternative="less").pvalue
    np.testing.assert_allclose(paired_test(differences).worse(tolerance), reference, rtol=1e-8)


def test_a_drop_of_the_tolerance_itself_is_not_worse_than_it():
    differences = np.array([[0.0, 0.1 + 0.2 - 0.6, -0.3, -0.31, 0.1]] * 5)
    found = paired_test(differences)
    assert found.worse(0.3).tolist() == [0.0 if mean < -0.3001 else 1.0 for mean in differences[0]]
    assert found.worse().tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert paired_test(np.array([[-0.5]])).worse().tolist() == [1.0]


def test_clusters_may_have_any_numbers():
    differences = np.random.default_rng(4).normal(size=(30, 2))
    clusters = np.repeat(np.arange(10), 3)
    expected = paired_test(differences, clusters)
    order = np.random.default_rng(5).permutation(30)
    found = paired_test(differences[order], (7 * clusters - 20)[order])
    np.testing.assert_allclose(found.p, expected.p, rtol=1e-9)
    assert found.freedom == expected.freedom == 9


def test_all_pairs_are_scipys_paired_tests():
    values = np.random.default_rng(3).random((40, 5))
    expected = [[stats.ttest_rel(one, other).pvalue for other in values.T] for one in values.T]
    np.fill_diagonal(expected := np.array(expected), 1.0)
    assert pairwise_p(values) == pytest.approx(expected)
    assert pairwise_p(values[:, :1]).tolist() == [[1.0]]
