"""The search probe's sizes and indices against vectors worked out here; the encode probe runs in tests/cli."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from support import FakeEncoder

from bench.cost import search_probe, search_timing
from bench.models.profile import TextContext
from bench.quality.ranker import score_cells
from bench.vectors.encode import encode_missing
from bench.vectors.quantise import fit
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.vectors.texts import TextGroup
from bench.views import PRECISIONS, View

DOCUMENTS = [f"document {i}" for i in range(50)]
QUERIES = [f"query {i}" for i in range(9)]


@pytest.fixture
def job(tmp_path, monkeypatch):
    # Timed here instead of in a process a view: the child is covered in tests/cli.
    monkeypatch.setattr(search_timing, "_SECONDS", 0.0)
    monkeypatch.setattr(search_timing, "_CALLS", 90)
    monkeypatch.setattr(search_probe, "run_probe", lambda _, job: search_timing.probe(job))
    space = VectorSpace(tmp_path, "space")
    encode_missing(space, FakeEncoder(width=24), [TextGroup([*DOCUMENTS, *QUERIES], TextContext())])
    for name, texts in (("documents", DOCUMENTS), ("queries", QUERIES)):
        (tmp_path / name).write_bytes(keys_to_bytes(text_keys(texts, TextContext())))
    return {
        "space": {"root": str(tmp_path), "fingerprint": "space"},
        "documents": str(tmp_path / "documents"),
        "queries": str(tmp_path / "queries"),
        "similarity": "cosine",
        "views": [(dim, precision) for dim in (24, 9) for precision in PRECISIONS],
    }


def test_every_view_has_its_figures(job):
    answer = search_probe.probe(job)
    found = {(f["name"], f["truncate_dim"], f["precision"]): f for f in answer["figures"]}
    for dim in (24, 9):
        for precision in PRECISIONS:
            assert found["bytes_per_vector", dim, precision]["value"] == View(dim, precision).bytes_per_vector
            assert found["search_p50_ms", dim, precision]["value"] > 0
            assert found["search_p95_ms", dim, precision]["n"] == 90
    assert len(answer["samples"]["search 24 float32"]) == 90
    assert answer["settings"]["documents"] == 50


@pytest.mark.parametrize(
    ("dim", "precision", "vector_bytes"),
    # 9 bits are padded to 2 bytes; int8 adds its ranges, two floats a dimension, to the header.
    [(24, "float32", 96), (24, "float16", 48), (24, "int8", 24), (24, "binary", 3), (9, "binary", 2), (9, "int8", 9)],
)
def test_index_bytes_are_those_of_the_file_that_faiss_writes(job, tmp_path, dim, precision, vector_bytes):
    job["views"] = [(dim, precision)]
    answer = search_probe.probe(job)
    (size,) = [f["value"] for f in answer["figures"] if f["name"] == "index_bytes"]
    header = size - 50 * vector_bytes
    assert 0 < header < 200 + 8 * dim
    view = View(dim, precision)
    vectors = np.stack([FakeEncoder(width=24).vector(text) for text in DOCUMENTS])
    index = search_probe._index(view)
    prepared = search_probe._prepare(fit(view, "cosine", [vectors]), vectors)
    if not index.is_trained:
        index.train(prepared)
    index.add(prepared)
    write = faiss.write_index_binary if precision == "binary" else faiss.write_index
    write(index, str(tmp_path / "index"))
    assert (tmp_path / "index").stat().st_size == size


def test_the_index_finds_what_the_scores_find(job):
    # The latency belongs to a search that answers right: its best document is the one of exact cosine.
    vectors = np.stack([FakeEncoder(width=24).vector(text) for text in DOCUMENTS])
    queries = np.stack([FakeEncoder(width=24).vector(text) for text in QUERIES])
    for precision in PRECISIONS:
        quantiser = fit(View(24, precision), "cosine", [vectors])
        index = search_probe._index(quantiser.view)
        prepared = search_probe._prepare(quantiser, vectors)
        if not index.is_trained:
            index.train(prepared)
        index.add(prepared)
        found = index.search(search_probe._prepare(quantiser, queries), 1)[1][:, 0]
        asked = quantiser.comparable(queries), quantiser.comparable(vectors)
        scores = score_cells(*asked, *np.divmod(np.arange(9 * 50), 50)).reshape(9, 50)
        reached = scores[np.arange(9), found]
        # faiss takes int8 queries as they are, ours are cut to the corpus's ranges: near the best is enough there.
        np.testing.assert_allclose(reached, scores.max(axis=1), atol=0.05 if precision == "int8" else 1e-3)


def test_a_loaded_baseline_searches_as_the_built_one(tmp_path):
    from bench.quality.bm25 import Bm25

    texts = [f"{word} pipe {i}" for i, word in enumerate(["steel", "brass", "copper"] * 5)]
    built = Bm25(texts)
    built.save(tmp_path)
    np.testing.assert_array_equal(Bm25.load(tmp_path).search("brass 4", 3), built.search("brass 4", 3))


def test_the_baseline_has_its_figures():
    texts = [f"{word} pipe {i}" for i, word in enumerate(["steel", "brass", "copper"] * 5)]
    answer = search_probe.probe({"texts": texts, "query_texts": ["steel pipe", "copper"]})
    assert {f["name"] for f in answer["figures"]} >= {"search_p50_ms", "search_p95_ms", "index_bytes"}
