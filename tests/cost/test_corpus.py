from __future__ import annotations

import numpy as np
import pytest

from bench.cost import corpus
from bench.cost.corpus import StoredCorpus, SyntheticCorpus, write_rows
from bench.vectors.store import Vectors


@pytest.fixture
def centres():
    """Three tight clusters of unit vectors."""
    rng = np.random.default_rng(0)
    means = np.eye(16)[:3]
    vectors = np.concatenate([mean + 0.1 * rng.normal(size=(40, 16)) for mean in means])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def drawn(centres, size):
    return np.concatenate(list(SyntheticCorpus(centres, size).chunks()))


def test_as_many_as_asked_for_the_same_at_every_pass_in_bounded_chunks(centres, monkeypatch):
    monkeypatch.setattr(corpus, "CHUNK_ROWS", 300)
    synthetic = SyntheticCorpus(centres, 1000)
    first = list(synthetic.chunks())
    assert [len(chunk) for chunk in first] == [300, 300, 300, 100]
    for chunk, again in zip(first, synthetic.chunks(), strict=True):
        assert chunk.dtype == np.float32
        np.testing.assert_array_equal(chunk, again)
    # A larger corpus begins with the same whole chunks.
    np.testing.assert_array_equal(next(SyntheticCorpus(centres, 5000).chunks()), first[0])


def test_documents_are_new_of_length_one_and_near_their_centres(centres):
    found = drawn(centres, 5000)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert len(np.unique(found, axis=0)) == 5000
    nearest = (found @ centres.T).max(axis=1)
    assert np.median(nearest) > 0.85
    assert nearest.max() < 1


def test_they_spread_as_the_tasks_documents_do(centres):
    # The three strong directions stay strong, unlike under independent noise.
    spectrum = [np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:3] ** 2 for x in (centres, drawn(centres, 5000))]
    shares = [
        values.sum() / total
        for values, total in zip(spectrum, (_total(centres), _total(drawn(centres, 5000))), strict=True)
    ]
    assert shares[1] == pytest.approx(shares[0], abs=0.05)


def _total(vectors):
    return float(((vectors - vectors.mean(axis=0)) ** 2).sum())


def test_a_stored_corpus_is_written_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "CHUNK_ROWS", 4)
    matrix = np.arange(33, dtype=np.float32).reshape(11, 3)
    stored = StoredCorpus(Vectors([matrix], np.array([10, 0, 5, 5, 1, 2, 3]), 3))
    write_rows(tmp_path / "rows.npy", stored, lambda chunk: (2 * chunk).astype(np.float16))
    written = np.load(tmp_path / "rows.npy")
    assert written.dtype == np.float16
    np.testing.assert_array_equal(written, 2 * matrix[[10, 0, 5, 5, 1, 2, 3]])
