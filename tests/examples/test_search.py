from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import FakeEncoder

from bench.examples import search
from bench.examples.search import best_documents, find_model, search_vectors, search_words
from bench.models.fingerprint import model_fingerprint
from bench.models.profile import TextContext
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import adhoc_entry
from bench.quality.bm25 import Bm25
from bench.tasks.data import make_retrieval
from bench.vectors.quantise import fit
from bench.vectors.store import Vectors, VectorSpace, text_keys
from bench.views import PRECISIONS, View

WIDTH = 16


def stored(matrix, chunks=3):
    """Vectors as the store gives them, in several chunks."""
    parts = [part for part in np.array_split(matrix, chunks) if len(part)]
    return Vectors(parts, np.arange(len(matrix)), matrix.shape[1])


def by_brute_force(queries, documents, view, similarity, k):
    quantiser = fit(view, similarity, [documents])
    rows = [quantiser.values(quantiser.codes(vectors)).astype(np.float64) for vectors in (queries, documents)]
    if similarity == "cosine" or view.precision == "binary":
        rows = [matrix / np.linalg.norm(matrix, axis=1, keepdims=True) for matrix in rows]
    scores = rows[0] @ rows[1].T
    return [np.lexsort((np.arange(len(documents)), -line.round(6)))[:k] for line in scores], scores


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from(PRECISIONS), st.sampled_from(["cosine", "dot"]),
    st.sampled_from([4, WIDTH]), st.integers(1, 40),
)  # fmt: skip
def test_the_best_documents_are_those_of_brute_force(seed, precision, similarity, dim, block_rows):
    rng = np.random.default_rng(seed)
    queries, documents = rng.normal(size=(3, WIDTH)).astype(np.float32), rng.normal(size=(37, WIDTH)).astype(np.float32)
    view = View(dim, precision)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_BLOCK_VALUES", block_rows * WIDTH)
        found = best_documents(queries, stored(documents), view, similarity, 5)
    rows, scores = by_brute_force(queries, documents, view, similarity, 5)
    for query in range(3):
        # Ties and near ties may stand in another order; the scores of the places are the same.
        assert found.scores[query] == pytest.approx(scores[query][rows[query]], abs=2e-6)
        assert found.scores[query] == pytest.approx(scores[query][found.rows[query]], abs=2e-6)
        assert len(set(found.rows[query].tolist())) == 5


def test_equal_scores_stand_by_row_and_left_out_documents_are_not_found():
    documents = np.ones((6, 4), dtype=np.float32)
    found = best_documents(documents[:2], stored(documents), View(4), "cosine", 3, [{0, 2}, set()])
    assert [rows.tolist() for rows in found.rows] == [[1, 3, 4], [0, 1, 2]]


DATA = make_retrieval(
    (["d0", "d1", "d2"], ["red paint", "steel pipe", "red steel screw"]),
    (["q0", "q1"], ["red steel", "granite"]),
    [(0, 2, 1), (1, 0, 1)],
    "test",
)


def test_words_find_what_shares_a_word():
    found = search_words(DATA, [0, 1], 2)
    scores = next(Bm25(DATA.documents).blocks(["red steel"])).scores[0]
    assert found.rows[0].tolist() == np.argsort(-scores, kind="stable")[:2].tolist()
    assert found.rows[0][0] == 2
    # No document has the word: nothing is found, rather than any three.
    assert found.rows[1].tolist() == []


def prompted(prompts):
    return adhoc_entry("fake").model_copy(update={"prompts": prompts})


def fill(root, prompts):
    """A store with the vectors of the task, as an entry with these prompts has them."""
    encoder = FakeEncoder(WIDTH)
    space = VectorSpace(root, "5" * 32)
    space.save_profile(encoder.profile, "fake")
    entry = prompted(prompts)
    for role, texts in (("query", DATA.queries), ("document", DATA.documents)):
        context = text_context(entry, encoder.profile, ANY_TASK, role)
        space.append(text_keys(texts, context), encoder.embed(texts, context))
    return encoder, entry


def test_a_model_is_found_by_its_fingerprint_under_its_prompts(tmp_path):
    prompts = {"query": "find: "}
    encoder, entry = fill(tmp_path, prompts)
    model = find_model(model_fingerprint("5" * 32, prompted(prompts)), [adhoc_entry("other"), entry], tmp_path)
    found = search_vectors(DATA, [0], model, View(WIDTH), 3)
    query = encoder.vector("find: red steel")
    scores = np.array([encoder.vector(text) @ query for text in DATA.documents])
    assert found.rows[0].tolist() == np.argsort(-scores).tolist()
    assert encoder.encoded == [*(["red steel", "granite"]), *DATA.documents]
    assert TextContext(prompt="find: ") == text_context(entry, model.profile, ANY_TASK, "query")


def test_a_model_without_vectors_or_with_other_prompts_is_not_found(tmp_path):
    fill(tmp_path, {})
    assert find_model(model_fingerprint("5" * 32, prompted({})), [], tmp_path) is not None
    assert find_model(model_fingerprint("6" * 32, prompted({})), [], tmp_path) is None
    assert find_model(model_fingerprint("5" * 32, prompted({"query": "x"})), [], tmp_path) is None
    assert find_model("5" * 32, [], tmp_path / "nowhere") is None
