"""The ranks of pairs from scores of all documents at hand, whatever made them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.quality.mteb_order import in_mteb_order
from bench.quality.ranking import IdOrder, Pairs, Ranks, Tally

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ScoreBlock:
    """Scores of some queries for all documents.

    Attributes:
        queries: Rows of consecutive queries.
        scores: Shape (queries, documents), float32; -inf for a document that is not to be ranked.
    """

    queries: slice
    scores: Float32


def rank_blocks(
    blocks: Iterable[ScoreBlock],
    pair_queries: Int64,
    pair_documents: Int64,
    depth: int,
    exclude: tuple[Int64, Int64] | None = None,
    id_places: Int64 | None = None,
) -> Ranks:
    """The ranks of pairs where every score is at hand.

    Args:
        blocks: Score blocks that cover every query once.
        pair_queries: Query row of each pair, shape (p,).
        pair_documents: Its document row, shape (p,).
        depth: Ranks that matter.
        exclude: Query and document rows of pairs that are left out of the ranking.
        id_places: Place of each document's id among all ids in ascending order, shape (m,), for MTEB's order of ties
            (bench.quality.mteb_order), where at most one document a query is left out.
    """
    none = np.empty(0, dtype=np.int64)
    exclude = exclude or (none, none)
    above = np.full(len(pair_queries), depth, dtype=np.int64)
    tied = np.ones(len(pair_queries), dtype=np.int64)
    ahead = None if id_places is None else np.zeros(len(pair_queries), dtype=np.int64)
    order = np.argsort(pair_queries, kind="stable")
    by_query = pair_queries[order]
    for block in blocks:
        start, stop = block.queries.start, block.queries.stop
        inside = (exclude[0] >= start) & (exclude[0] < stop)
        mine = order[slice(*np.searchsorted(by_query, [start, stop]))]
        pairs = Pairs(pair_queries[mine] - start, pair_documents[mine], exclude[0][inside] - start, exclude[1][inside])
        found = _rank_block(block.scores, pairs, depth, id_places)
        above[mine], tied[mine] = found.above, found.tied
        if ahead is not None and found.ahead is not None:
            ahead[mine] = found.ahead
    return Ranks(above, tied, ahead)


def _rank_block(scores: Float32, pairs: Pairs, depth: int, id_places: Int64 | None) -> Ranks:
    ranked = scores
    excluded = pairs.excluded_queries, pairs.excluded_documents
    if len(excluded[0]):
        ranked = scores.copy()
        ranked[excluded] = -np.inf
    ids = None if id_places is None else IdOrder(id_places, id_places[pairs.documents])
    mine = ranked[pairs.queries, pairs.documents]
    tally = Tally(pairs.queries, mine, len(scores), depth, ids=ids)
    rows, columns = np.nonzero(ranked >= tally.floors[:, None])
    reached = ranked[rows, columns]
    tally.add(slice(0, len(scores)), rows, *tally.places(rows, reached, reached), columns)
    found = tally.ranks()
    if ids is None:
        return found
    return in_mteb_order(found, pairs, ids, mine, scores[excluded], depth, lambda queries, part: scores[queries, part])
