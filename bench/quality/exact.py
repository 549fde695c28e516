"""All exact scores of queries for documents at one view, a tile at a time, and the best of them.

A score is the float64 product of two directions, which is exact (bench.vectors.quantise), times their weights, rounded
to float32: it depends on its two vectors alone, so that equal vectors tie exactly. Each block of documents is read and
quantised once, whatever the number of queries; no more than a few tiles are held.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.quality.agreement import Candidates, TopScores
from bench.quality.ranker import beyond_range, score_all
from bench.quality.threads import each_block
from bench.vectors.pipeline import usable_cores
from bench.vectors.quantise import Comparable, Quantiser
from bench.vectors.rows import VectorRows

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

# Rows of a tile: its float64 products take 16 MiB a thread.
_QUERY_ROWS = 1024
_DOCUMENT_ROWS = 2048
# Values of full vectors in a block, however wide they are.
_BLOCK_VALUES = 1 << 21

# Called from several threads at once with query rows, document rows and their scores, -inf for what is not ranked.
TileWork: TypeAlias = Callable[[slice, slice, Float32], None]


class ScoreTiles(Protocol):
    """The scores of some queries for all documents, a tile at a time; its length is the number of queries."""

    def __len__(self) -> int: ...

    def each_tile(self, work: TileWork) -> None:
        """Show every score once, in any order."""


def score_tile(queries: Comparable, documents: Comparable) -> Float32:
    """The exact scores of n queries for m documents, shape (n, m), float32.

    Raises:
        BenchError: A score is beyond the range of float32.
    """
    scores = score_all(queries, documents)
    if not np.isfinite(scores).all():
        raise beyond_range()
    return scores


class ExactScores:
    """The scores of some queries for all documents at one view.

    Args:
        quantiser: The view's quantiser.
        queries: The queries' full vectors, shape (n, width), float32.
        documents: The documents' vectors.
        left_out: Query and document rows of the pairs that are not ranked, shape (e,) each.
    """

    def __init__(
        self, quantiser: Quantiser, queries: Float32, documents: VectorRows, left_out: tuple[Int64, Int64]
    ) -> None:
        self._quantiser = quantiser
        self._queries = quantiser.comparable(queries)
        self._documents = documents
        order = np.argsort(left_out[1], kind="stable")
        self._left_out = left_out[0][order], left_out[1][order]

    def __len__(self) -> int:
        return len(self._queries.weights)

    def each_tile(self, work: TileWork) -> None:
        """Show every score once, in no order.

        Raises:
            BenchError: The view cannot hold these vectors or their scores.
        """
        count = len(self._documents)
        # Few enough for every core to have a block.
        size = max(min(_DOCUMENT_ROWS, _BLOCK_VALUES // self._documents.width, -(-count // usable_cores())), 1)

        def score(columns: slice) -> None:
            block = self._quantiser.comparable(self._documents.rows(columns))
            mine = slice(*np.searchsorted(self._left_out[1], [columns.start, columns.stop]))
            out_rows, out_columns = self._left_out[0][mine], self._left_out[1][mine] - columns.start
            for start in range(0, len(self), _QUERY_ROWS):
                rows = slice(start, min(start + _QUERY_ROWS, len(self)))
                part = Comparable(self._queries.directions[rows], self._queries.weights[rows])
                tile = score_tile(part, block)
                inside = (out_rows >= rows.start) & (out_rows < rows.stop)
                tile[out_rows[inside] - rows.start, out_columns[inside]] = -np.inf
                work(rows, columns, tile)

        each_block(score, (slice(start, min(start + size, count)) for start in range(0, count, size)))


class TopKeeper:
    """Keeps the best scores of each query while tiles go by; threads may share it.

    Args:
        n: Number of queries.
        depth: Places to keep.
    """

    def __init__(self, n: int, depth: int) -> None:
        self._best = np.full((n, depth), -np.inf, dtype=np.float32)
        # Documents that tie with the last place and have none.
        self._beyond = np.zeros(n, dtype=np.int64)
        self._lock = Lock()

    def add(self, rows: slice, tile: Float32) -> None:
        """Take in the scores of some queries for further documents."""
        depth = self._best.shape[1]
        best, beyond = _leading(tile, depth)
        with self._lock:
            before = self._best[rows]
            merged, lost = _leading(np.concatenate([before, best], axis=1), depth)
            for edge, tied in ((before[:, 0], self._beyond[rows]), (best[:, 0], beyond)):
                lost += np.where(edge == merged[:, 0], tied, 0)
            self._best[rows], self._beyond[rows] = merged, lost

    def top(self) -> TopScores:
        """The best scores once all tiles have been added."""
        scores = np.sort(self._best, axis=1)[:, ::-1]
        return TopScores(scores, (scores == scores[:, -1:]).sum(axis=1) + self._beyond)


def top_scores(scores: ScoreTiles, depth: int) -> TopScores:
    """The best scores of each query."""
    keeper = TopKeeper(len(scores), depth)
    scores.each_tile(lambda rows, _, tile: keeper.add(rows, tile))
    return keeper.top()


def find_candidates(scores: ScoreTiles, top: TopScores) -> Candidates:
    """The documents of the best scores, all that tie for the last place included.

    Args:
        scores: The scores.
        top: Their best.
    """
    found: list[tuple[Int64, Int64, Float32]] = []

    def take(rows: slice, columns: slice, tile: Float32) -> None:
        query, document = np.nonzero((tile >= top.scores[rows, -1:]) & (tile > -np.inf))
        found.append((query + rows.start, document + columns.start, tile[query, document]))

    scores.each_tile(take)
    queries, documents, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((-values, queries))
    starts = np.searchsorted(queries[order], np.arange(len(scores) + 1))
    return Candidates(top, starts, documents[order], values[order])


def view_of_candidates(scores: ExactScores, candidates: Candidates, depth: int) -> tuple[TopScores, Float32]:
    """A view's best scores, and its scores of the reference's candidates, from one pass over the documents.

    Args:
        scores: The view's scores.
        candidates: The reference's documents.
        depth: Places.

    Returns:
        The best scores, and the candidates' scores, shape (c,).
    """
    keeper = TopKeeper(len(scores), depth)
    order = np.argsort(candidates.documents, kind="stable")
    documents, queries = candidates.documents[order], candidates.rows[order]
    values = np.empty(len(order), dtype=np.float32)

    def take(rows: slice, columns: slice, tile: Float32) -> None:
        keeper.add(rows, tile)
        mine = np.arange(*np.searchsorted(documents, [columns.start, columns.stop]))
        mine = mine[(queries[mine] >= rows.start) & (queries[mine] < rows.stop)]
        values[order[mine]] = tile[queries[mine] - rows.start, documents[mine] - columns.start]

    scores.each_tile(take)
    return keeper.top(), values


def _leading(scores: Float32, depth: int) -> tuple[Float32, Int64]:
    """The best scores of each row, the lowest of them first, and how many others tie with that one."""
    short = depth - scores.shape[1]
    if short > 0:
        scores = np.pad(scores, ((0, 0), (short, 0)), constant_values=-np.inf)
    best = np.partition(scores, scores.shape[1] - depth, axis=1)[:, -depth:]
    edge = best[:, :1]
    return best, (scores == edge).sum(axis=1) - (best == edge).sum(axis=1)
