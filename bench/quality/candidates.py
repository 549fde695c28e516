"""The best documents of queries at a view, with what they score at full width, from one pass over the documents.

Scores of both kinds are exact (bench.vectors.quantise): they depend on their two vectors alone, so that neither blocks
nor threads change which documents tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.quality.ranker import beyond_range, score_all
from bench.quality.ranking import Pairs
from bench.quality.threads import each_block
from bench.vectors.pipeline import usable_cores
from bench.vectors.quantise import Comparable, Quantiser
from bench.vectors.rows import VectorRows
from bench.views import View

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
# Query and document rows, scores at the view and at full width.
_Found: TypeAlias = tuple[Int32, Int32, Float32, Float32]

# Scores of a tile, and values of full vectors in a block, to bound memory.
_CELLS = 1 << 21
_BLOCK_VALUES = 1 << 21
# Candidates of all views held at once: some 16 bytes each, and several times that while they are scored.
HELD = 1 << 24


class CrowdedError(Exception):
    """So many documents tie that the candidates of these queries cannot be held together; those of fewer can."""


@dataclass(frozen=True)
class Candidates:
    """The documents of each query that score no less than its last place, by query.

    Attributes:
        starts: Where each query's documents begin, and the end of all, shape (n + 1,).
        documents: Their rows, shape (h,).
        short: Their scores at the view, shape (h,).
        full: Their scores at full width in float32, shape (h,).
        best: Scores at the view from the best down, shape (n, depth); -inf where there are no more documents.
        pair_short: The score at the view of each pair's document, shape (p,); -inf where it is left out.
        pair_full: Its score at full width in float32, shape (p,).
    """

    starts: Int64
    documents: Int32
    short: Float32
    full: Float32
    best: Float32
    pair_short: Float32
    pair_full: Float32

    @property
    def queries(self) -> Int64:
        """The query row of each document, shape (h,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


def find_candidates(
    queries: Float32, documents: VectorRows, quantisers: Sequence[Quantiser], pairs: Pairs, depth: int
) -> list[Candidates | BenchError]:
    """The best documents of every query at some views, all that tie with the last of them included.

    Args:
        queries: Full vectors, shape (n, width), float32.
        documents: The documents' vectors.
        quantisers: Of the views.
        pairs: Pairs whose scores are wanted, and those that are left out of the rankings.
        depth: Documents of a query at least, or all; no more than there are.

    Returns:
        For each view its candidates, or why it has none.

    Raises:
        CrowdedError: Together they would be more than HELD; never of a single query.
    """
    whole = Quantiser(View(documents.width), quantisers[0].similarity)
    pair_full = np.full(len(pairs.queries), -np.inf, dtype=np.float32)
    room = HELD // len(quantisers) if len(queries) > 1 else None
    collectors = [_Collector(quantiser, queries, pairs, depth, room) for quantiser in quantisers]
    asked = whole.comparable(queries)
    rows_at_once = max(min(_BLOCK_VALUES // documents.width, -(-len(documents) // usable_cores())), 1)

    def collect(block: tuple[Int64, Float32]) -> None:
        rows, vectors = block
        wanted, columns = _inside(pairs.documents, rows)
        out, out_columns = _inside(pairs.excluded_documents, rows)
        compared = whole.comparable(vectors)
        views = [(collector, found) for collector in collectors if (found := collector.comparable(vectors)) is not None]
        step = max(_CELLS // len(rows), 1)
        for start in range(0, len(queries), step):
            part = slice(start, min(start + step, len(queries)))
            full = _tile(asked, part, compared)
            mine = _of(pairs.queries[wanted], part)
            cells = pairs.queries[wanted[mine]] - start, columns[mine]
            pair_full[wanted[mine]] = full[cells]
            theirs = _of(pairs.excluded_queries[out], part)
            left_out = pairs.excluded_queries[out[theirs]] - start, out_columns[theirs]
            for collector, found in views:
                short = collector.tile(part, found)
                short[left_out] = -np.inf
                collector.pair_short[wanted[mine]] = short[cells]
                collector.add(part, rows, short, full)

    each_block(collect, documents.blocks(rows_at_once))
    return [collector.finish(pair_full) for collector in collectors]


class _Collector:
    """One view's candidates while the documents go by; threads may share it.

    Attributes:
        error: Why the view cannot be scored.
        pair_short: As in Candidates.
    """

    def __init__(self, quantiser: Quantiser, queries: Float32, pairs: Pairs, depth: int, room: int | None) -> None:
        self.error: BenchError | None = None
        self.pair_short = np.full(len(pairs.queries), -np.inf, dtype=np.float32)
        self._quantiser = quantiser
        self._best = np.full((len(queries), depth), -np.inf, dtype=np.float32)
        self._found: list[_Found] = []
        self._held = 0
        self._room = room
        self._lock = Lock()
        asked = self.comparable(queries)
        if asked is not None:
            self._queries = asked

    def comparable(self, vectors: Float32) -> Comparable | None:
        """Vectors as the view compares them; None where it cannot be scored."""
        if self.error is None:
            try:
                return self._quantiser.comparable(vectors)
            except BenchError as error:
                self.error = error
        return None

    def tile(self, part: slice, documents: Comparable) -> Float32:
        """The scores of some queries for the documents of a block."""
        return _tile(self._queries, part, documents)

    def add(self, part: slice, rows: Int64, short: Float32, full: Float32) -> None:
        """Take the documents of a block that may be among the best of some queries.

        Raises:
            CrowdedError: There is no room for them.
        """
        depth = self._best.shape[1]
        top = _top(short, depth)
        with self._lock:
            top = _top(np.concatenate([self._best[part], top], axis=1), depth)
            self._best[part] = top
        floors = np.maximum(top.min(axis=1), np.finfo(np.float32).min)
        hits = np.flatnonzero(short >= floors[:, None])
        row, column = np.divmod(hits, short.shape[1])
        found = (
            (row + part.start).astype(np.int32),
            rows[column].astype(np.int32),
            short.reshape(-1)[hits],
            full.reshape(-1)[hits],
        )
        with self._lock:
            self._found.append(found)
            self._held += len(hits)
            if self._room is not None and self._held > self._room:
                self._found = [self._still_best()]
                self._held = len(self._found[0][0])
                # Each time at least half of the room is won, so that it is seldom done.
                if self._held > self._room // 2:
                    raise CrowdedError

    def finish(self, pair_full: Float32) -> Candidates | BenchError:
        """The candidates once all documents have gone by."""
        n = len(self._best)
        if self.error is not None:
            return self.error
        if any(np.isnan(scores).any() or (scores == np.inf).any() for scores in (self.pair_short, pair_full)):
            return beyond_range()
        queries, documents, short, full = self._still_best()
        order = np.argsort(queries, kind="stable")
        starts = np.searchsorted(queries[order], np.arange(n + 1))
        best = -np.sort(-self._best, axis=1)
        return Candidates(starts, documents[order], short[order], full[order], best, self.pair_short, pair_full)

    def _still_best(self) -> _Found:
        """Of what was found, what scores no less than its query's last place."""
        queries, documents, short, full = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        kept = np.flatnonzero(short >= self._best.min(axis=1)[queries])
        return queries[kept], documents[kept], short[kept], full[kept]


def _tile(queries: Comparable, part: slice, documents: Comparable) -> Float32:
    return score_all(Comparable(queries.directions[part], queries.weights[part]), documents)


def _top(scores: Float32, depth: int) -> Float32:
    """The best scores of each row, in no order."""
    beyond = scores.shape[1] - depth
    return np.partition(scores, beyond, axis=1)[:, beyond:] if beyond > 0 else scores


def _inside(wanted: Int64, rows: Int64) -> tuple[Int64, Int64]:
    """Which of the wanted documents are in a block of rows, and their places there."""
    order = np.argsort(rows)
    place = np.minimum(np.searchsorted(rows, wanted, sorter=order), len(rows) - 1)
    here = np.flatnonzero(rows[order[place]] == wanted)
    return here, order[place[here]]


def _of(queries: Int64, part: slice) -> Int64:
    return np.flatnonzero((queries >= part.start) & (queries < part.stop))
