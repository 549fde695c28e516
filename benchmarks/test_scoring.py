"""Scoring retrieval from vectors at hand: bench against mteb's own search and evaluation, and a million documents.

Vectors are synthetic, of 384 dimensions; each of 1,000 queries has a relevant document near it and one anywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.quality.evaluate import score_retrieval
from bench.statistics import bootstrap
from bench.tasks.data import RetrievalData
from bench.vectors.store import Vectors
from bench.views import PRECISIONS, View

WIDTH, QUERIES = 384, 1000
DIMS = (384, 192, 96, 48)
VIEWS = [View(dim, precision) for precision in PRECISIONS for dim in DIMS]

# Scores a million documents from a memory-mapped file in a process of its own; then the matrix products alone, in the
# same tiles and threads; then float32 and binary without nesting. Prints seconds and MiB.
MILLION = """
import json, sys, time
import numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_scoring import DIMS, VIEWS, WIDTH, data_of, vectors_of
from bench.cost.memory import peak_rss_mib
from bench.quality import dense
from bench.quality.evaluate import score_retrieval
from bench.quality.threads import each_block
folder = Path(sys.argv[1])
documents = vectors_of(np.load(folder / "documents.npy", mmap_mode="r"))
queries = vectors_of(np.load(folder / "queries.npy"))
data = data_of(len(documents), np.load(folder / "pairs.npy"))
before = peak_rss_mib()

def seconds(views):
    start = time.perf_counter()
    scored = list(score_retrieval(data, queries, documents, views, "cosine"))
    return time.perf_counter() - start, {str(view): scores.metrics["ndcg_at_10"].value for view, scores in scored}

