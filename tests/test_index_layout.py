"""The layout's bytes against those of indices that faiss serialises."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import index_layout
from bench.cost import indices
from bench.views import PRECISIONS, View


def serialised(view, documents, kind):
    """Bytes of a real index of random vectors."""
    index = indices.make_index(view, kind)
    rng = np.random.default_rng(0)
    if view.precision == "binary":
        index.add(rng.integers(0, 256, (documents, (view.truncate_dim + 7) // 8), dtype=np.uint8))
        return len(faiss.serialize_index_binary(index))
    vectors = rng.normal(size=(documents, view.truncate_dim)).astype(np.float32)
    index.train(vectors)
    index.add(vectors)
    return len(faiss.serialize_index(index))


@given(st.sampled_from(PRECISIONS), st.integers(1, 70), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_exact_indices_to_the_byte(precision, dim, documents):
    view = View(dim, precision)
    assert index_layout.index_bytes(view, documents, "flat") == serialised(view, documents, "flat")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_hnsw_of_a_hundred_thousand_within_one_percent(precision, monkeypatch):
    # How hard links are looked for changes nothing of their places.
    monkeypatch.setattr(indices, "EF_CONSTRUCTION", 4)
    view = View(8, precision)
    assert index_layout.index_bytes(view, 100_000, "hnsw") == pytest.approx(serialised(view, 100_000, "hnsw"), rel=0.01)


@pytest.mark.parametrize("links", [4, 16, 32])
def test_the_links_of_layers_are_faiss_own(links):
    hnsw = faiss.HNSW(links)
    shares = faiss.vector_to_array(hnsw.assign_probas)
    # Links of the layers up to each, times how likely it is a document's highest.
    expected = float((faiss.vector_to_array(hnsw.cum_nneighbor_per_level)[1:] * shares).sum())
    # A million documents make all that is fixed small; 12 bytes a document are its layer and its place.
    assert (index_layout.hnsw_bytes(1_000_000, links) / 1e6 - 12) / 4 == pytest.approx(expected, rel=1e-4)
