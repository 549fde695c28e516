r"""What a model's ranking makes of each document of a query: its part of nDCG@k, ties by expectation.

A document that `a` documents beat and that ties with `t` documents, itself included, takes each of the ranks a+1 .. a+t
with probability 1/t, so that a label g adds g * w to DCG@k with w = 1/t * sum of 1 / log2(rank + 1) over those of these
ranks within the first k (bench.quality.retrieval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.models.settings import Similarity
from bench.quality.bm25 import Bm25
from bench.quality.dense import fit_views
from bench.quality.evaluate import left_out
from bench.quality.exact import ExactScores, ScoreTiles, TileWork, find_candidates, top_scores
from bench.quality.retrieval import DISCOUNTS
from bench.tasks.data import RetrievalData
from bench.vectors.rows import VectorRows
from bench.views import View

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """The documents that a model can rank among the first k of each query.

    Attributes:
        queries: Query row of each place, shape (c,), rising.
        documents: Its document row, shape (c,).
        weights: What a label of 1 adds to DCG@k, above 0, shape (c,).
    """

    queries: Int64
    documents: Int64
    weights: Float64

    def by_query(self, n: int) -> list[dict[int, float]]:
        """The weights of each of the n queries by document row; a document that is not there weighs nothing."""
        found: list[dict[int, float]] = [{} for _ in range(n)]
        for query, document, weight in zip(
            self.queries.tolist(), self.documents.tolist(), self.weights.tolist(), strict=True
        ):
            found[query][document] = weight
        return found


def dense_places(
    data: RetrievalData, queries: VectorRows, documents: VectorRows, view: View, similarity: Similarity, k: int
) -> Places:
    """The places that a model gives at a view, by the scores that its quality is made of.

    Args:
        data: The task.
        queries: Full vectors of data.queries.
        documents: Full vectors of data.documents.
        view: The view.
        similarity: The model's similarity.
        k: Ranks that count.

    Raises:
        BenchError: The view cannot hold these vectors or their scores.
    """
    (quantiser,) = fit_views([view], similarity, documents)
    return _places(ExactScores(quantiser, queries.all(), documents, left_out(data)), k)


def word_places(data: RetrievalData, k: int) -> Places:
    """The places that BM25 gives; a document that shares no word with the query has none."""
    return _places(_WordScores(data), k)


class _WordScores:
    """BM25's scores of all queries for all documents."""

    def __init__(self, data: RetrievalData) -> None:
        self._index = Bm25(data.documents)
        self._queries: Sequence[str] = data.queries
        self._documents = len(data.documents)
        self._left_out = left_out(data)

    def __len__(self) -> int:
        return len(self._queries)

    def each_tile(self, work: TileWork) -> None:
        """Show every score once."""
        for block in self._index.blocks(list(self._queries)):
            scores = block.scores.copy()
            scores[0, self._left_out[1][self._left_out[0] == block.queries.start]] = -np.inf
            work(block.queries, slice(0, self._documents), scores)


def _places(scores: ScoreTiles, k: int) -> Places:
    top = top_scores(scores, k)
    found = find_candidates(scores, top)
    above, tied = top.places(found.rows, found.scores)
    sums = np.concatenate([[0.0], np.cumsum(DISCOUNTS[:k])])
    weights = (sums[np.minimum(above + tied, k)] - sums[np.minimum(above, k)]) / tied
    return Places(found.rows, found.documents, weights)
