"""Correlations of pairs, against scipy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics.pairwise import (
    paired_cosine_distances,
    paired_euclidean_distances,
    paired_manhattan_distances,
)

from bench.metrics import PAIR_METRICS
from bench.quality.pairs import correlations, similarities, spearman


def random_pairs(seed, n=40, dim=6):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, dim)).astype(np.float32)
    second = (first + rng.normal(size=(n, dim))).astype(np.float32)
    return first, second, rng.integers(0, 11, size=n) / 2


def test_one_pair_by_hand():
    # (3, 4) and (4, 3): dot 24, lengths 5 and 5; differences -1 and 1.
    found = similarities(np.array([[3, 4]], dtype=np.float32), np.array([[4, 3]], dtype=np.float32))
    assert found["cosine"][0] == pytest.approx(24 / 25)
    assert found["manhattan"][0] == -2
    assert found["euclidean"][0] == pytest.approx(-np.sqrt(2))


def test_a_zero_vector_has_cosine_0():
    found = similarities(np.zeros((1, 2), dtype=np.float32), np.ones((1, 2), dtype=np.float32))
    assert found["cosine"].tolist() == [0]
    assert found["manhattan"].tolist() == [-2]


@pytest.mark.parametrize("seed", range(3))
def test_similarities_equal_scikit_learn(seed):
    first, second, _ = random_pairs(seed)
    found = similarities(first, second)
    np.testing.assert_allclose(found["cosine"], 1 - paired_cosine_distances(first, second), atol=1e-6)
    np.testing.assert_allclose(found["manhattan"], -paired_manhattan_distances(first, second), rtol=1e-6)
    np.testing.assert_allclose(found["euclidean"], -paired_euclidean_distances(first, second), rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_correlations_equal_scipy(seed):
    first, second, gold = random_pairs(seed)
    values = similarities(first, second)
    found = correlations(values, gold)
    assert tuple(found) == PAIR_METRICS
    for name, column in values.items():
        assert found[f"{name}_spearman"] == pytest.approx(stats.spearmanr(column, gold).statistic, abs=1e-12)
        assert found[f"{name}_pearson"] == pytest.approx(stats.pearsonr(column, gold).statistic, abs=1e-12)


def test_spearman_by_hand():
    # Ranks 1, 2, 3, 4 against 1, 2, 4, 3: 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15) = 0.8.
    assert spearman(np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 2.0, 9.0, 5.0])) == pytest.approx(0.8)


def test_ties_get_their_mean_rank():
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5: 4.5 / sqrt(22.5) = 0.94868.
    assert spearman(np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(0.94868, abs=1e-5)


def test_constant_similarities_correlate_with_nothing():
    same = np.ones((5, 3), dtype=np.float32)
    found = correlations(similarities(same, same), np.arange(5.0))
    assert found == dict.fromkeys(PAIR_METRICS, 0.0)


def test_constant_gold_correlates_with_nothing():
    first, second, gold = random_pairs(0)
    assert correlations(similarities(first, second), np.full(len(gold), 3.0)) == dict.fromkeys(PAIR_METRICS, 0.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_row_order_does_not_matter(seed):
    first, second, gold = random_pairs(seed % 1000)
    order = np.random.default_rng(seed).permutation(len(gold))
    values, shuffled = similarities(first, second), similarities(first[order], second[order])
    for name, column in values.items():
        assert (shuffled[name] == column[order]).all()
    assert correlations(shuffled, gold[order]) == pytest.approx(correlations(values, gold), abs=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3, 48, 384])
def test_equal_pairs_tie_whatever_their_place(dim):
    first, second, _ = random_pairs(dim, n=7, dim=dim)
    once, tiled = similarities(first, second), similarities(np.tile(first, (5, 1)), np.tile(second, (5, 1)))
    for name, column in once.items():
        assert (tiled[name] == np.tile(column, 5)).all()


def test_sides_may_be_swapped():
    first, second, _ = random_pairs(0)
    one, other = similarities(first, second), similarities(second, first)
    assert all((one[name] == other[name]).all() for name in one)
