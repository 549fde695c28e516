r"""The ranks of relevant documents among vectors, at several views in one pass over the documents.

A score is the float64 product of two directions, which is exact (bench.vectors.quantise), times their weights, rounded
to float32. Computing all of them so would be slow. Instead each block of documents is multiplied in float32, and only
products that stand so near the score of a relevant pair that rounding could have moved them past it are computed
exactly. The counts are those of the exact scores, whatever the blocks, the threads or the machine.

How near: for x and y of length at most 1, the computed float32 product of d dimensions differs from the true one by at
most gamma_d = d u / (1 - d u), u = 2^-24, in whatever order it is summed (Higham, "Accuracy and stability of numerical
algorithms", 2nd ed., section 3.1); rounding the inputs and the result adds a few u, and the grid of the exact
directions 2^-26 sqrt(d). Binary products are whole numbers, exact in float32.

Dimensions nest: the products of 384 dimensions contain those of 48. Precisions whose cut differs from the full vector
by a factor only (float32), or not at all (binary), share one product a block, built up from the narrowest view.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.settings import Similarity
from bench.quality.ranker import ViewRanker
from bench.quality.ranking import IdOrder, Pairs, Ranks
from bench.quality.threads import each_block
from bench.vectors.pipeline import usable_cores
from bench.vectors.quantise import Quantiser, Ranges, ranges
from bench.vectors.rows import VectorRows
from bench.views import Precision, View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Rows of a tile of float32 scores. Smaller tiles stay in a core's own cache, but threads wait for Python's lock between
# their many short steps; larger ones leave the shared cache (docs/speed.md).
_QUERY_ROWS = 1024
_DOCUMENT_ROWS = 2048
# Values of full vectors in a block, to bound memory, however few the queries or wide the vectors.
_BLOCK_VALUES = 1 << 21
_NESTED: tuple[Precision, ...] = ("float32", "binary")
# A prefix shorter than this share of the whole vector could underflow in float32.
_SHORTEST_PREFIX = 2.0**-40
_UNIT = 2.0**-24
# Rounding below float32's normal numbers: four of their steps.
_SMALLEST = 2.0**-147


def rank_views(
    queries: VectorRows,
    documents: VectorRows,
    views: Sequence[View],
    similarity: Similarity,
    pairs: Pairs,
    depth: int,
    ids: IdOrder | None = None,
) -> list[Ranks | BenchError]:
    """The ranks of pairs at views of one precision, from one pass over the documents (int8: two, for its ranges).

    Args:
        queries: The queries' vectors.
        documents: The documents' vectors.
        views: Views of the same precision.
        similarity: The model's similarity.
        pairs: The pairs.
        depth: Ranks that matter.
        ids: The order of the documents' ids, for MTEB's order of ties (bench.quality.mteb_order).

    Returns:
        For each view its ranks, or why it has none.
    """
    matrix = queries.all()
    rankers = [ViewRanker(quantiser, matrix) for quantiser in fit_views(views, similarity, documents)]
    _score_pairs(rankers, documents, pairs, depth, ids)
    chains = _chains([ranker for ranker in rankers if ranker.error is None], matrix)

    def count(block: tuple[Int64, Float32]) -> None:
        for chain in chains:
            chain.count(*block)

    each_block(count, documents.blocks(_block_rows(len(queries), documents)))
    return [ranker.error or ranker.ranks(documents) for ranker in rankers]


class _Chain:
    """Views whose products nest, from the narrowest to the widest; or a single view.

    Args:
        rankers: The views by rising dimension.
        queries: The queries' full vectors.
    """

    def __init__(self, rankers: list[ViewRanker], queries: Float32) -> None:
        self._rankers = rankers
        self._widest = rankers[-1].quantiser
        self._dims = [ranker.quantiser.view.truncate_dim for ranker in rankers]
        self._binary = self._widest.view.precision == "binary"
        self._cosine = self._widest.similarity == "cosine" and not self._binary
        values = self._values(queries)
        self._lengths = self._prefix_lengths(values)
        self._queries = values if self._binary else _divided(values, self._lengths[-1])
        self.sound = self._long_enough(self._lengths)
        self._alone = [_Chain([ranker], queries) for ranker in rankers] if len(rankers) > 1 else []

    def count(self, rows: Int64, block: Float32) -> None:
        """Count the documents of a block for every query: their rows, shape (m,), and full vectors, (m, width)."""
        if self._rankers[0].error is not None:
            return
        try:
            values = self._values(block)
        except BenchError as error:
            # Only precisions that do not nest can fail: the chain is this one view.
            self._rankers[0].error = error
            return
        lengths = self._prefix_lengths(values)
        if not self._long_enough(lengths):
            for chain in self._alone:
                chain.count(rows, block)
            return
        longest = float(lengths[-1].max())
        documents = values
        if not self._binary:
            documents = _divided(values, lengths[-1] if self._cosine else np.full(len(values), longest))
        factors = (lengths[-1] * _inverse(lengths)).astype(np.float32)
        for start in range(0, len(self._queries), _QUERY_ROWS):
            part = slice(start, min(start + _QUERY_ROWS, len(self._queries)))
            products = self._queries[part, : self._dims[0]] @ documents[:, : self._dims[0]].T
            for number, ranker in enumerate(self._rankers):
                if number:
                    segment = slice(*self._dims[number - 1 : number + 1])
                    products += self._queries[part, segment] @ documents[:, segment].T
                shortened = self._cosine and number < len(self._rankers) - 1
                tile = products * factors[number] if shortened else products
                ranker.count(part, tile, *self._scales(number, part, longest), rows, block)

    def _scales(self, number: int, part: slice, longest: float) -> tuple[Float64, Float64 | None]:
        """What turns a view's products into scores, and the margin of these."""
        dim = self._dims[number]
        if self._binary:
            return np.full(part.stop - part.start, dim**-0.5 * dim**-0.5), None
        margin = (1.01 * dim + 16) * _UNIT + 2.0**-26 * dim**0.5
        lengths = self._lengths[:, part]
        if self._cosine:
            shares = lengths[number] * _inverse(lengths[-1])
            return _inverse(shares), np.full(len(shares), margin)
        return lengths[-1] * longest, margin * lengths[-1] * longest + _SMALLEST

    def _values(self, vectors: Float32) -> Float32:
        """What the widest view stores; where a cut is a factor only, before it is normalised."""
        if self._widest.view.precision == "float32":
            return vectors[:, : self._dims[-1]]
        return self._widest.values(self._widest.codes(vectors))

    def _prefix_lengths(self, values: Float32) -> Float64:
        """Lengths of the leading dimensions of each view, shape (views, n)."""
        if self._binary:
            return np.repeat(np.sqrt(np.array(self._dims, dtype=np.float64))[:, None], len(values), axis=1)
        squares = [
            np.einsum("nd,nd->n", values[:, begin:end], values[:, begin:end], dtype=np.float64)
            for begin, end in pairwise([0, *self._dims])
        ]
        lengths: Float64 = np.sqrt(np.cumsum(squares, axis=0))
        return lengths

    def _long_enough(self, lengths: Float64) -> bool:
        return not self._cosine or not ((lengths > 0) & (lengths < _SHORTEST_PREFIX * lengths[-1])).any()


