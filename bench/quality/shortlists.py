"""The shortlists of some queries at one view and what ranking them again gives (see bench.quality.reranking)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.quality import retrieval
from bench.quality.candidates import Candidates
from bench.quality.expectation import Standing, expected_weights
from bench.quality.ranking import Ranks

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

RECALL = "shortlist_recall"
# Comparisons with relevant documents at once, to bound memory.
_CELLS = 1 << 22
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
        lacking_queries: Query row of each relevant document that the corpus lacks, shape (l,).
        lacking_gains: Its label, at least 1, shape (l,).
    """

    queries: UInt64
    documents: UInt64
    pair_queries: Int64
    pair_documents: Int64
    pair_gains: Int64
    excluded_queries: Int64
    excluded_documents: Int64
    lacking_queries: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lacking_gains: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def relevant(self) -> tuple[Int64, Int64]:
        """Query row and label of each relevant document: those of pairs, then those that the corpus lacks."""
        queries = np.concatenate([self.pair_queries, self.lacking_queries])
        return queries, np.concatenate([self.pair_gains, self.lacking_gains])

    def of_queries(self, part: slice) -> Judged:
        """What is judged of some consecutive queries, which are numbered from 0."""
        inside, out, lacking = (
            (rows >= part.start) & (rows < part.stop)
            for rows in (self.pair_queries, self.excluded_queries, self.lacking_queries)
        )
        return Judged(
            self.queries[part],
            self.documents,
            self.pair_queries[inside] - part.start,
            self.pair_documents[inside],
            self.pair_gains[inside],
            self.excluded_queries[out] - part.start,
            self.excluded_documents[out],
            self.lacking_queries[lacking] - part.start,
            self.lacking_gains[lacking],
        )


