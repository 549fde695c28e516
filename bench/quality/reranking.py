r"""Quality of two stages: a shortlist at one view, ranked again at full width in float32.

Documents outside the shortlist are not retrieved. Both stages score as bench.vectors.quantise says, and metrics are
those of bench.quality.retrieval, ties in the second stage by expectation. Where documents tie for the last places of
the shortlist (binary scores often do), which of them get in is drawn a number of times, and the metrics' mean counts;
the draws depend on the texts and labels alone, not on names or order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.metrics import RETRIEVAL_METRICS
from bench.quality import retrieval
from bench.quality.ranker import score_cells
from bench.quality.ranking import ScoreBlock, rank_blocks
from bench.vectors.quantise import Comparable, Quantiser
from bench.vectors.store import Vectors
from bench.views import View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

DRAWS = 16
# Scores of the first stage held at once, and documents compared at once.
_CELLS = 1 << 22
_ROWS = 8192
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Judged:
    """Queries and documents by content, and which belong together.

    Attributes:
        queries: A number for each query's text, shape (n,).
        documents: A number for each document's text, shape (m,).
        pair_queries: Query row of each relevant pair, shape (p,).
        pair_documents: Its document row, shape (p,).
        pair_gains: Its label, at least 1, shape (p,).
        excluded_queries: Query row of each pair that is left out of the rankings, shape (e,).
        excluded_documents: Its document row, shape (e,).
    """

    queries: UInt64
    documents: UInt64
    pair_queries: Int64
    pair_documents: Int64
    pair_gains: Int64
    excluded_queries: Int64
    excluded_documents: Int64


def score_reranked(
    judged: Judged, queries: Vectors, documents: Vectors, quantiser: Quantiser, length: int, draws: int = DRAWS
) -> dict[str, Float64]:
    """Every metric of every query.

    Args:
        judged: What is relevant.
        queries: The queries' vectors.
        documents: The documents' vectors.
        quantiser: Of the view of the shortlist.
        length: Documents of a shortlist.
        draws: How often it is drawn which of tied documents fill its last places.

    Returns:
        By metric name, one value a query, shape (n,).
    """
    whole = Quantiser(View(queries.width), quantiser.similarity)
    rows = max(_CELLS // max(len(documents), 1), 1)
    totals = {name: np.zeros(len(queries)) for name in RETRIEVAL_METRICS}
    for start in range(0, len(queries), rows):
        part = slice(start, min(start + rows, len(queries)))
        vectors = queries.rows(part)
        scores = _scores(quantiser, quantiser.comparable(vectors), documents)
        inside = _inside(judged.excluded_queries, part)
        scores[judged.excluded_queries[inside] - start, judged.excluded_documents[inside]] = -np.inf
        shortlist = _shortlist(scores, length)
        again = _again(whole, vectors, documents, shortlist.documents)
        for name, values in _metrics(judged, part, shortlist, again, draws).items():
            totals[name][part] = values
    return totals


@dataclass(frozen=True)
class _Shortlist:
    """The documents that may be on the shortlists of some queries.

    Attributes:
        documents: Their rows, shape (q, c); -1 fills up.
        tied: Whether each ties for the last places, shape (q, c); the others are on it.
        places: How many of those that tie get in, shape (q,).
    """

    documents: Int64
    tied: npt.NDArray[np.bool_]
    places: Int64


def _scores(quantiser: Quantiser, queries: Comparable, documents: Vectors) -> Float32:
    """The exact scores of queries for all documents, shape (q, m), float32."""
    scores = np.empty((len(queries.weights), len(documents)), dtype=np.float32)
    for start in range(0, len(documents), _ROWS):
        block = quantiser.comparable(documents.rows(slice(start, start + _ROWS)))
        products = queries.directions @ block.directions.T
        products *= queries.weights[:, None] * block.weights
        scores[:, start : start + _ROWS] = products
    return scores


def _shortlist(scores: Float32, length: int) -> _Shortlist:
    count = scores.shape[1]
    length = min(length, count)
    last = np.partition(scores, count - length, axis=1)[:, count - length]
    reached = (scores >= last[:, None]) & (scores > -np.inf)
    row, column = np.nonzero(reached)
    sizes = reached.sum(axis=1)
    documents = np.full((len(scores), int(sizes.max(initial=0))), -1, dtype=np.int64)
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    documents[row, place] = column
    tied = np.zeros(documents.shape, dtype=np.bool_)
    tied[row, place] = scores[row, column] == last[row]
    return _Shortlist(documents, tied, length - (sizes - tied.sum(axis=1)))


def _again(whole: Quantiser, queries: Float32, documents: Vectors, rows: Int64) -> Float32:
    """The scores of shortlists at full width, shape (q, c); -inf where there is no document."""
    scores = np.full(rows.shape, -np.inf, dtype=np.float32)
    # The documents of a few queries at a time, to bound memory.
    step = max(_ROWS // max(rows.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        query, place = np.nonzero(rows[part] >= 0)
        asked, column = np.unique(rows[part][query, place], return_inverse=True)
        comparable = whole.comparable(queries[part]), whole.comparable(documents.rows(asked))
        scores[part][query, place] = score_cells(*comparable, query, column)
    return scores


def _metrics(judged: Judged, part: slice, shortlist: _Shortlist, again: Float32, draws: int) -> dict[str, Float64]:
    """The metrics of some queries, the mean of the draws."""
    n, width = again.shape
    inside = _inside(judged.pair_queries, part)
    queries, gains = judged.pair_queries[inside] - part.start, judged.pair_gains[inside]
    columns = _columns(shortlist.documents, queries, judged.pair_documents[inside])
    # Relevant documents that no shortlist can hold stand in a column of their own, which is never ranked.
    on_it = columns < width
    relevant = np.zeros((n, width), dtype=np.bool_)
    relevant[queries[on_it], columns[on_it]] = True
    seeds = _mixed(judged.documents[shortlist.documents] ^ _mixed(judged.queries[part])[:, None])
    # Equal texts have equal numbers: those with and without the label must be drawn apart.
    seeds ^= relevant
    crowded = bool((shortlist.tied.sum(axis=1) > shortlist.places).any())
    totals: dict[str, Float64] = {}
    runs = draws if crowded else 1
    for draw in range(runs):
        scores = np.full((n, width + 1), -np.inf, dtype=np.float32)
        kept = ~shortlist.tied | _drawn(seeds, draw, shortlist)
        scores[:, :width] = np.where(kept, again, -np.inf)
        ranks = rank_blocks([ScoreBlock(slice(0, n), scores)], queries, columns, retrieval.MAX_CUTOFF)
        for name, values in retrieval.score_queries(ranks, queries, gains, n).items():
            totals[name] = totals.get(name, 0.0) + values / runs
    return totals


def _drawn(seeds: UInt64, draw: int, shortlist: _Shortlist) -> npt.NDArray[np.bool_]:
    """Which of the tied documents get in, shape (q, c)."""
    lots = _mixed(seeds + np.uint64(draw * _GOLDEN % 2**64))
    order = np.argsort(np.where(shortlist.tied, lots >> np.uint64(1), np.iinfo(np.uint64).max), axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None, :], axis=1)
    chosen: npt.NDArray[np.bool_] = shortlist.tied & (place < shortlist.places[:, None])
    return chosen


def _columns(documents: Int64, queries: Int64, wanted: Int64) -> Int64:
    """The column of each wanted document in its query's row, which is sorted up to its filling; the width if none."""
    width = documents.shape[1]
    columns = np.full(len(wanted), width, dtype=np.int64)
    for start in range(0, len(wanted), _ROWS):
        part = slice(start, start + _ROWS)
        same = documents[queries[part]] == wanted[part, None]
        columns[part] = np.where(same.any(axis=1), same.argmax(axis=1), width)
    return columns


def _inside(queries: Int64, part: slice) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (queries >= part.start) & (queries < part.stop)
    return inside


def _mixed(values: UInt64) -> UInt64:
    """Numbers that look random (splitmix64's finaliser: Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
