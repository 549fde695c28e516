"""Scoring one task unit at one view: a score for every query or pair, and their summary with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.settings import Similarity
from bench.quality import pairs, retrieval
from bench.quality.abstention import confidences, naucs
from bench.quality.blocks import ScoreBlock, rank_blocks
from bench.quality.dense import rank_views
from bench.quality.mteb_order import strict
from bench.quality.ranking import IdOrder, Pairs, Ranks
from bench.statistics.bootstrap import draw_ahead, mean_intervals, spearman_interval
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.quantise import Quantiser, fit
from bench.vectors.rows import VectorRows
from bench.views import View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# Rows read at once where only a pass over the corpus is needed.
_PASS_ROWS = 16_384
# Values that differ by less than this share of the largest are taken for equal.
_SAME = 1e-6
# Means that differ by less than this differ by the order of their sums alone.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A metric's value with the ends of its 95% interval, where one is computed."""

    value: float
    ci_low: float | None = None
    ci_high: float | None = None


@dataclass(frozen=True)
class Scores:
    """What one view scores on one task unit.

    Attributes:
        metrics: By MTEB's metric names.
        ids: Ids of the queries, or numbers of the pairs.
        items: For every query each metric; for every pair its similarities and gold score. Shape (n,) each.
        clusters: A number for each query or pair, shape (n,); those that are one observation share it. None where that
            is not known.
        mteb: What MTEB's evaluator gives, by MTEB's names: the metrics whose values differ there, since it breaks ties
            by id, and what MTEB alone computes.
    """

    metrics: dict[str, Estimate]
    ids: list[str]
    items: dict[str, npt.NDArray[Any]]
    clusters: Int32 | None = None
    mteb: dict[str, float] = field(default_factory=dict)


def score_retrieval(
    data: RetrievalData,
    queries: VectorRows,
    documents: VectorRows,
    views: Sequence[View],
    similarity: Similarity,
    *,
    mteb: bool = False,
) -> Iterator[tuple[View, Scores | BenchError]]:
    """Score a retrieval task at some views by exact search, reading the documents once a precision.

    Args:
        data: The task.
        queries: VectorRows of data.queries.
        documents: VectorRows of data.documents.
        views: The views.
        similarity: The model's similarity.
        mteb: Whether to find `Scores.mteb`; nAUC only at full width in float32, which takes a further pass.

    Yields:
        Each view as soon as its scores are known, or why it cannot be scored; views of one precision follow one
        another.
    """
    judged = Pairs(data.pair_queries, data.pair_documents, *left_out(data))
    ids = IdOrder(data.id_places, data.id_places[data.pair_documents]) if mteb else None
    with ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(draw_ahead, len(set(data.queries)))
        for precision in dict.fromkeys(view.precision for view in views):
            group = [view for view in views if view.precision == precision]
            found = rank_views(queries, documents, group, similarity, judged, retrieval.MAX_CUTOFF, ids)
            drawing.result()
            for view, ranks in zip(group, found, strict=True):
                if isinstance(ranks, BenchError):
                    yield view, ranks
                    continue
                confidence = None
                if mteb and view == View(documents.width):
                    # A score beyond float32's range, of no relevant document, leaves no confidence to speak of.
                    with suppress(BenchError):
                        confidence = confidences(
                            Quantiser(view, similarity), queries.all(), documents, left_out(data), retrieval.MAX_CUTOFF
                        )
                yield view, _summary(data, ranks, confidence)


def score_blocks(data: RetrievalData, blocks: Iterable[ScoreBlock]) -> Scores:
    """Score a retrieval task from score blocks, whatever made them."""
    pairs = data.pair_queries, data.pair_documents
    return _summary(data, rank_blocks(blocks, *pairs, retrieval.MAX_CUTOFF, left_out(data), data.id_places))


