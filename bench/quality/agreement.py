r"""How far two rankings of the same documents agree, ties by expectation.

One ranking is the reference's, the other a view's. Tied documents have no order of their own: P(d; k), the probability
that document d is among the first k when ties are broken at random, is 1 where d lies wholly above the k-th place,
places left / documents tied in the group that the k-th place falls in, and 0 below.

- Agreement at depth k: A_k = sum_d P_v(d; k) P_r(d; k) / sqrt(sum_d P_v(d; k)^2 sum_d P_r(d; k)^2), v the view and
  r the reference. Without ties it is |V_k & R_k| / k, the overlap of the first k; of equal rankings it is 1, tied or
  not. That is the agreement of RBO's variant b (Corsi and Urbano, "The treatment of ties in rank-biased overlap", SIGIR
  2024), which relates to the plain overlap as Kendall's tau-b does to tau.
- Rank-biased overlap: RBO = (1 - p) sum_{d=1..k} p^(d-1) A_d + p^k A_k, extrapolated from depth k (Webber, Moffat and
  Zobel, "A similarity measure for indefinite rankings", TOIS 2010: RBO_EXT of lists of one length). At p = 0.9 the
  first 10 ranks have 86% of the weight (their weight of a prefix), and it is mostly the first 10 that the metrics which
  rank models look at; depth 100 leaves 0.9^100 = 0.003% to what is extrapolated.
- Kendall's tau-b (Kendall, "The treatment of ties in ranking problems", 1945) of the scores that both give to the
  documents of the reference's first k places, all that tie for the last of them included. Two constant sides agree: 1;
  a constant one says nothing of the other: 0.

Counts of documents are whole numbers, so that neither order nor blocks change a bit of a value, and equal rankings give
exactly 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

DEPTH = 100
RBO_P = 0.9
# Pairs of scores compared at once, to bound memory.
_CELLS = 1 << 22


@dataclass(frozen=True)
class TopScores:
    """The best scores of each query.

    Attributes:
        scores: Falling, shape (n, depth), float32; -inf where fewer documents are ranked.
        tied_at_edge: Documents with the last of them, those beyond the last place too, shape (n,).
    """

    scores: Float32
    tied_at_edge: Int64

    @property
    def depth(self) -> int:
        """Places of each query."""
        return int(self.scores.shape[1])

    def places(self, rows: Int64, scores: Float32) -> tuple[Int64, Int64]:
        """How many documents stand above, and tie with, documents of these scores.

        Args:
            rows: Query row of each score, shape (c,).
            scores: Finite, shape (c,).

        Returns:
            Documents above, the depth for that many or more, and documents tied, itself included, shape (c,) each.
        """
        above, tied = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
        size = max(_CELLS // self.depth, 1)
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            best = self.scores[rows[part]]
            above[part] = (best > scores[part, None]).sum(axis=1)
            tied[part] = (best == scores[part, None]).sum(axis=1)
        at_edge = scores == self.scores[rows, -1]
        tied[at_edge] = self.tied_at_edge[rows[at_edge]]
        return above, np.maximum(tied, 1)

    def shares(self) -> tuple[Float64, Float64]:
        """By depth, the share of the group at that place which is within the depth, and sum_d P(d; k)^2.

        Returns:
            Shape (n, depth) each.
        """
        n = len(self.scores)
        ranked = self.scores > -np.inf
        changes = np.ones(self.scores.shape, dtype=np.bool_)
        changes[:, 1:] = self.scores[:, 1:] != self.scores[:, :-1]
        place = np.arange(self.depth)
        above = np.maximum.accumulate(np.where(changes, place, 0), axis=1)
        group = np.cumsum(changes, axis=1) - 1 + self.depth * np.arange(n)[:, None]
        tied = np.bincount(group.ravel(), minlength=n * self.depth)[group]
        at_edge = self.scores == self.scores[:, -1:]
        tied = np.where(at_edge, self.tied_at_edge[:, None], tied)
        share = np.where(ranked, (place + 1 - above) / np.maximum(tied, 1), 0.0)
        return share, above + share * share * tied


@dataclass(frozen=True)
class Candidates:
    """The documents of the reference's first places, all that tie for the last included, by query and falling score.

    Attributes:
        top: The reference's best scores.
        starts: Where each query's begin, and the end, shape (n + 1,).
        documents: Document rows, shape (c,).
        scores: The reference's scores, shape (c,), float32.
    """

    top: TopScores
    starts: Int64
    documents: Int64
    scores: Float32

    @cached_property
    def rows(self) -> Int64:
        """Query row of each, shape (c,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @cached_property
    def places(self) -> tuple[Int64, Int64]:
        """Documents above and tied with each (TopScores.places)."""
        return self.top.places(self.rows, self.scores)

    @cached_property
    def untied_pairs(self) -> Float64:
        """Pairs of each query that have different scores, shape (n,)."""
        return _untied_pairs(self.rows, self.scores, len(self.starts) - 1)


def agreements(candidates: Candidates, view: TopScores, scores: Float32) -> Float64:
    """A_k of each query at every depth (see the module's docstring).

    Args:
        candidates: The reference's documents.
        view: The view's best scores, to the same depth.
        scores: The view's scores of the candidates, shape (c,).

    Returns:
        Shape (n, depth), k = 1 in the first column; 1 where no document is ranked.
    """
    rows, reference = candidates.rows, candidates.top
    (above_r, tied_r), (above_v, tied_v) = candidates.places, view.places(rows, scores)

    def within(first: Int64, second: Int64) -> Float64:
        """How many candidates come to both places, by depth."""
        reached = np.minimum(np.maximum(first, second), reference.depth + 1)
        size = reference.depth + 2
        counts = np.bincount(rows * size + reached, minlength=len(reference.scores) * size)
        return np.cumsum(counts.reshape(-1, size)[:, 1:-1], axis=1).astype(np.float64)

    # A group is partly within the depth from its first place on, and wholly from its last.
    whole = within(above_r + tied_r, above_v + tied_v)
    whole_r, whole_v = within(above_r + tied_r, above_v + 1), within(above_r + 1, above_v + tied_v)
    partly = within(above_r + 1, above_v + 1) - whole_r - whole_v + whole
    (share_r, squares_r), (share_v, squares_v) = reference.shares(), view.shares()
    shared = whole + share_v * (whole_r - whole) + share_r * (whole_v - whole) + share_r * share_v * partly
    norms = np.sqrt(squares_r * squares_v)
    return np.divide(shared, norms, out=np.ones_like(norms), where=norms > 0)


def rank_biased_overlap(agreements: Float64, p: float = RBO_P) -> Float64:
    """Extrapolated rank-biased overlap of each query.

    Args:
        agreements: A_d at depths 1 to k, shape (n, k).
        p: Persistence, between 0 and 1.

    Returns:
        Shape (n,).
    """
    weights = (1 - p) * p ** np.arange(agreements.shape[1])
    weights[-1] += p ** agreements.shape[1]
    # The weights sum to 1; so written, equal rankings give exactly that.
    found: Float64 = 1.0 - ((1.0 - agreements) * weights).sum(axis=1)
    return found


def kendall_tau_b(candidates: Candidates, scores: Float32) -> Float64:
    """Kendall's tau-b of each query's candidates.

    Args:
        candidates: The reference's documents.
        scores: The view's scores of them, shape (c,).

    Returns:
        Shape (n,).
    """
    rows, n, depth = candidates.rows, len(candidates.starts) - 1, candidates.top.depth
    place = np.arange(len(rows)) - candidates.starts[rows]
    above = candidates.places[0]
    # Pairs that the reference tells apart have their better document before the last place.
    leading = np.full((n, depth), -np.inf, dtype=np.float32)
    inner = place < depth
    leading[rows[inner], place[inner]] = scores[inner]
    concordant = np.zeros(n, dtype=np.int64)
    size = max(_CELLS // depth, 1)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        better, mine = leading[rows[part]], scores[part, None]
        signs = (better > mine).astype(np.int8) - (better < mine)
        signs *= np.arange(depth) < above[part, None]
        np.add.at(concordant, rows[part], signs.sum(axis=1, dtype=np.int64))
    apart_r, apart_v = candidates.untied_pairs, _untied_pairs(rows, scores, n)
    constant = ((apart_r == 0) & (apart_v == 0)).astype(np.float64)
    found: Float64 = np.divide(concordant, np.sqrt(apart_r * apart_v), out=constant, where=apart_r * apart_v > 0)
    return found


def _untied_pairs(rows: Int64, scores: Float32, n: int) -> Float64:
    """Pairs of each query's documents that have different scores, shape (n,)."""
    order = np.lexsort((scores, rows))
    rows, scores = rows[order], scores[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(scores) != 0)][: len(rows)])
    tied = np.diff(np.r_[starts, len(rows)])
    same = np.bincount(rows[starts], weights=tied * (tied - 1) / 2, minlength=n)
    count = np.bincount(rows, minlength=n)
    found: Float64 = count * (count - 1) / 2 - same
    return found
