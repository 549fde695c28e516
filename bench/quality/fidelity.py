"""Fidelity: how far a view still does what the same model does at full width in float32, without any label.

Rankings are compared by bench.quality.agreement, similarities by bench.quality.changes; what the leading dimensions
hold is told by bench.quality.leading. docs/fidelity.md says how far each foretells a loss of quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.metrics import FIDELITY_MEASURES, FidelityMeasure
from bench.models.keys import Role
from bench.models.settings import Similarity
from bench.quality.agreement import DEPTH, Candidates, TopScores, agreements, kendall_tau_b, rank_biased_overlap
from bench.quality.changes import SampledChanges, sample_rows
from bench.quality.dense import fit_views
from bench.quality.evaluate import Estimate, Scores, left_out
from bench.quality.exact import ExactScores, find_candidates, top_scores, view_of_candidates
from bench.quality.leading import Leading, leading_shares
from bench.quality.pairs import similarities
from bench.statistics.bootstrap import mean_intervals
from bench.statistics.moments import Moments, correlation, correlation_interval
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.quantise import Quantiser, fit
from bench.vectors.rows import VectorRows
from bench.views import View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# Documents of the reference's first places held at once; more, where many tie, are found again for each view.
_CANDIDATES = 1 << 23


@dataclass(frozen=True)
class FidelityScores(Scores):
    """What a view keeps of its model on one task unit.

    Attributes:
        metrics: By the names of FIDELITY_MEASURES; what is not defined is left out.
        items: Each query's measures, but for the correlation, or each pair's `similarity` and `reference`; float32.
        leading: What the leading dimensions hold, the same of all views.
    """

    leading: Leading = field(kw_only=True)


def score_fidelity(
    data: RetrievalData | PairData,
    vectors: Mapping[Role, VectorRows],
    views: Sequence[View],
    similarity: Similarity,
) -> Iterator[tuple[View, FidelityScores | BenchError]]:
    """Compare views with the same model at full width in float32.

    Args:
        data: The unit's data; its labels are not looked at.
        vectors: Full vectors of the texts of each role.
        views: The views.
        similarity: The model's similarity.

    Yields:
        Each view with what it keeps, or why that cannot be told; views of one precision follow one another.

    Raises:
        BenchError: The reference itself cannot be scored.
    """
    if isinstance(data, PairData):
        yield from _score_pairs(data, vectors["text"], views, similarity)
        return
    queries, documents = vectors["query"].all(), vectors["document"]
    leading = leading_shares(documents, similarity)
    reference = Quantiser(View(documents.width), similarity)
    excluded, clusters = left_out(data), data.clusters
    rankings = _Rankings(reference, queries, documents, excluded)
    sampled = sample_rows(data.documents, data.document_ids if data.ignore_identical_ids else None)
    changes = SampledChanges(reference, queries, documents.rows(sampled), _in_sample(excluded, sampled))
    for precision in dict.fromkeys(view.precision for view in views):
        group = [view for view in views if view.precision == precision]
        for view, quantiser in zip(group, fit_views(group, similarity, documents), strict=True):
            try:
                items = rankings.compare(quantiser)
                moments, change, absolute = changes.of(quantiser)
            except BenchError as error:
                yield view, error
                continue
            items |= {"similarity_change": change, "similarity_absolute_change": absolute}
            metrics = _means(items, clusters) | _others(view, leading, moments, clusters)
            kept: dict[str, npt.NDArray[Any]] = {name: values.astype(np.float32) for name, values in items.items()}
            yield view, FidelityScores(_named(metrics), data.query_ids, kept, clusters, leading=leading)


class _Rankings:
    """The reference's first places, and how far views agree with them.

    Args:
        reference: The reference's quantiser.
        queries: The queries' full vectors.
        documents: The documents' vectors.
        excluded: Query and document rows of the pairs that are not ranked.
    """

    def __init__(
        self, reference: Quantiser, queries: Float32, documents: VectorRows, excluded: tuple[Int64, Int64]
    ) -> None:
        self._reference = reference
        self._queries = queries
        self._documents = documents
        self._excluded = excluded
        self._top = top_scores(self._scores(reference, 0, len(queries)), DEPTH)
        self._starts = self._batches()
        self._candidates = lru_cache(maxsize=1)(self._find_candidates)

    def compare(self, view: Quantiser) -> dict[FidelityMeasure, Float64]:
        """A view's measures of every query, shape (n,) each.

        Raises:
            BenchError: The view cannot hold these vectors or their scores.
        """
        stops = [*self._starts[1:], len(self._queries)]
        parts = [self._compare(view, *ends) for ends in zip(self._starts, stops, strict=True)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _compare(self, view: Quantiser, start: int, stop: int) -> dict[FidelityMeasure, Float64]:
        candidates = self._candidates(start, stop)
        top, scores = view_of_candidates(self._scores(view, start, stop), candidates, DEPTH)
        agreed = agreements(candidates, top, scores)
        return {
            "overlap_at_10": agreed[:, 10 - 1],
            "overlap_at_100": agreed[:, 100 - 1],
            "rbo": rank_biased_overlap(agreed),
            "kendall_tau": kendall_tau_b(candidates, scores),
        }

    def _find_candidates(self, start: int, stop: int) -> Candidates:
        return find_candidates(self._scores(self._reference, start, stop), self._part(start, stop))

    def _part(self, start: int, stop: int) -> TopScores:
        return TopScores(self._top.scores[start:stop], self._top.tied_at_edge[start:stop])

    def _scores(self, quantiser: Quantiser, start: int, stop: int) -> ExactScores:
        mine = (self._excluded[0] >= start) & (self._excluded[0] < stop)
        excluded = self._excluded[0][mine] - start, self._excluded[1][mine]
        return ExactScores(quantiser, self._queries[start:stop], self._documents, excluded)

    def _batches(self) -> list[int]:
        """First queries of batches whose candidates fit into memory together: one batch, unless very many tie."""
        edge = self._top.scores[:, -1:]
        above = (self._top.scores > edge).sum(axis=1)
        starts, held = [0], 0
        for row, count in enumerate((above + np.where(edge[:, 0] > -np.inf, self._top.tied_at_edge, 0)).tolist()):
            if held and held + count > _CANDIDATES:
                starts.append(row)
                held = 0
            held += count
        return starts


def _score_pairs(
    data: PairData, vectors: VectorRows, views: Sequence[View], similarity: Similarity
) -> Iterator[tuple[View, FidelityScores | BenchError]]:
    both, n, clusters = vectors.all(), len(data.gold), data.clusters
    leading = leading_shares(vectors, similarity)

    def cosines(quantiser: Quantiser) -> Float64:
        values = quantiser.values(quantiser.codes(both))
        return similarities(values[:n], values[n:])["cosine"]

    reference = cosines(Quantiser(View(vectors.width), similarity))
    for view in views:
        try:
            found = cosines(fit(view, similarity, [both]))
        except BenchError as error:
            yield view, error
            continue
        ones, zeros, change = np.ones(n), np.zeros(n), found - reference
        items: dict[FidelityMeasure, Float64] = {
            "similarity_change": change,
            "similarity_absolute_change": np.abs(change),
        }
        moments = Moments(ones, reference, found, zeros, zeros, zeros)
        metrics = _means(items, clusters) | _others(view, leading, moments, clusters)
        kept = {"similarity": found.astype(np.float32), "reference": reference.astype(np.float32)}
        yield view, FidelityScores(_named(metrics), data.ids, kept, clusters, leading=leading)


def _means(items: Mapping[FidelityMeasure, Float64], clusters: Int32) -> dict[FidelityMeasure, Estimate]:
    """Means over queries or pairs, with intervals where there is more than one cluster of them."""
    table = np.column_stack(list(items.values()))
    means = [math.fsum(column) / len(table) for column in table.T]
    ends = mean_intervals(table, clusters).T.tolist() if clusters.any() else [(None, None)] * len(means)
    return {name: Estimate(mean, low, high) for name, mean, (low, high) in zip(items, means, ends, strict=True)}


def _others(view: View, leading: Leading, moments: Moments, clusters: Int32) -> dict[FidelityMeasure, Estimate]:
    """What is no mean over queries or pairs, where it is defined."""
    found: dict[FidelityMeasure, Estimate] = {}
    value = correlation(moments)
    if value is not None:
        ends = correlation_interval(moments, clusters) if clusters.any() else (None, None)
        found["similarity_correlation"] = Estimate(value, *ends)
    if leading.variance is not None:
        found["variance_kept"] = Estimate(float(leading.variance[view.truncate_dim - 1]))
    return found | {"norm_kept": Estimate(float(leading.norm[view.truncate_dim - 1]))}


def _named(metrics: Mapping[FidelityMeasure, Estimate]) -> dict[str, Estimate]:
    """In the order of FIDELITY_MEASURES."""
    return {name: metrics[name] for name in FIDELITY_MEASURES if name in metrics}


def _in_sample(excluded: tuple[Int64, Int64], sampled: Int64) -> tuple[Int64, Int64]:
    """Query rows and places in the sample of the excluded pairs that are in it."""
    places = {row: place for place, row in enumerate(sampled.tolist())}
    pairs = zip(excluded[0].tolist(), excluded[1].tolist(), strict=True)
    found = np.array([(query, places[row]) for query, row in pairs if row in places], dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
