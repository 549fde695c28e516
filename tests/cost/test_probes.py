"""The search probe's sizes and indices against vectors worked out here; the encode probe runs in tests/cli."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from support import FakeEncoder

from bench.cost.probes import build, search, search_memory
from bench.models.profile import TextContext
from bench.quality.ranker import score_cells
from bench.vectors.encode import encode_missing
from bench.vectors.quantise import fit
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.vectors.texts import TextGroup
from bench.views import PRECISIONS, View

DOCUMENTS = [f"document {i}" for i in range(50)]
QUERIES = [f"query {i}" for i in range(9)]


CALLS = {"min_calls": 90, "min_seconds": 0.0, "max_seconds": 20.0}


@pytest.fixture
def job(tmp_path):
    space = VectorSpace(tmp_path, "space")
    encode_missing(space, FakeEncoder(width=24), [TextGroup([*DOCUMENTS, *QUERIES], TextContext())])
    for name, texts in (("documents", DOCUMENTS), ("queries", QUERIES)):
        (tmp_path / name).write_bytes(keys_to_bytes(text_keys(texts, TextContext())))
    return {
        "workspace": str(tmp_path),
        "space": {"root": str(tmp_path), "fingerprint": "space"},
        "documents": str(tmp_path / "documents"),
        "queries": str(tmp_path / "queries"),
        "similarity": "cosine",
        "max_queries": 100,
        "views": [(dim, precision) for dim in (24, 9) for precision in PRECISIONS],
        "calls": CALLS,
    }


def test_every_view_has_its_figures(job):
    built, timed = build.probe(job), search.probe(job)
    found = {(f.name, f.truncate_dim, f.precision): f.value for f in built.figures}
    calls = {(t.truncate_dim, t.precision): t.milliseconds for t in timed.timed}
    for dim in (24, 9):
        for precision in PRECISIONS:
            assert found["bytes_per_vector", dim, precision] == View(dim, precision).bytes_per_vector
            assert len(calls[dim, precision]) == 90
            assert min(calls[dim, precision]) > 0
    assert built.settings["documents"] == 50
    memory = search_memory.probe(job | {"views": [(24, "int8")]})
    assert [(f.name, f.truncate_dim, f.precision) for f in memory.figures] in (
        [("memory_search_mib", 24, "int8")],
        [],  # where the kernel does not let the peak be reset
    )


@pytest.mark.parametrize(
    ("dim", "precision", "vector_bytes"),
    # 9 bits are padded to 2 bytes; int8 adds its ranges, two floats a dimension, to the header.
    [(24, "float32", 96), (24, "float16", 48), (24, "int8", 24), (24, "binary", 3), (9, "binary", 2), (9, "int8", 9)],
)
def test_index_bytes_are_those_of_the_file_that_faiss_writes(job, tmp_path, dim, precision, vector_bytes):
    answer = build.probe(job | {"views": [(dim, precision)]})
    (size,) = [f.value for f in answer.figures if f.name == "index_bytes"]
    header = size - 50 * vector_bytes
    assert 0 < header < 200 + 8 * dim
    view = View(dim, precision)
    vectors = np.stack([FakeEncoder(width=24).vector(text) for text in DOCUMENTS])
    index = build.make_index(view)
    prepared = build.prepare(fit(view, "cosine", [vectors]), vectors)
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
        index = build.make_index(quantiser.view)
        prepared = build.prepare(quantiser, vectors)
        if not index.is_trained:
            index.train(prepared)
        index.add(prepared)
        found = index.search(build.prepare(quantiser, queries), 1)[1][:, 0]
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


def test_the_baseline_has_its_figures(tmp_path):
    texts = [f"{word} pipe {i}" for i, word in enumerate(["steel", "brass", "copper"] * 5)]
    job = {"workspace": str(tmp_path), "texts": texts, "query_texts": ["steel pipe", "copper"], "calls": CALLS}
    (size,) = build.probe(job).figures
    assert size.value == sum(path.stat().st_size for path in (tmp_path / "bm25").rglob("*"))
    (timed,) = search.probe({key: job[key] for key in ("workspace", "query_texts", "calls")}).timed
    assert (timed.name, timed.truncate_dim, len(timed.milliseconds)) == ("search", None, 90)
