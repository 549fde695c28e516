"""What leading dimensions hold, against numpy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bench.quality import leading
from bench.quality.leading import leading_shares
from bench.vectors.store import Vectors


def rows_of(matrix):
    return Vectors([np.asarray(matrix, dtype=np.float32)], np.arange(len(matrix)), matrix.shape[1])


def matrix(n=500, width=12):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(n, width)) * 1.3 ** -np.arange(width) + 0.2).astype(np.float32)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_shares_are_numpys(similarity):
    vectors = matrix().astype(np.float64)
    found = leading_shares(rows_of(matrix()), similarity)
    seen = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if similarity == "cosine" else vectors
    variance = np.cumsum(seen.var(axis=0)) / seen.var(axis=0).sum()
    norm = [np.mean(np.linalg.norm(vectors[:, :k], axis=1) / np.linalg.norm(vectors, axis=1)) for k in range(1, 13)]
    assert found.variance == pytest.approx(variance, abs=1e-6)
    assert found.norm == pytest.approx(norm, abs=1e-6)
    assert found.variance[-1] == found.norm[-1] == 1


def test_of_principal_components_it_is_the_explained_variance():
    pca = PCA().fit(matrix())
    found = leading_shares(rows_of(pca.transform(matrix())), "dot")
    assert found.variance == pytest.approx(np.cumsum(pca.explained_variance_ratio_), abs=1e-5)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_neither_order_nor_blocks_change_a_bit(similarity, monkeypatch):
    whole = leading_shares(rows_of(matrix()), similarity)
    monkeypatch.setattr(leading, "_BLOCK_VALUES", 12 * 7)
    parts = leading_shares(rows_of(matrix()[np.random.default_rng(1).permutation(500)]), similarity)
    assert (whole.variance == parts.variance).all()
    assert (whole.norm == parts.norm).all()


def test_what_does_not_vary_has_no_variance_and_zeros_no_direction():
    same = leading_shares(rows_of(np.array([[3.0, 4.0]] * 5)), "cosine")
    assert same.variance is None
    assert same.norm == pytest.approx([0.6, 1.0])
    with_zeros = leading_shares(rows_of(np.array([[3.0, 4.0], [0.0, 0.0]])), "cosine")
    assert with_zeros.norm == pytest.approx([0.6, 1.0])
    assert with_zeros.variance == pytest.approx([0.36, 1.0])


@pytest.mark.parametrize("count", [1024, 2048, 4096, 5000])
def test_very_many_equal_directions_do_not_overflow(count):
    # Squares of 2^26 of 2,048 rows sum to 2^63, which int64 does not hold.
    vectors = np.tile(np.eye(1, 4), (count, 1))
    vectors[0] = [0, 1, 0, 0]
    found = leading_shares(rows_of(vectors), "cosine")
    assert found.variance == pytest.approx([0.5, 1, 1, 1], abs=1e-12)