def score_pairs(data: PairData, first: Float32, second: Float32, view: View, similarity: Similarity) -> Scores:
    """Score an sts task at one view.

    Args:
        data: The task.
        first: Full vectors of data.sentences1, shape (n, width), float32.
        second: Full vectors of data.sentences2, shape (n, width), float32.
        view: The view; int8 learns its ranges from the sentences of both sides.
        similarity: The model's similarity.
    """
    quantiser = fit(view, similarity, (first, second))
    stored = quantiser.values(quantiser.codes(first)), quantiser.values(quantiser.codes(second))
    values = pairs.similarities(*stored)
    found = pairs.correlations(values, data.gold)
    metrics = {name: Estimate(value) for name, value in found.items()}
    main = "cosine_spearman"
    metrics[main] = Estimate(found[main], *spearman_interval(values["cosine"], data.gold, data.clusters))
    own = pairs.dot_correlations(*stored, data.gold) if similarity == "dot" else {}
    return Scores(metrics, data.ids, {**values, "gold": data.gold}, data.clusters, own)


def check_spread(vectors: VectorRows, texts: list[str], model: str) -> None:
    """Refuse a model that gives every text the same vector: its ranking would be an accident.

    Raises:
        BenchError: All vectors are equal, but for rounding, though the texts are not.
    """
    if len(set(texts)) < 2:
        return
    reference = vectors.rows(np.array([0]))
    # Rounding alone can tell equal vectors apart by a little.
    nearly = _SAME * float(np.abs(reference).max())
    if all(np.abs(block - reference).max() <= nearly for _, block in vectors.blocks(_PASS_ROWS)):
        raise BenchError(
            "gave the same vector for every text",
            where=f"model `{model}`",
            hint="check the weights and the pooling: constant vectors cannot be ranked",
        )


def _summary(data: RetrievalData, ranks: Ranks, confidence: Mapping[str, Float64] | None = None) -> Scores:
    """The metrics of every query, their means, and intervals where there is more than one text of a query."""
    items = _by_query(data, ranks)
    clusters = data.clusters
    metrics = query_means({name: items[name] for name in retrieval.METRICS}, clusters)
    mteb_items = items
    within = ranks.above < retrieval.MAX_CUTOFF
    if ranks.ahead is not None and ((ranks.tied > 1) | (ranks.ahead > 0))[within].any():
        mteb_items = _by_query(data, strict(ranks, retrieval.MAX_CUTOFF))
    differing = {name: float(values.mean()) for name, values in mteb_items.items()}
    differing = {name: mean for name, mean in differing.items() if abs(mean - metrics[name].value) > _ROUNDING}
    further = naucs(confidence, mteb_items) if confidence is not None else {}
    return Scores(metrics, data.query_ids, dict(items), clusters, differing | further)


def query_means(items: Mapping[str, Float64], clusters: Int32) -> dict[str, Estimate]:
    """The mean of each metric over queries, with its interval where there is more than one cluster of them.

    Args:
        items: Each metric of every query, shape (n,) each.
        clusters: The cluster of every query, shape (n,).
    """
    table = np.column_stack(list(items.values()))
    means = table.mean(axis=0).tolist()
    # One query says nothing of how queries differ.
    ends = mean_intervals(table, clusters).T.tolist() if clusters.any() else [(None, None)] * len(means)
    return {name: Estimate(mean, low, high) for name, mean, (low, high) in zip(items, means, ends, strict=True)}


def fold_means(folds: Sequence[str], values: npt.NDArray[Any]) -> dict[str, float]:
    """The mean over the queries of each fold, in the folds' order.

    Args:
        folds: The fold of each query.
        values: A metric of each query, shape (n,).
    """
    of_queries = np.array(folds)
    names = sorted(set(folds), key=lambda name: (len(name), name))
    return {name: float(values[of_queries == name].mean()) for name in names}


def _by_query(data: RetrievalData, ranks: Ranks) -> dict[str, Float64]:
    """Every metric of every query; relevant documents that the corpus lacks are out of reach, whatever the ranks."""
    lacking = len(data.lacking_queries)
    above = np.concatenate([ranks.above, np.full(lacking, retrieval.MAX_CUTOFF, dtype=np.int64)])
    tied = np.concatenate([ranks.tied, np.ones(lacking, dtype=np.int64)])
    return retrieval.score_queries(Ranks(above, tied), data.relevant_queries, data.relevant_gains, len(data.queries))


def left_out(data: RetrievalData) -> tuple[Int64, Int64]:
    """Query and document rows of the pairs that the task leaves out of the rankings."""
    rows = {name: row for row, name in enumerate(data.document_ids)} if data.ignore_identical_ids else {}
    found = [(query, rows[name]) for query, name in enumerate(data.query_ids) if name in rows]
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
