"""Stored vectors split into any chunks, in any order, give every figure to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality import changes, controls, exact, leading
from bench.quality.controls import fit_pca, score_controls
from bench.quality.fidelity import score_fidelity
from bench.quality.leading import leading_shares
from bench.quality.score import score_vectors
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.store import Vectors
from bench.views import CONTROLS, PRECISIONS, ControlledView, View

WIDTH, DOCUMENTS, QUERIES = 12, 90, 7
VIEWS = [View(dim, precision) for dim in (WIDTH, 5) for precision in PRECISIONS]


def embeddings(seed, n):
    """Vectors of several lengths, some of them equal."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n - n // 4, WIDTH)) * rng.uniform(0.3, 3, size=(n - n // 4, 1)) + 0.2
    return np.concatenate([base, base[: n // 4]]).astype(np.float32)


@st.composite
def stored(draw, seed, n):
    """The same rows in one chunk, and in drawn chunks of drawn order; chunks of no or one row included."""
    matrix = embeddings(seed, n)
    order = np.array(draw(st.permutations(range(n))))
    ends = sorted(draw(st.lists(st.integers(0, n), max_size=12)))
    chunks = [np.ascontiguousarray(part) for part in np.split(matrix[order], ends)]
    return Vectors([matrix], np.arange(n), WIDTH), Vectors(chunks, np.argsort(order), WIDTH)


def bits(scores):
    """Everything in some scores, comparable by equality."""
    items = {name: np.asarray(values).tobytes() for name, values in scores.items.items()}
    shares = getattr(scores, "leading", None)
    held = None if shares is None else (shares.variance.tobytes(), shares.norm.tobytes())
    return scores.metrics, items, held


def small_blocks(patch):
    """Several blocks of a few rows each, as large collections have."""
    patch.setattr(leading, "_BLOCK_VALUES", WIDTH * 8)
    patch.setattr(controls, "_BLOCK_VALUES", WIDTH * 8)
    patch.setattr(exact, "_DOCUMENT_ROWS", 16)
    patch.setattr(changes, "_QUERY_ROWS", 3)


def retrieval():
    rng = np.random.default_rng(3)
    pairs = np.array([(query, row) for query in range(QUERIES) for row in rng.choice(DOCUMENTS, 3, replace=False)])
    return RetrievalData(
        [f"d{row}" for row in range(DOCUMENTS)], [f"document {row}" for row in range(DOCUMENTS)],
        [f"q{row}" for row in range(QUERIES)], [f"query {row}" for row in range(QUERIES)],
        pairs[:, 0], pairs[:, 1], rng.integers(1, 4, len(pairs)),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(stored(1, DOCUMENTS), st.sampled_from(["cosine", "dot"]))
def test_shares_of_leading_dimensions_and_components(documents, similarity):
    with pytest.MonkeyPatch.context() as patch:
        whole = [leading_shares(documents[0], similarity), fit_pca(documents[0], similarity)]
        small_blocks(patch)
        split = [leading_shares(documents[1], similarity), fit_pca(documents[1], similarity)]
    for one, other in zip(whole, split, strict=True):
        values = [[np.asarray(value).tobytes() for value in vars(found).values()] for found in (one, other)]
        assert values[0] == values[1]


@settings(max_examples=8, deadline=None)
@given(stored(1, DOCUMENTS), stored(2, QUERIES), st.sampled_from(["cosine", "dot"]))
def test_scores_fidelity_and_controls_of_retrieval(documents, queries, similarity):
    cuts = [ControlledView(control, dim) for control in CONTROLS[:4] for dim in (WIDTH, 5)]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for vectors in zip(queries, documents, strict=True):
            roles = dict(zip(("query", "document"), vectors, strict=True))
            parts = [
                *score_fidelity(retrieval(), roles, VIEWS, similarity),
                *score_controls(retrieval(), roles, cuts, similarity),
                *score_vectors(retrieval(), roles, VIEWS, similarity),
            ]
            found.append([(part, bits(scores)) for part, scores in parts])
            small_blocks(patch)
    assert len(found[0]) == 2 * len(VIEWS) + len(cuts)
    assert found[0] == found[1]


@settings(max_examples=8, deadline=None)
@given(stored(4, 40), st.sampled_from(["cosine", "dot"]))
def test_scores_fidelity_and_controls_of_pairs(texts, similarity):
    data = PairData(
        list("abcdefghijklmnopqrst"),
        [f"a{row}" for row in range(20)],
        [f"b{row}" for row in range(20)],
        np.arange(20) / 4,
    )
    cuts = [ControlledView(control, dim) for control in CONTROLS[:4] for dim in (WIDTH, 5)]
    found = []
    for vectors in texts:
        parts = [
            *score_fidelity(data, {"text": vectors}, VIEWS, similarity),
            *score_controls(data, {"text": vectors}, cuts, similarity),
            *score_vectors(data, {"text": vectors}, VIEWS, similarity),
        ]
        found.append([(part, bits(scores)) for part, scores in parts])
    assert found[0] == found[1]
