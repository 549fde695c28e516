"""One view's exact scores, and its counts while the documents go by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.quality.mteb_order import in_mteb_order
from bench.quality.ranking import IdOrder, Pairs, Ranks, Tally
from bench.vectors.quantise import Comparable, Quantiser
from bench.vectors.rows import VectorRows

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Scores computed at once one by one.
_CELLS = 1024
# Cells that are computed one by one where a matrix product would compute this many times as many.
_PRODUCT_WASTE = 64
# Documents whose scores are computed at once where all are wanted.
_BLOCK_ROWS = 2048


def beyond_range() -> BenchError:
    """Why a view whose scores overflow cannot be ranked."""
    return BenchError(
        "a score is beyond the range of float32", hint="its vectors are too long for the dot product: normalise them"
    )


def score_all(queries: Comparable, documents: Comparable) -> Float32:
    """The exact scores of n queries for m documents, shape (n, m), float32; infinite beyond its range."""
    products = queries.directions @ documents.directions.T
    products *= queries.weights[:, None] * documents.weights
    with np.errstate(over="ignore"):
        return products.astype(np.float32)


def score_cells(queries: Comparable, documents: Comparable, rows: Int64, columns: Int64) -> Float32:
    """The exact scores of some queries for some documents.

    Args:
        queries: n vectors.
        documents: m vectors.
        rows: Query row of each score, shape (c,).
        columns: Document row of each score, shape (c,).

    Returns:
        Shape (c,), float32.
    """
    if len(queries.weights) * len(documents.weights) <= _PRODUCT_WASTE * len(rows):
        products = (queries.directions @ documents.directions.T)[rows, columns]
    else:
        products = np.empty(len(rows))
        for start in range(0, len(rows), _CELLS):
            part = slice(start, start + _CELLS)
            pair = queries.directions[rows[part]], documents.directions[columns[part]]
            np.einsum("cd,cd->c", *pair, out=products[part])
    # What overflows is infinite; a relevant pair's such score is refused by its ranker.
    with np.errstate(over="ignore"):
        scores: Float32 = (products * (queries.weights[rows] * documents.weights[columns])).astype(np.float32)
    return scores


class ViewRanker:
    """One view's counts while the documents go by.

    Args:
        quantiser: The view's quantiser.
        queries: The queries' full vectors.

    Attributes:
        error: Why the view cannot be scored.
    """

    def __init__(self, quantiser: Quantiser, queries: Float32) -> None:
        self.quantiser = quantiser
        self.error: BenchError | None = None
        self._queries = queries
        self._depth: int
        self._pairs: Pairs
        self._ids: IdOrder | None
        self._tally: Tally
        self._scores: Float32
        self._excluded: Float32

    def start(self, pairs: Pairs, scores: Float32, depth: int, ids: IdOrder | None = None) -> None:
        """Take the exact scores of the pairs and, after them, of the pairs that are left out."""
        self._pairs, self._depth, self._ids = pairs, depth, ids
        if self.error is None and not np.isfinite(scores).all():
            self.error = beyond_range()
        count = len(pairs.queries)
        n = len(self._queries)
        mine, self._excluded = scores[:count].copy(), scores[count:]
        out = set(zip(pairs.excluded_queries.tolist(), pairs.excluded_documents.tolist(), strict=True))
        if out:
            both = zip(pairs.queries.tolist(), pairs.documents.tolist(), strict=True)
            mine[[pair in out for pair in both]] = -np.inf
        left_out = np.bincount(pairs.excluded_queries, minlength=n)
        self._scores = mine
        self._tally = Tally(pairs.queries, mine, n, depth, left_out, ids)

    def score(self, documents: Float32, rows: Int64, columns: Int64) -> Float32:
        """The exact scores of some cells, from the documents' full vectors."""
        asked, row = np.unique(rows, return_inverse=True)
        found, column = np.unique(columns, return_inverse=True)
        comparable = self.quantiser.comparable
        return score_cells(comparable(self._queries[asked]), comparable(documents[found]), row, column)

    def ranks(self, documents: VectorRows) -> Ranks:
        """The ranks once all documents have been counted."""
        pairs = self._pairs
        self._tally.take_back(pairs.excluded_queries, self._excluded, pairs.excluded_documents)
        found = self._tally.ranks()
        if self._ids is None:
            return found

        def scores_of(queries: Int64, part: slice) -> Float32:
            comparable = self.quantiser.comparable
            asked, blocks = comparable(self._queries[queries]), range(part.start, part.stop, _BLOCK_ROWS)
            rows = (documents.rows(slice(start, min(start + _BLOCK_ROWS, part.stop))) for start in blocks)
            return np.concatenate([score_all(asked, comparable(block)) for block in rows], axis=1)

        return in_mteb_order(found, pairs, self._ids, self._scores, self._excluded, self._depth, scores_of)

    def count(
        self, part: slice, tile: Float32, scale: Float64, margin: Float64 | None, documents: Int64, block: Float32
    ) -> None:
        """Count the documents of a block for some queries.

        Args:
            part: The queries.
            tile: Their products with the documents, shape (q, m).
            scale: What the products of each query are to be multiplied by to give scores, shape (q,); 0 if they are
                all 0.
            margin: How far a score may then be from the exact one, shape (q,); None if it is the exact one.
            documents: The documents' rows, shape (m,).
            block: Their full vectors.
        """
        floors = self._tally.floors[part].astype(np.float64)
        slack = np.zeros(len(scale)) if margin is None else margin
        lowest = np.divide(floors - slack, scale, out=np.where(floors < np.inf, -np.inf, np.inf), where=scale > 0)
        # Rounding to float32 must not raise it, and half a step is nothing to the whole numbers of exact products.
        lowest = lowest - 0.5 if margin is None else lowest
        hits = np.flatnonzero(tile >= np.nextafter(lowest.astype(np.float32), np.float32(-np.inf))[:, None])
        if not len(hits):
            return
        row, column = np.divmod(hits, tile.shape[1])
        rows, scores = row + part.start, tile.reshape(-1)[hits] * scale[row]
        if margin is None:
            exact = scores.astype(np.float32)
            first, last = self._tally.places(rows, exact, exact)
        else:
            with np.errstate(over="ignore"):
                low, high = ((scores + sign * margin[row]).astype(np.float32) for sign in (-1, 1))
            first, last = self._tally.places(rows, low, high)
            near = np.flatnonzero(last > first)
            if len(near):
                exact = self.score(block, rows[near], column[near])
                first[near], last[near] = self._tally.places(rows[near], exact, exact)
        self._tally.add(part, rows, first, last, documents[column])