total, ndcg = seconds(VIEWS)
peak = peak_rss_mib()
rows = dense._block_rows(len(queries), documents)
block, asked = documents.rows(np.arange(rows)), queries.all()
blocks = -(-len(documents) // rows)

def multiply(parts):
    def work(_):
        for begin, end in parts:
            asked[:, begin:end] @ block[:, begin:end].T
    start = time.perf_counter()
    each_block(work, range(blocks))
    return time.perf_counter() - start

apart = [(0, dim) for dim in DIMS]
nested = list(zip([0, *sorted(DIMS)[:-1]], sorted(DIMS)))
products = 2 * multiply(nested) + 2 * multiply(apart)
groups = {name: [view for view in VIEWS if view.precision == name] for name in dense._NESTED}
with_nesting = {name: seconds(views)[0] for name, views in groups.items()}
dense._NESTED = ()
without = {name: seconds(views)[0] for name, views in groups.items()}
print(json.dumps({"seconds": total, "products": products, "before": before, "peak": peak, "ndcg": ndcg,
                  "nested": with_nesting, "apart": without}))
"""


def vectors_of(matrix) -> Vectors:
    return Vectors([matrix], np.arange(len(matrix)), WIDTH)


def data_of(n_documents: int, pairs) -> RetrievalData:
    queries = [f"q{row}" for row in range(QUERIES)]
    documents = [f"d{row}" for row in range(n_documents)]
    gains = np.ones(len(pairs), dtype=np.int64)
    return RetrievalData(documents, documents, queries, queries, pairs[:, 0], pairs[:, 1], gains)


def make(n_documents: int, documents: np.ndarray):
    """Fill a matrix with unit vectors; queries beside some of them, and the relevant pairs."""
    rng = np.random.default_rng(0)
    for start in range(0, n_documents, 10_000):
        block = rng.standard_normal((min(10_000, n_documents - start), WIDTH), dtype=np.float32)
        documents[start : start + 10_000] = block / np.linalg.norm(block, axis=1, keepdims=True)
    near, far = rng.choice(n_documents, (2, QUERIES), replace=False)
    queries = documents[near] + 0.08 * rng.standard_normal((QUERIES, WIDTH), dtype=np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    rows = np.arange(QUERIES)
    return queries, np.concatenate([np.stack([rows, near], axis=1), np.stack([rows, far], axis=1)])


def mteb_seconds(queries: np.ndarray, documents: np.ndarray, data: RetrievalData) -> tuple[float, dict[str, float]]:
    """mteb's search wrapper and its evaluator on vectors at hand: seconds and nDCG."""
    from datasets import Dataset
    from mteb._evaluators.retrieval_evaluator import RetrievalEvaluator
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.models.search_wrappers import SearchEncoderWrapper
    from mteb.timing import TimingStack
    from sentence_transformers.util import cos_sim

    class AtHand:
        """Gives the rows it is asked for, in order."""

        mteb_model_meta = None
        row = 0

        def encode(self, loader, *, prompt_type, **_):
            if prompt_type.value == "query":
                return queries
            start, self.row = self.row, self.row + len(loader.dataset)
            return documents[start : self.row]

        similarity = staticmethod(cos_sim)

    metadata = TaskMetadata(
        name="Local", description="local", type="Retrieval", category="t2t", modalities=["text"],
        main_score="ndcg_at_10", dataset={"path": "local/data", "revision": "1"}, eval_splits=["test"],
        eval_langs=["eng-Latn"],
    )  # fmt: skip
    empty = {"text": [""] * len(data.document_ids), "title": [""] * len(data.document_ids)}
    corpus = Dataset.from_dict({"id": data.document_ids, **empty})
    asked = Dataset.from_dict({"id": data.query_ids, "text": data.queries})
    relevant: dict[str, dict[str, int]] = {}
    for query, document in zip(data.pair_queries, data.pair_documents, strict=True):
        relevant.setdefault(data.query_ids[query], {})[data.document_ids[document]] = 1
    evaluator = RetrievalEvaluator(
        corpus, asked, task_metadata=metadata, hf_split="test", hf_subset="default",
        top_k=max(AbsTaskRetrieval.k_values), timer=TimingStack(),
    )  # fmt: skip
    start = time.perf_counter()
    found = evaluator(SearchEncoderWrapper(AtHand()), encode_kwargs={"show_progress_bar": False})
    scores = evaluator.evaluate(relevant, found, AbsTaskRetrieval.k_values)
    return time.perf_counter() - start, scores.ndcg


def cut(matrix: np.ndarray, dim: int) -> np.ndarray:
    return matrix[:, :dim] / np.linalg.norm(matrix[:, :dim], axis=1, keepdims=True)


@pytest.mark.parametrize("n_documents", [5_000, 100_000])
def test_against_mteb_a_view(benchmark, n_documents, ratio) -> None:
    documents = np.empty((n_documents, WIDTH), dtype=np.float32)
    queries, pairs = make(n_documents, documents)
    data = data_of(n_documents, pairs)
    # Its first call imports and warms up.
    mteb_seconds(queries, documents[:1000], data_of(1000, pairs % 1000))

    def ours(views):
        bootstrap._drawn.cache_clear()
        start = time.perf_counter()
        scored = list(score_retrieval(data, vectors_of(queries), vectors_of(documents), views, "cosine"))
        return (time.perf_counter() - start) / len(views), scored

    theirs = {dim: mteb_seconds(cut(queries, dim), cut(documents, dim), data) for dim in DIMS}
    alone = {dim: ours([View(dim)]) for dim in DIMS}
    sweep, _ = benchmark.pedantic(ours, args=(VIEWS,), rounds=1, iterations=1)
    for dim, (seconds, ((_, scores),)) in alone.items():
        expected, ndcg = theirs[dim]
        ratio(
            f"{n_documents:,} documents, {dim} float32 alone: mteb {expected:.2f} s, bench {seconds:.3f} s: "
            f"{expected / seconds:.1f} times as fast"
        )
        for k in (10, 1000):
            assert scores.metrics[f"ndcg_at_{k}"].value == pytest.approx(ndcg[f"NDCG@{k}"], abs=1.5e-5)
    mean = sum(seconds for seconds, _ in theirs.values()) / len(theirs)
    ratio(
        f"{n_documents:,} documents, a view of a sweep of 16: mteb {mean:.2f} s (mean of 4 dims), bench {sweep:.3f} s: "
        f"{mean / sweep:.1f} times as fast"
    )


def test_a_million_documents(benchmark, tmp_path: Path, ratio) -> None:
    n_documents = 1_000_000
    file = tmp_path / "documents.npy"
    documents = np.lib.format.open_memmap(file, "w+", dtype=np.float32, shape=(n_documents, WIDTH))
    queries, pairs = make(n_documents, documents)
    documents.flush()
    del documents
    np.save(tmp_path / "queries.npy", queries)
    np.save(tmp_path / "pairs.npy", pairs)
    command = [sys.executable, "-c", MILLION, str(tmp_path), str(Path(__file__).parent)]
    output = benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout, rounds=1, iterations=1
    )
    found = json.loads(output.splitlines()[-1])
    ratio(
        f"a million documents, 1,000 queries, 16 views: {found['seconds']:.1f} s; "
        f"the matrix products alone {found['products']:.1f} s: {found['products'] / found['seconds']:.0%}"
    )
    ratio(
        f"peak resident memory {found['peak']:,.0f} MiB, {found['before']:,.0f} MiB of it before scoring; limit 3,072"
    )
    for name, nested in found["nested"].items():
        apart = found["apart"][name]
        ratio(f"4 dims in {name}: nested {nested:.1f} s, apart {apart:.1f} s: {apart / nested:.2f} times as fast")
    assert found["peak"] < 3072
