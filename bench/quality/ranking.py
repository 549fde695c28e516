"""The best documents of each query, gathered from blocks of scores in bounded memory, with ties counted.

Scores are compared in float32: two documents whose scores are equal there are tied, and how many are tied
is kept, so that metrics can give the expected value over the orders of tied documents (bench.quality.retrieval).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.vectors.quantise import Comparable

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

# Bytes of one block of float64 scores: small enough to stay in bounds, large enough for the matrix product.
_SCORE_BYTES = 32 << 20
_BLOCK_ROWS = 4096
# Steps a unit: far finer than float32 near 1, far coarser than the rounding errors of a float64 product.
_GRID = 2.0**32


@dataclass(frozen=True)
class ScoreBlock:
    """Scores of some queries for some documents.

    Attributes:
        queries: Rows of consecutive queries.
        documents: Rows of the documents, shape (m,); every document stands in one block a query.
        scores: Shape (queries, m), float32; -inf for a document that is not to be ranked.
    """

    queries: slice
    documents: Int64
    scores: Float32


@dataclass(frozen=True)
class Ranking:
    """The top of each query's ranking.

    Attributes:
        scores: Best scores, falling, shape (n, k), float32; -inf where there are fewer documents.
        documents: Their rows, shape (n, k); -1 where there are fewer.
        ties_cut: Documents that tie with the last one kept but did not find room, shape (n,).
        pair_scores: The score of each (query, document) pair asked for, shape (p,); -inf if not ranked.
    """

    scores: Float32
    documents: Int64
    ties_cut: Int64
    pair_scores: Float32


def dense_blocks(queries: Comparable, documents: Iterable[tuple[Int64, Comparable]]) -> Iterator[ScoreBlock]:
    """Score blocks of vectors.

    A score must depend on its two vectors alone, not on where they stand in a block, so that equal vectors tie
    exactly. The product is therefore taken in float64, put on a grid that its rounding errors cannot reach (they
    would survive in float32 near 0), and only then rounded to float32.

    Args:
        queries: n vectors.
        documents: Rows and their vectors, block by block.
    """
    for rows, block in documents:
        height = max(_SCORE_BYTES // (8 * len(rows)), 1)
        transposed = np.ascontiguousarray(block.directions.T)
        for start in range(0, len(queries.directions), height):
            part = slice(start, min(start + height, len(queries.directions)))
            products = queries.directions[part] @ transposed
            np.rint(np.multiply(products, _GRID, out=products), out=products)
            products *= (queries.weights[part] / _GRID)[:, None]
            products *= block.weights
            yield ScoreBlock(part, rows, products.astype(np.float32))


def block_rows(n_queries: int) -> int:
    """Documents a block, so that one block of scores stays within bounds."""
    return max(min(_SCORE_BYTES // (8 * max(n_queries, 1)), _BLOCK_ROWS), 256)


def rank(
    blocks: Iterable[ScoreBlock],
    *,
    n_queries: int,
    n_documents: int,
    k: int,
    pair_queries: Int64,
    pair_documents: Int64,
    exclude: tuple[Int64, Int64] | None = None,
) -> Ranking:
    """Gather blocks into each query's top k.

    Args:
        blocks: Score blocks that cover every (query, document) pair once.
        n_queries: Number of queries.
        n_documents: Number of documents.
        k: Documents to keep a query.
        pair_queries: Query rows of pairs whose scores are wanted, shape (p,).
        pair_documents: Their document rows, shape (p,).
        exclude: Query and document rows of pairs that are left out of the ranking.
    """
    gatherer = _Gatherer(n_queries, k)
    pairs = _PairIndex(pair_queries, pair_documents, n_documents)
    left_out = _PairIndex(*exclude, n_documents) if exclude is not None else None
    pair_scores = np.full(len(pair_queries), -np.inf, dtype=np.float32)
    for block in blocks:
        if left_out is not None:
            _, rows, columns = left_out.within(block)
            scores = block.scores.copy()
            scores[rows, columns] = -np.inf
            block = replace(block, scores=scores)  # noqa: PLW2901 - the block without the pairs left out
        found, rows, columns = pairs.within(block)
        pair_scores[found] = block.scores[rows, columns]
        gatherer.add(block)
    return gatherer.ranking(pair_scores)


class _PairIndex:
    """Finds the pairs that fall into a block."""

    def __init__(self, queries: Int64, documents: Int64, n_documents: int) -> None:
        self._queries = queries
        self._order = np.argsort(documents, kind="stable")
        self._sorted = documents[self._order]
        self._column = np.full(n_documents, -1, dtype=np.int64)
        self._documents = documents

    def within(self, block: ScoreBlock) -> tuple[Int64, Int64, Int64]:
        """Numbers of the pairs in the block, and their places in its scores."""
        rows = np.sort(block.documents)
        left = np.searchsorted(self._sorted, rows, side="left")
        right = np.searchsorted(self._sorted, rows, side="right")
        counts = right - left
        # The ranges left[i]:right[i], one after the other.
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found = self._order[np.repeat(left, counts) + offsets]
        start, stop = block.queries.start, block.queries.stop
        found = found[(self._queries[found] >= start) & (self._queries[found] < stop)]
        self._column[block.documents] = np.arange(len(block.documents))
        return found, self._queries[found] - start, self._column[self._documents[found]]


class _Gatherer:
    """The running top k of every query, and the exact number of ties at its end."""

    def __init__(self, n_queries: int, k: int) -> None:
        self.scores = np.full((n_queries, k), -np.inf, dtype=np.float32)
        self.documents = np.full((n_queries, k), -1, dtype=np.int64)
        self.ties_cut = np.zeros(n_queries, dtype=np.int64)
        self._last = np.full(n_queries, -np.inf, dtype=np.float32)
        self._k = k

    def add(self, block: ScoreBlock) -> None:
        part = block.queries
        last = self._last[part]
        # Documents tied with the present last place stay outside, counted; if the last place rises they drop out.
        self.ties_cut[part] += np.where(last > -np.inf, (block.scores == last[:, None]).sum(axis=1), 0)
        hits = block.scores > last[:, None]
        changed = np.flatnonzero(hits.any(axis=1))
        if not len(changed):
            return
        new_scores, new_documents = _pack(block, hits, changed)
        rows = changed + part.start
        pool_scores = np.concatenate([self.scores[rows], new_scores], axis=1)
        pool_documents = np.concatenate([self.documents[rows], new_documents], axis=1)
        best = np.argpartition(-pool_scores, self._k - 1, axis=1)[:, : self._k]
        scores = np.take_along_axis(pool_scores, best, axis=1)
        lowest = scores.min(axis=1)
        tied_kept = (scores == lowest[:, None]).sum(axis=1)
        tied_pool = (pool_scores == lowest[:, None]).sum(axis=1)
        carried = np.where(lowest == self._last[rows], self.ties_cut[rows], 0)
        self.ties_cut[rows] = np.where(lowest > -np.inf, carried + tied_pool - tied_kept, 0)
        self.scores[rows] = scores
        self.documents[rows] = np.take_along_axis(pool_documents, best, axis=1)
        self._last[rows] = lowest

    def ranking(self, pair_scores: Float32) -> Ranking:
        order = np.argsort(-self.scores, axis=1, kind="stable")
        scores = np.take_along_axis(self.scores, order, axis=1)
        documents = np.take_along_axis(self.documents, order, axis=1)
        return Ranking(scores, np.where(scores > -np.inf, documents, -1), self.ties_cut, pair_scores)


def _pack(block: ScoreBlock, hits: npt.NDArray[np.bool_], changed: Int64) -> tuple[Float32, Int64]:
    """The hits of the changed queries, moved to the left and padded with -inf."""
    hits = hits[changed]
    counts = hits.sum(axis=1)
    width = int(counts.max())
    row, column = np.nonzero(hits)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    scores = np.full((len(changed), width), -np.inf, dtype=np.float32)
    documents = np.full((len(changed), width), -1, dtype=np.int64)
    scores[row, place] = block.scores[changed[row], column]
    documents[row, place] = block.documents[column]
    return scores, documents
