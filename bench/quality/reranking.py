r"""Quality of two stages: a shortlist at one view, ranked again at full width in float32.

Documents outside the shortlist are not retrieved. Both stages score as bench.vectors.quantise says, and metrics are
those of bench.quality.retrieval, ties in the second stage by expectation. Where documents tie for the last places of
the shortlist (binary scores often do), each choice of them is as likely as any other. nDCG, recall and precision are
sums over relevant documents, so that their expectation is exact (bench.quality.expectation). MRR, MAP and hit rate
are not: for them it is drawn a number of times which documents get in, and the mean counts; the draws depend on the
texts and labels alone, not on names or order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.settings import Similarity
from bench.quality.candidates import HELD, Candidates, CrowdedError, find_candidates
from bench.quality.dense import fit_views
from bench.quality.ranking import Pairs
from bench.quality.shortlists import RECALL, Judged, Shortlists
from bench.vectors.quantise import Quantiser
from bench.vectors.rows import VectorRows
from bench.views import View

Float64 = npt.NDArray[np.float64]

DRAWS = 16
# Queries that go through the documents together, to bound memory.
_QUERIES = 2048


def score_reranked(
    judged: Judged,
    queries: VectorRows,
    documents: VectorRows,
    views: Sequence[View],
    similarity: Similarity,
    lengths: Sequence[int],
    metrics: Sequence[str],
    draws: int = DRAWS,
) -> Iterator[tuple[View, dict[str, Float64] | BenchError]]:
    """Metrics of every query after reranking, for shortlists of some views and lengths.

    The documents are read once a precision (int8: twice, for its ranges) and 2,048 queries; of fewer queries, where
    shortlists are very long or very many documents tie.

    Args:
        judged: What is relevant.
        queries: The queries' vectors.
        documents: The documents' vectors.
        views: Of the shortlists.
        similarity: The model's similarity.
        lengths: Documents of a shortlist, rising; one longer than the corpus holds all of it.
        metrics: Which of bench.metrics.RETRIEVAL_METRICS.
        draws: How often it is drawn which of tied documents fill a shortlist's last places, for metrics that need it.

    Yields:
        Each view with its values, or why it has none. By name of the metric, and RECALL, the share of the relevant
        documents that are on the shortlist: shape (lengths, queries).
    """
    for precision in dict.fromkeys(view.precision for view in views):
        group = [view for view in views if view.precision == precision]
        quantisers = fit_views(group, similarity, documents)
        values: list[dict[str, Float64] | BenchError] = [
            {name: np.zeros((len(lengths), len(queries))) for name in (*metrics, RECALL)} for _ in group
        ]
        depth = min(lengths[-1], len(documents))
        for part, found in _parts(judged, queries, documents, quantisers, depth):
            mine = judged.of_queries(part)
            for number, candidates in enumerate(found):
                known = values[number]
                if isinstance(candidates, BenchError):
                    values[number] = candidates
                elif not isinstance(known, BenchError):
                    scored = Shortlists(mine, candidates, lengths).score(metrics, draws)
                    for name, of_part in scored.items():
                        known[name][:, part] = of_part
        yield from zip(group, values, strict=True)


def _parts(
    judged: Judged, queries: VectorRows, documents: VectorRows, quantisers: Sequence[Quantiser], depth: int
) -> Iterator[tuple[slice, list[Candidates | BenchError]]]:
    """The candidates of as many queries at once as there is room for, ties for the last place included."""
    # Their places fill a quarter of the room; the rest is for what ties.
    size = max(min(_QUERIES, HELD // (4 * depth * len(quantisers))), 1)
    start = 0
    while start < len(queries):
        part = slice(start, min(start + size, len(queries)))
        mine = judged.of_queries(part)
        pairs = Pairs(mine.pair_queries, mine.pair_documents, mine.excluded_queries, mine.excluded_documents)
        try:
            found = find_candidates(queries.rows(part), documents, quantisers, pairs, depth)
        except CrowdedError:
            size = (part.stop - part.start + 1) // 2
            continue
        yield part, found
        start = part.stop