class Shortlists:
    """The shortlists of all lengths of some queries at one view.

    A document is on the shortlists from some length on, `entered`; from `sure` on no other can take its place. Between
    them it ties for the last places.
    """

    def __init__(self, judged: Judged, candidates: Candidates, lengths: Sequence[int]) -> None:
        self._judged = judged
        self._candidates = candidates
        best = candidates.best
        # The score of the last place at each length; -inf where all documents are on the shortlist.
        self._last = np.stack(
            [best[:, k - 1] if k <= best.shape[1] else np.full(len(best), -np.inf, np.float32) for k in lengths]
        )
        rows = candidates.queries
        self._entered, self._sure = self._levels(candidates.short, rows)
        self._pair_entered, self._pair_sure = self._levels(candidates.pair_short, judged.pair_queries)
        above = np.stack([(best > last[:, None]).sum(axis=1) for last in self._last])
        self._places = np.array(lengths)[:, None] - above
        self._crowd = np.stack([np.bincount(rows[on], minlength=len(best)) for on in self._tied()])

    def score(self, metrics: Sequence[str], draws: int) -> dict[str, Float64]:
        """Every metric and RECALL, shape (lengths, n) each.

        Args:
            metrics: Which metrics.
            draws: See score_reranked.
        """
        judged, n = self._judged, len(self._judged.queries)
        chance = self._chances()
        rows, _ = judged.relevant
        relevant = retrieval.per_query(rows, np.ones(len(rows)), n)
        found = {RECALL: np.stack([retrieval.ratio(self._sum(row), relevant) for row in chance])}
        exact = {name: _parts(name) for name in metrics if name.startswith(("ndcg", "recall", "precision"))}
        if exact:
            found |= self._expected(exact, chance, relevant)
        drawn = [name for name in metrics if name not in exact]
        if drawn:
            found |= self._drawn(drawn, draws)
        return found

    def _levels(self, scores: Float32, rows: Int64) -> tuple[Int64, Int64]:
        """From which length on documents may be, and are, on the shortlist; the number of lengths where they are not.

        A document that is left out, with the score -inf, never is.
        """
        entered = np.zeros(len(scores), dtype=np.int64)
        sure = np.zeros(len(scores), dtype=np.int64)
        for last in self._last:
            entered += scores < last[rows]
            sure += (scores <= last[rows]) & (last[rows] > -np.inf)
        entered[scores == -np.inf] = sure[scores == -np.inf] = len(self._last)
        return entered, sure

    def _tied(self) -> Iterator[Bools]:
        """Which candidates tie for the last places, at each length."""
        for level in range(len(self._last)):
            yield (self._entered <= level) & (self._sure > level)

    def _chances(self) -> Float64:
        """The chance of each pair's document to be on the shortlist, shape (lengths, p)."""
        queries = self._judged.pair_queries
        levels = np.arange(len(self._last))[:, None]
        share = np.minimum(self._places / np.maximum(self._crowd, 1), 1.0)
        tied = np.where(self._pair_entered <= levels, share[:, queries], 0.0)
        return np.where(self._pair_sure <= levels, 1.0, tied)

    def _sum(self, weights: Float64) -> Float64:
        return retrieval.per_query(self._judged.pair_queries, weights, len(self._judged.queries))

    def _expected(self, wanted: dict[str, tuple[str, int]], chance: Float64, relevant: Float64) -> dict[str, Float64]:
        """Metrics that are sums over relevant documents."""
        judged = self._judged
        pairs = np.flatnonzero(self._pair_entered < len(self._last))
        standings = self._standings(pairs)
        ideal = retrieval.ideal_dcg(*judged.relevant, len(judged.queries))
        found = {}
        for name, (family, cutoff) in wanted.items():
            weights = retrieval.DISCOUNTS[:cutoff] if family == "ndcg" else np.ones(cutoff)
            divisor = {"ndcg": ideal[cutoff], "recall": relevant}.get(family, np.full(len(relevant), float(cutoff)))
            rows = []
            for level, standing in enumerate(standings):
                worth = np.zeros(len(judged.pair_queries))
                worth[pairs] = expected_weights(standing, weights)
                worth *= chance[level] * (judged.pair_gains if family == "ndcg" else 1)
                rows.append(retrieval.ratio(self._sum(worth), divisor))
            found[name] = np.stack(rows)
        return found

    def _standings(self, pairs: Int64) -> list[Standing]:
        """Where the documents of pairs stand on the shortlist of each length, given that they are on it."""
        above, tied = self._counts(pairs)
        queries = self._judged.pair_queries[pairs]
        found = []
        for level in range(len(self._last)):
            crowded = ((self._pair_entered <= level) & (self._pair_sure > level))[pairs]
            surely = (self._pair_sure <= level)[pairs]
            standing = Standing(
                sure_above=above[1][:, level],
                sure_tied=tied[1][:, level] - surely,
                crowd_above=above[0][:, level] - above[1][:, level],
                crowd_tied=tied[0][:, level] - tied[1][:, level] - crowded,
                crowd=self._crowd[level, queries] - crowded,
                places=self._places[level, queries] - crowded,
            )
            # Those that are not on it have no rank; their chance is 0.
            on_it = crowded | surely
            found.append(Standing(*(np.where(on_it, column, 0) for column in vars(standing).values())))
        return found

    def _counts(self, pairs: Int64, kept: Bools | None = None) -> tuple[tuple[Int64, Int64], tuple[Int64, Int64]]:
        """Documents that score above those of pairs at full width, and as much, themselves included.

        Args:
            pairs: The pairs.
            kept: Which candidates count; all by default.

        Returns:
            Of each two tables: those that may be on the shortlist, and those that are, shape (pairs, lengths).
        """
        found, width = self._candidates, len(self._last) + 1
        begin = found.starts[self._judged.pair_queries[pairs]]
        sizes = found.starts[self._judged.pair_queries[pairs] + 1] - begin
        totals = np.zeros((2, 2, len(pairs) * width), dtype=np.int64)
        ends = np.cumsum(sizes)
        start = 0
        while start < len(pairs):
            # As many pairs as there is room for, but one.
            stop = max(int(np.searchsorted(ends, ends[start] - sizes[start] + _CELLS, side="right")), start + 1)
            pair = np.repeat(np.arange(start, stop), sizes[start:stop])
            hit = np.arange(len(pair)) + np.repeat(begin[start:stop] - (ends - sizes)[start:stop], sizes[start:stop])
            hit += ends[start] - sizes[start]
            mine = found.pair_full[pairs[pair]]
            for row, cells in enumerate((found.full[hit] > mine, found.full[hit] == mine)):
                on = cells if kept is None else cells & kept[hit]
                for column, levels in enumerate((self._entered, self._sure)):
                    places = pair[on] * width + levels[hit[on]]
                    totals[row, column] += np.bincount(places, minlength=totals.shape[2])
            start = stop
        upto = np.cumsum(totals.reshape(2, 2, len(pairs), width)[..., :-1], axis=3)
        return (upto[0, 0], upto[0, 1]), (upto[1, 0], upto[1, 1])

    def _drawn(self, names: Sequence[str], draws: int) -> dict[str, Float64]:
        """Metrics that are no sums over relevant documents: the mean of the draws."""
        judged, n = self._judged, len(self._judged.queries)
        rows = self._candidates.queries
        found = {name: np.zeros((len(self._last), n)) for name in names}
        if not len(rows):
            return found
        keys = self._key(rows, self._candidates.documents)
        wanted = self._key(judged.pair_queries, judged.pair_documents)
        order = np.argsort(keys)
        # The place of each pair's document among the candidates, where it is one.
        places = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(order) - 1)]
        listed = keys[places] == wanted
        seeds = _mixed(judged.documents[self._candidates.documents] ^ _mixed(judged.queries)[rows])
        # Equal texts have equal numbers: those with and without the label must be drawn apart.
        labelled = np.zeros(len(rows), dtype=np.bool_)
        labelled[places[listed]] = True
        seeds ^= labelled
        for level, tied in enumerate(self._tied()):
            runs = draws if (self._crowd[level] > self._places[level]).any() else 1
            for draw in range(runs):
                kept = (self._sure <= level) | _chosen(rows, tied, seeds, draw, self._places[level])
                ranks = self._ranks(level, kept, np.flatnonzero(listed & kept[places]))
                for name, values in retrieval.score_queries(ranks, *judged.relevant, n).items():
                    if name in found:
                        found[name][level] += values / runs
        return found

    def _key(self, queries: Int64, documents: npt.NDArray[np.integer]) -> Int64:
        return queries * len(self._judged.documents) + documents

    def _ranks(self, level: int, kept: Bools, pairs: Int64) -> Ranks:
        """The ranks of all relevant documents where it is settled which documents, and pairs, are on the shortlist."""
        above, tied = self._counts(pairs, kept)
        n = len(self._judged.pair_queries) + len(self._judged.lacking_queries)
        ranks = Ranks(np.full(n, retrieval.MAX_CUTOFF, dtype=np.int64), np.ones(n, dtype=np.int64))
        ranks.above[pairs] = np.minimum(above[0][:, level], retrieval.MAX_CUTOFF)
        ranks.tied[pairs] = tied[0][:, level]
        return ranks


def _parts(metric: str) -> tuple[str, int]:
    """A metric's family and cutoff."""
    family, _, cutoff = metric.partition("_at_")
    return family, int(cutoff)


def _chosen(rows: Int64, tied: Bools, seeds: UInt64, draw: int, places: Int64) -> Bools:
    """Which of the candidates that tie for the last places of their queries get in."""
    mine = np.flatnonzero(tied)
    lots = _mixed(seeds[mine] + np.uint64(draw * _GOLDEN % 2**64))
    order = mine[np.lexsort((lots, rows[mine]))]
    firsts = np.searchsorted(rows[order], rows[order], side="left")
    chosen = np.zeros(len(rows), dtype=np.bool_)
    chosen[order[np.arange(len(order)) - firsts < places[rows[order]]]] = True
    return chosen


def _mixed(values: UInt64) -> UInt64:
    """Numbers that look random (splitmix64's finaliser: Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
