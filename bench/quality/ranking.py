"""Where relevant documents stand: for each, how many documents score above it and how many tie with it.

That is all that the metrics need (bench.quality.retrieval), so no ranking is kept: scores stream by in any order, in
bounded memory, and are counted against the scores of the relevant pairs. Scores are compared in float32: two documents
whose scores are equal there are tied. Where the documents' ids are given in order, the tied documents of a greater id
are counted too, which is the order that MTEB breaks ties by (bench.quality.mteb_order).
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranks:
    """Where the documents of pairs stand in the rankings of their queries.

    Attributes:
        above: Documents with a higher score, shape (p,); the depth that was asked for means that many or more.
        tied: Documents with the same score, itself included, shape (p,); only right where `above` is below the depth.
        ahead: Of the tied documents, those of a greater id, shape (p,); None where no ids were given.
    """

    above: Int64
    tied: Int64
    ahead: Int64 | None = None


@dataclass(frozen=True)
class Pairs:
    """The pairs whose ranks are wanted, and those that are left out of the rankings.

    Attributes:
        queries: Query row of each pair, shape (p,).
        documents: Its document row, shape (p,).
        excluded_queries: Query row of each pair that is left out, shape (e,).
        excluded_documents: Its document row, shape (e,).
    """

    queries: Int64
    documents: Int64
    excluded_queries: Int64
    excluded_documents: Int64


@dataclass(frozen=True)
class IdOrder:
    """The order of documents' ids.

    Attributes:
        places: Place of each document's id among all ids in ascending order, shape (m,).
        pairs: That of each pair's document, shape (p,).
    """

    places: Int64
    pairs: Int64


class Tally:
    """Counts the documents that score above, and the same as, the document of each pair.

    Pairs are kept by query, rising score and rising id, in slots. A document is counted at the highest slot that it
    beats; at the end the sums from above give the counts of all. A slot with `depth` documents above it is out of reach
    of every metric and is no longer looked at. Threads may share a tally.

    Args:
        queries: Query row of each pair, shape (p,).
        scores: Score of each pair, shape (p,); -inf if its document is not ranked.
        n_queries: Number of queries.
        depth: Ranks that matter.
        left_out: Documents that each query leaves out; they are counted first and taken back by `take_back`.
            Shape (n_queries,).
        ids: The order of the documents' ids; without it the tied documents of a greater id are not counted.
    """

    def __init__(
        self,
        queries: Int64,
        scores: Float32,
        n_queries: int,
        depth: int,
        left_out: Int64 | None = None,
        ids: IdOrder | None = None,
    ) -> None:
        self._depth = depth
        self._pairs = len(queries)
        self._ids = ids
        names = np.zeros(len(queries), dtype=np.int64) if ids is None else ids.pairs
        order = np.lexsort((names, scores, queries))
        self._order = order[scores[order] > -np.inf]
        self._queries, self._scores = queries[self._order], scores[self._order]
        self._keys = _keys(self._queries, self._scores)
        self._starts = np.searchsorted(self._queries, np.arange(n_queries + 1))
        self._limits = np.full(n_queries, depth, dtype=np.int64) + (0 if left_out is None else left_out)
        self._beats = np.zeros(len(self._order), dtype=np.int64)
        self._ties = np.zeros(len(self._order), dtype=np.int64)
        # By group of slots of one score, then by id: where among its slots a tied document comes.
        self._groups = np.searchsorted(self._keys, self._keys)
        self._named = self._groups * (1 if ids is None else len(ids.places)) + names[self._order]
        self._ahead = np.zeros(len(self._order), dtype=np.int64)
        self._lock = Lock()
        self.floors = np.full(n_queries, np.inf, dtype=np.float32)
        self._raise_floors(slice(0, n_queries))

    def places(self, rows: Int64, low: Float32, high: Float32) -> tuple[Int64, Int64]:
        """Between which slots scores fall that lie between two ends.

        Args:
            rows: Query row of each score, shape (n,).
            low: Lowest value that it may have, shape (n,).
            high: Highest value that it may have, shape (n,).

        Returns:
            The first slot of the query that is not below `low`, and the first that is above `high`; where they differ
            and the ends are equal, the score ties with those between.
        """
        first = np.searchsorted(self._keys, _keys(rows, low), side="left")
        same = np.array_equal(low, high)
        return first, np.searchsorted(self._keys, _keys(rows, low if same else high), side="right")

    def add(self, part: slice, rows: Int64, first: Int64, last: Int64, documents: Int64 | None = None) -> None:
        """Count documents of known places.

        Args:
            part: Queries that the rows belong to.
            rows: Query row of each document, shape (n,).
            first: Its first place, shape (n,).
            last: Its last place, shape (n,); greater than the first if it ties.
            documents: Its document row, shape (n,); needed where the tally has the order of ids.
        """
        with self._lock:
            self._count(part, rows, first, last, documents, 1)
            self._raise_floors(part)

    def take_back(self, rows: Int64, scores: Float32, documents: Int64 | None = None) -> None:
        """Uncount documents that are left out; every one has been counted once.

        Args:
            rows: Query row of each document, shape (n,).
            scores: Its score, shape (n,).
            documents: Its document row, shape (n,); needed where the tally has the order of ids.
        """
        first, last = self.places(rows, scores, scores)
        with self._lock:
            self._count(slice(0, len(self.floors)), rows, first, last, documents, -1)

    def ranks(self) -> Ranks:
        """The ranks of all pairs, in their own order."""
        above = np.full(self._pairs, self._depth, dtype=np.int64)
        tied = np.ones(self._pairs, dtype=np.int64)
        above[self._order] = np.minimum(self._above(slice(0, len(self.floors))), self._depth)
        # Slots of the same score share the count of the first of them.
        tied[self._order] = np.maximum(self._ties[self._groups], 1)
        if self._ids is None:
            return Ranks(above, tied)
        ahead = np.zeros(self._pairs, dtype=np.int64)
        ahead[self._order] = _sums_from(self._ahead, np.searchsorted(self._keys, self._keys, side="right") - 1)
        return Ranks(above, tied, ahead)

    def _count(self, part: slice, rows: Int64, first: Int64, last: Int64, documents: Int64 | None, sign: int) -> None:
        slots = self._slots(part)
        size = slots.stop - slots.start
        self._beats[slots] += sign * np.bincount(first[first > self._starts[rows]] - 1 - slots.start, minlength=size)
        ties = last > first
        self._ties[slots] += sign * np.bincount(first[ties] - slots.start, minlength=size)
        if self._ids is not None and documents is not None:
            group = first[ties]
            named = group * len(self._ids.places) + self._ids.places[documents[ties]]
            place = np.searchsorted(self._named, named)
            self._ahead[slots] += sign * np.bincount(place[place > group] - 1 - slots.start, minlength=size)

    def _slots(self, part: slice) -> slice:
        return slice(int(self._starts[part.start]), int(self._starts[part.stop]))

    def _above(self, part: slice) -> Int64:
        """Documents above each slot of some queries."""
        slots = self._slots(part)
        return _sums_from(self._beats[slots], self._starts[self._queries[slots] + 1] - 1 - slots.start)

    def _raise_floors(self, part: slice) -> None:
        """Let each query of a part look only at its lowest slot that is still in reach."""
        queries = self._queries[self._slots(part)]
        dead = queries[self._above(part) >= self._limits[queries]]
        # Fewer documents are above a higher slot, so that the dead come first.
        first = self._starts[part] + np.bincount(dead - part.start, minlength=part.stop - part.start)
        alive = first < self._starts[part.start + 1 : part.stop + 1]
        floors = np.full(part.stop - part.start, np.inf, dtype=np.float32)
        floors[alive] = self._scores[first[alive]]
        self.floors[part] = floors


def _sums_from(values: Int64, ends: Int64) -> Int64:
    """The sum of the values from each index to its end, inclusive."""
    total = np.cumsum(values)
    found: Int64 = total[ends] - total + values
    return found


def _keys(rows: Int64, scores: Float32) -> Int64:
    """Whole numbers that sort by query row, then by score; equal for equal rows and scores only."""
    # Adding 0 turns -0 into 0. The bits of floats sort as whole numbers once those of negative ones are turned round.
    bits = (scores + np.float32(0)).view(np.int32)
    return (rows << 32) + (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF)))
