"""Where MTEB's evaluator ranks documents whose scores are equal.

What mteb 2.26 does: of each 50,000 documents of the corpus torch.topk takes the first 1,001, of all of these the 1,000
best by score and id are kept, the document with the query's own id is dropped where the task says so, and the rest is
ranked by score, then by id, both falling (pytrec_eval, and mteb's own MRR). So ids decide between tied documents, but
for a group that reaches beyond the 1,001st place of its chunk: which of its documents are taken is up to torch.topk.
The same function is asked for those few queries.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.quality.ranking import Float32, IdOrder, Int64, Pairs, Ranks

Bool = npt.NDArray[np.bool_]

# The scores of some queries for the documents of a slice, shape (queries, documents), float32; -inf if not ranked.
ScoresOf: TypeAlias = Callable[[Int64, slice], Float32]

# Documents that mteb scores at once, and what it takes of them beyond the depth.
CHUNK = 50_000
_BEYOND = 1
# Scores held at once, to bound memory.
_CELLS = 1 << 24


def in_mteb_order(
    ranks: Ranks, pairs: Pairs, ids: IdOrder, pair_scores: Float32, own_scores: Float32, depth: int, scores_of: ScoresOf
) -> Ranks:
    """Ranks whose `above + ahead` is the place in MTEB's ranking, from 0; `depth` or more if it is not in there.

    Args:
        ranks: The counts, with `ahead`.
        pairs: The pairs. Those that are left out are the documents with the query's own id, at most one a query.
        ids: The order of the documents' ids.
        pair_scores: Score of each pair, shape (p,); -inf if its document is not ranked.
        own_scores: Score of each pair that is left out, shape (e,).
        depth: Ranks that matter.
        scores_of: Gives scores of all documents, those that are left out too.
    """
    if ranks.ahead is None:
        raise ValueError("the tied documents of a greater id were not counted")
    ahead = ranks.ahead.copy()
    # The query's own document takes one of the places that are kept, and is dropped after that.
    ahead[_behind_own(pairs, ids, pair_scores, own_scores) & (ranks.above + ahead == depth - 1)] += 1
    count = len(ids.places)
    crossing = (ranks.above < depth) & (ranks.tied > 1) & (ranks.above + ranks.tied > depth)
    if count > depth + _BEYOND and crossing.any():
        own = np.full(int(pairs.queries.max()) + 1, -1, dtype=np.int64)
        mine = pairs.excluded_queries < len(own)
        own[pairs.excluded_queries[mine]] = pairs.excluded_documents[mine]
        by_query = np.argsort(pairs.queries, kind="stable")
        for query, retrieved in _retrieved(np.unique(pairs.queries[crossing]), ids, depth, scores_of):
            ranked = retrieved[retrieved != own[query]]
            place = np.full(count, depth, dtype=np.int64)
            place[ranked] = np.arange(len(ranked))
            rows = by_query[slice(*np.searchsorted(pairs.queries[by_query], [query, query + 1]))]
            rows = rows[ranks.above[rows] < depth]
            ahead[rows] = place[pairs.documents[rows]] - ranks.above[rows]
    return replace(ranks, ahead=ahead)


def strict(ranks: Ranks, depth: int) -> Ranks:
    """The ranks in MTEB's order: nothing ties (see in_mteb_order)."""
    if ranks.ahead is None:
        raise ValueError("the tied documents of a greater id were not counted")
    return Ranks(np.minimum(ranks.above + ranks.ahead, depth), np.ones(len(ranks.above), dtype=np.int64))


def _behind_own(pairs: Pairs, ids: IdOrder, pair_scores: Float32, own_scores: Float32) -> Bool:
    """Whether the document of the query's own id comes before that of each pair, shape (p,)."""
    if not len(own_scores):
        return np.zeros(len(pairs.queries), dtype=np.bool_)
    n = int(max(pairs.queries.max(initial=0), pairs.excluded_queries.max())) + 1
    scores, places = np.full(n, -np.inf, dtype=np.float32), np.zeros(n, dtype=np.int64)
    scores[pairs.excluded_queries] = own_scores
    places[pairs.excluded_queries] = ids.places[pairs.excluded_documents]
    theirs = scores[pairs.queries]
    found: Bool = (theirs > pair_scores) | ((theirs == pair_scores) & (places[pairs.queries] > ids.pairs))
    return found


def _retrieved(queries: Int64, ids: IdOrder, depth: int, scores_of: ScoresOf) -> Iterator[tuple[int, Int64]]:
    """What mteb's search gives each query, best first: the query's row and document rows."""
    torch: Any = importlib.import_module("torch")
    count = len(ids.places)
    size = max(_CELLS // min(CHUNK, count), 1)
    for begin in range(0, len(queries), size):
        part = queries[begin : begin + size]
        values, documents = [], []
        for start in range(0, count, CHUNK):
            chunk = scores_of(part, slice(start, min(start + CHUNK, count)))
            best = torch.topk(torch.from_numpy(chunk), min(depth + _BEYOND, chunk.shape[1]), dim=1)
            values.append(best.values.numpy())
            documents.append(best.indices.numpy() + start)
        for row, (scores, found) in enumerate(
            zip(np.concatenate(values, axis=1), np.concatenate(documents, axis=1), strict=True)
        ):
            order = np.lexsort((ids.places[found], scores))[::-1]
            order = order[scores[order] > -np.inf][:depth]
            yield int(part[row]), found[order]
