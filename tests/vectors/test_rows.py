import numpy as np
import pytest

from bench.vectors.rows import ChangedVectors
from bench.vectors.store import Vectors


def doubled(vectors):
    return vectors * np.float32(2)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_changed_vectors_are_the_change_of_the_vectors(size):
    rng = np.random.default_rng(0)
    chunks = [rng.normal(size=(n, 4)).astype(np.float32) for n in (3, 5)]
    positions = rng.permutation(8)[[0, 5, 5, 2, 7, 1]]
    expected = 2 * np.concatenate(chunks)[positions]
    changed = ChangedVectors(Vectors(chunks, positions, 4), doubled)
    assert (len(changed), changed.width) == (6, 4)
    np.testing.assert_array_equal(changed.all(), expected)
    np.testing.assert_array_equal(changed.rows(np.array([4, 0])), expected[[4, 0]])
    np.testing.assert_array_equal(changed.rows(slice(1, 3)), expected[1:3])
    found = np.full((6, 4), np.nan)
    for rows, block in changed.blocks(size):
        assert len(rows) <= size
        found[rows] = block
    np.testing.assert_array_equal(found, expected)