def fit_views(views: Sequence[View], similarity: Similarity, documents: VectorRows) -> list[Quantiser]:
    """The quantisers of views of one precision; int8 learns its ranges in one pass over the documents."""
    if views[0].precision != "int8":
        return [Quantiser(view, similarity) for view in views]

    def find(block: tuple[Int64, Float32]) -> list[Ranges]:
        return [ranges(view, similarity, block[1]) for view in views]

    found = each_block(find, documents.blocks(_most_rows(documents)))
    return [
        Quantiser(view, similarity, reduce(Ranges.merged, parts))
        for view, parts in zip(views, zip(*found, strict=True), strict=True)
    ]


def _score_pairs(
    rankers: list[ViewRanker], documents: VectorRows, pairs: Pairs, depth: int, ids: IdOrder | None
) -> None:
    """Give each ranker the exact scores of the pairs."""
    queries = np.concatenate([pairs.queries, pairs.excluded_queries])
    rows = np.concatenate([pairs.documents, pairs.excluded_documents])
    scores = np.empty((len(rankers), len(rows)), dtype=np.float32)

    def score(part: slice) -> None:
        block = documents.rows(rows[part])
        for number, ranker in enumerate(rankers):
            try:
                scores[number, part] = ranker.score(block, queries[part], np.arange(len(block)))
            except BenchError as error:
                ranker.error = error

    size = _most_rows(documents)
    each_block(score, (slice(start, start + size) for start in range(0, len(rows), size)))
    for ranker, found in zip(rankers, scores, strict=True):
        ranker.start(pairs, found, depth, ids)


def _chains(rankers: list[ViewRanker], queries: Float32) -> list[_Chain]:
    """The rankers, together where their products nest."""
    if rankers and rankers[0].quantiser.view.precision in _NESTED:
        chain = _Chain(sorted(rankers, key=lambda ranker: ranker.quantiser.view.truncate_dim), queries)
        if chain.sound:
            return [chain]
    alone = []
    for ranker in rankers:
        try:
            alone.append(_Chain([ranker], queries))
        except BenchError as error:
            ranker.error = error
    return alone


def _block_rows(n_queries: int, documents: VectorRows) -> int:
    """Documents a block: enough for a tile, few enough for every core to have one."""
    rows = _QUERY_ROWS * _DOCUMENT_ROWS // min(max(n_queries, 1), _QUERY_ROWS)
    return max(min(rows, _most_rows(documents), -(-len(documents) // usable_cores())), 1)


def _most_rows(vectors: VectorRows) -> int:
    return max(_BLOCK_VALUES // vectors.width, 1)


def _divided(values: Float32, lengths: Float64) -> Float32:
    """Rows divided by lengths, shape (n,); rows of length 0 become 0."""
    result = np.empty(values.shape, dtype=np.float32)
    return np.multiply(values, _inverse(lengths)[:, None], out=result, casting="same_kind")


def _inverse(values: Float64) -> Float64:
    """1 / values, and 0 where they are 0."""
    return np.divide(1.0, values, out=np.zeros(values.shape), where=values > 0)
