"""The probes of searching against vectors and files worked out here; the encode probe runs in tests/cli."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from support import FakeEncoder

from bench import index_layout
from bench.cost import indices
from bench.cost.probes import build, cascade, rerank, search, search_bulk, search_memory, storage
from bench.errors import BenchError
from bench.models.profile import TextContext
from bench.quality.ranker import score_cells
from bench.vectors.encode import encode_missing
from bench.vectors.quantise import Quantiser, fit
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.vectors.texts import TextGroup
from bench.views import PRECISIONS, View

DOCUMENTS = [f"document {i}" for i in range(50)]
QUERIES = [f"query {i}" for i in range(9)]
CALLS = {"min_calls": 90, "min_seconds": 0.0, "max_seconds": 3600.0}
VIEWS = [(dim, precision) for dim in (24, 9) for precision in PRECISIONS]


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
        "views": VIEWS,
        "kinds": ["flat", "hnsw"],
        "detail": {},
        "corpus_size": None,
        "full": True,
        "shortlist": 20,
        "calls": CALLS,
    }


def vectors_of(texts):
    return np.stack([FakeEncoder(width=24).vector(text) for text in texts])


def filled(quantiser, vectors, kind="flat"):
    """An index that was given all vectors at once."""
    index = indices.make_index(quantiser.view, kind)
    prepared = indices.prepare(quantiser, vectors)
    if not index.is_trained:
        index.train(prepared)
    index.add(prepared)
    return index


def test_every_view_has_its_figures(job):
    built, timed = build.probe(job), search.probe(job)
    bulk, again = search_bulk.probe(job), rerank.probe(job)
    for dim, precision in VIEWS:
        for kind in ("flat", "hnsw"):
            detail = {"index": "hnsw"} if kind == "hnsw" else {}
            of_view = [t for t in timed.timed if (t.truncate_dim, t.precision, t.detail) == (dim, precision, detail)]
            assert [len(t.milliseconds) for t in of_view] == [90]
            assert min(of_view[0].milliseconds) > 0
            names = [
                f.name
                for f in [*built.figures, *bulk.figures]
                if (f.truncate_dim, f.precision, f.detail) == (dim, precision, detail)
            ]
            extra = ["hnsw_build_s", "hnsw_recall_at_10"] if kind == "flat" else []
            assert sorted(names) == sorted(["index_bytes", "search_queries_per_s", *extra])
    assert {(t.name, t.truncate_dim, t.precision, len(t.milliseconds)) for t in again.timed} == {
        ("rerank", *view, 90) for view in VIEWS
    }
    assert built.settings["documents"] == 50
    assert built.settings["hnsw"] == {"M": 16, "efConstruction": 100, "efSearch": 64}
    memory = search_memory.probe(job | {"views": [(24, "int8")], "kinds": ["hnsw"]})
    assert [(f.name, f.truncate_dim, f.precision, f.detail) for f in memory.figures] == [
        ("memory_search_mib", 24, "int8", {"index": "hnsw"})
    ]


def test_the_second_stage_ranks_as_a_product_of_all_does(job):
    build.probe(job)
    documents = np.load(Path(job["workspace"]) / indices.FULL)
    second_stage = rerank.SecondStage(documents, 20)
    rng = np.random.default_rng(5)
    for _ in range(5):
        vector, rows = rng.standard_normal(documents.shape[1], np.float32), rng.permutation(50)[:20]
        by_hand = sorted(rows, key=lambda row: -float(documents[row].astype(float) @ vector))
        assert second_stage((vector, rows)).tolist() == by_hand[:10]


@pytest.mark.parametrize(
    ("dim", "precision", "vector_bytes"),
    # 9 bits are padded to 2 bytes; int8 adds its ranges, two floats a dimension, to the header.
    [(24, "float32", 96), (24, "float16", 48), (24, "int8", 24), (24, "binary", 3), (9, "binary", 2), (9, "int8", 9)],
)
@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_index_bytes_are_those_of_the_file_that_faiss_writes(job, tmp_path, dim, precision, vector_bytes, kind):
    answer = build.probe(job | {"views": [(dim, precision)], "kinds": [kind]})
    (size,) = [f.value for f in answer.figures if f.name == "index_bytes"]
    index = filled(Quantiser(View(dim, precision), "cosine"), vectors_of(DOCUMENTS), kind)
    write = faiss.write_index_binary if precision == "binary" else faiss.write_index
    write(index, str(tmp_path / "index"))
    assert (tmp_path / "index").stat().st_size == size
    if kind == "flat":
        header = size - 50 * vector_bytes
        assert 0 < header < 200 + 8 * dim


def test_int8_learns_from_the_whole_corpus_whatever_the_chunks(job, monkeypatch):
    # Each chunk of 7 has other extremes; the codes are those of an index that saw all documents at once.
    monkeypatch.setattr("bench.cost.corpus.CHUNK_ROWS", 7)
    build.probe(job | {"views": [(9, "int8")]})
    for kind in ("flat", "hnsw"):
        index = filled(Quantiser(View(9, "int8"), "cosine"), vectors_of(DOCUMENTS), kind)
        built = indices.read_index(Path(job["workspace"]), View(9, "int8"), kind)
        np.testing.assert_array_equal(*(found.reconstruct_n(0, 50) for found in (built, index)))


def test_the_index_finds_what_the_scores_find(job):
    # The latency belongs to a search that answers right: its best document is the one of exact cosine.
    vectors, queries = vectors_of(DOCUMENTS), vectors_of(QUERIES)
    for precision in PRECISIONS:
        quantiser = fit(View(24, precision), "cosine", [vectors])
        asked = quantiser.comparable(queries), quantiser.comparable(vectors)
        scores = score_cells(*asked, *np.divmod(np.arange(9 * 50), 50)).reshape(9, 50)
        for kind in ("flat", "hnsw"):
            index = filled(quantiser, vectors, kind)
            found = index.search(indices.prepare(quantiser, queries), 1)[1][:, 0]
            reached = scores[np.arange(9), found]
            # faiss takes int8 queries as they are, ours are cut to the corpus's ranges: near the best will do there.
            np.testing.assert_allclose(reached, scores.max(axis=1), atol=0.05 if precision == "int8" else 1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recall_is_the_share_of_results_as_near_as_the_tenth(job, monkeypatch, precision):
    # With next to no effort HNSW misses some; brute force says how many.
    monkeypatch.setattr(indices, "EF_SEARCH", 1)
    monkeypatch.setattr(indices, "EF_CONSTRUCTION", 1)
    monkeypatch.setattr(indices, "M", 2)
    build.probe(job | {"views": [(9, precision)]})
    (value,) = [f.value for f in search_bulk.probe(job | {"views": [(9, precision)]}).figures if "recall" in f.name]
    quantiser = Quantiser(View(9, precision), "cosine")
    workspace = Path(job["workspace"])
    stored = indices.read_index(workspace, View(9, precision), "hnsw")
    queries = indices.prepare(quantiser, vectors_of(QUERIES))
    rows = stored.search(queries, 10)[1]
    if precision == "binary":
        bits = [np.unpackbits(codes, axis=1) for codes in (queries, indices.prepare(quantiser, vectors_of(DOCUMENTS)))]
        nearness = -(bits[0][:, None] != bits[1][None]).sum(axis=2).astype(float)
    else:
        documents = indices.read_index(workspace, View(9, precision), "flat").reconstruct_n(0, 50)
        nearness = queries.astype(np.float64) @ documents.T.astype(np.float64)
    tenth = np.sort(nearness, axis=1)[:, -10]
    hits = [
        sum(row >= 0 and nearness[query, row] >= tenth[query] - 1e-6 for row in found)
        for query, found in enumerate(rows)
    ]
    assert value == pytest.approx(np.mean(hits) / 10)
    assert value < 1


def test_ties_and_missing_results_in_recall():
    exact = np.array([[3.0, 2.0, 2.0], [-1.0, -4.0, -4.0]])
    found = np.array([[2.0, 2.0, 1.0], [-4.0, -4.0, -np.inf]])
    np.testing.assert_allclose(search_bulk.recall(exact, found), [2 / 3, 2 / 3])


def test_reranking_puts_the_best_of_the_shortlist_first(job):
    build.probe(job)
    workspace = Path(job["workspace"])
    documents, queries = (np.load(workspace / name) for name in (indices.FULL, indices.FULL_QUERIES))
    np.testing.assert_allclose(documents, vectors_of(DOCUMENTS), atol=1e-6)
    rows = np.array([30, 4, 17, 8])
    best = max(rows, key=lambda row: float(queries[0] @ documents[row]))
    assert rerank.SecondStage(documents, 4)((queries[0], rows))[0] == best


def test_cascades_are_timed_at_every_view_and_length(job):
    build.probe(job)
    found = cascade.probe(job | {"shortlists": [5, 50]})
    assert [(t.name, t.truncate_dim, t.precision, t.detail, len(t.milliseconds)) for t in found.timed] == [
        ("cascade", *view, {"shortlist": length}, 90) for view in VIEWS for length in (5, 50)
    ]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_cascade_ranks_its_shortlist_by_the_whole_vectors(job, precision):
    build.probe(job | {"views": [(9, precision)]})
    workspace, view = Path(job["workspace"]), View(9, precision)
    documents, queries = vectors_of(DOCUMENTS), vectors_of(QUERIES)
    index = indices.read_index(workspace, view, "flat")
    for short, query in zip(indices.read_queries(workspace, view)[:, None, :], queries, strict=True):
        for length in (12, 50):
            shortlist = index.search(short, length)[1][0]
            expected = sorted(shortlist, key=lambda row: -float(documents[row].astype(float) @ query))[:10]
            assert cascade.Cascade(index, documents, length)((short, query)).tolist() == expected


def test_vectors_bytes_are_those_of_files(job, tmp_path):
    answer = storage.probe(job)
    sizes = {(f.truncate_dim, f.precision): f.value for f in answer.figures if f.name == "vectors_bytes"}
    per_vector = {(f.truncate_dim, f.precision): f.value for f in answer.figures if f.name == "bytes_per_vector"}
    for dim, precision in VIEWS:
        quantiser = fit(View(dim, precision), "cosine", [vectors_of(DOCUMENTS)])
        codes = quantiser.codes(vectors_of(DOCUMENTS))
        np.save(tmp_path / "codes.npy", np.packbits(codes, axis=1) if precision == "binary" else codes)
        expected = (tmp_path / "codes.npy").stat().st_size
        if precision == "int8":
            np.save(tmp_path / "ranges.npy", np.stack([quantiser.ranges.low, quantiser.ranges.high]))
            expected += (tmp_path / "ranges.npy").stat().st_size
        assert sizes[dim, precision] == expected
        assert per_vector[dim, precision] == View(dim, precision).bytes_per_vector
    assert not (tmp_path / "vectors.npy").exists()


def test_projections_are_marked_as_computed(job):
    computed = [f for f in storage.probe(job | {"views": [(24, "int8")]}).figures if f.computed]
    assert {f.name for f in computed} == {"index_bytes"}
    assert {(f.detail["vectors"], f.detail["index"]): f.value for f in computed} == {
        (count, kind): index_layout.index_bytes(View(24, "int8"), count, kind)
        for count in (10**6, 10**7, 10**8)
        for kind in ("flat", "hnsw")
    }


def test_a_synthetic_corpus_is_searched_instead_of_the_tasks(job):
    synthetic = job | {"corpus_size": 3000, "detail": {"corpus": 3000}, "full": False, "views": [(9, "int8")]}
    built = build.probe(synthetic)
    assert built.settings["documents"] == 3000
    assert {(f.name, tuple(f.detail.items())) for f in built.figures} == {
        ("index_bytes", (("corpus", 3000),)),
        ("index_bytes", (("corpus", 3000), ("index", "hnsw"))),
        ("hnsw_build_s", (("corpus", 3000),)),
    }
    assert indices.read_index(Path(job["workspace"]), View(9, "int8"), "hnsw").ntotal == 3000
    # What the view before left is gone.
    build.probe(synthetic | {"views": [(24, "binary")]})
    assert {path.name.rpartition(".")[0] for path in Path(job["workspace"]).glob("*.index")} == {
        "24 binary.flat",
        "24 binary.hnsw",
    }


def test_too_little_room_is_said_before_anything_is_built(job, tmp_path, monkeypatch):
    class Usage:
        free = 10_000

    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BenchError, match=r"MB of disk, but 0 MB are free") as caught:
        build.probe(job)
    assert "TMPDIR" in str(caught.value.hint)
    monkeypatch.undo()

    class Memory:
        available = 10_000

    monkeypatch.setattr(build.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(BenchError, match=r"of memory while it is built, but 0 MB are available"):
        build.probe(job)
    assert list(tmp_path.glob("*.index")) == []


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
