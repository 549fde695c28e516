r"""How a view changes similarities, against the same model at full width in float32.

Over all queries and a sample of documents (of sts over the pairs), with s the view's similarity and r the reference's:

- correlation: Pearson's, of s and r over all of them; one between similarity matrices, as Mantel's statistic is ("The
  detection of disease clustering and a generalized regression approach", Cancer Research 1967).
- change: the mean of s - r; absolute change: the mean of |s - r|. Each query's mean counts once.

The sample is the documents whose texts have the smallest digests: the same in any order and for any model. Of 1,000
documents a correlation has a standard error of about (1 - rho^2) / sqrt(1000), 0.006 at 0.9, even if queries added
nothing; intervals tell the spread over queries alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.files import digest_bytes
from bench.quality.exact import score_tile
from bench.quality.threads import each_block
from bench.statistics.moments import Moments
from bench.vectors.quantise import Quantiser

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

SAMPLE = 1000
_QUERY_ROWS = 256


def sample_rows(texts: Sequence[str], names: Sequence[str] | None = None, size: int = SAMPLE) -> Int64:
    """The rows of a sample of texts, in the order of their digests.

    Args:
        texts: The texts.
        names: Their ids, where these tell equal texts apart.
        size: Texts of the sample; all where there are no more.
    """
    digests = [digest_bytes(text.encode("utf-8", "surrogatepass")) for text in texts]
    rows = heapq.nsmallest(size, range(len(texts)), key=lambda row: (digests[row], names[row] if names else ""))
    return np.array(rows, dtype=np.int64)


class SampledChanges:
    """The changes of queries' similarities to a sample of documents.

    Args:
        reference: The reference's quantiser.
        queries: The queries' full vectors, shape (n, width), float32.
        documents: Those of the sample, shape (m, width), float32.
        left_out: Query rows and places in the sample of pairs that are left out, shape (e,) each.
    """

    def __init__(
        self, reference: Quantiser, queries: Float32, documents: Float32, left_out: tuple[Int64, Int64]
    ) -> None:
        self._reference = reference
        self._queries = queries
        self._documents = documents
        self._left_out = left_out

    def of(self, view: Quantiser) -> tuple[Moments, Float64, Float64]:
        """What a view changes.

        Returns:
            The moments of the reference's (x) and the view's (y) similarities of each query, and each query's mean
            change and mean absolute change, shape (n,).

        Raises:
            BenchError: The view cannot hold these vectors or their scores.
        """
        n = len(self._queries)
        found = np.zeros((8, n))
        documents = [quantiser.comparable(self._documents) for quantiser in (self._reference, view)]

        def compare(rows: slice) -> None:
            x, y = (
                score_tile(quantiser.comparable(self._queries[rows]), sampled).astype(np.float64)
                for quantiser, sampled in zip((self._reference, view), documents, strict=True)
            )
            counted = np.ones(x.shape)
            inside = (self._left_out[0] >= rows.start) & (self._left_out[0] < rows.stop)
            counted[self._left_out[0][inside] - rows.start, self._left_out[1][inside]] = 0
            count = counted.sum(axis=1)
            # A query whose only sampled documents are left out changes nothing.
            share = counted / np.maximum(count, 1)[:, None]
            means = [(values * counted).sum(axis=1) / np.maximum(count, 1) for values in (x, y)]
            change = y - x
            dx, dy = ((values - mean[:, None]) * counted for values, mean in zip((x, y), means, strict=True))
            sums = [(dx * dx).sum(axis=1), (dy * dy).sum(axis=1), (dx * dy).sum(axis=1)]
            changes = [(change * share).sum(axis=1), (np.abs(change) * share).sum(axis=1)]
            found[:, rows] = [count, *means, *sums, *changes]

        each_block(compare, (slice(start, min(start + _QUERY_ROWS, n)) for start in range(0, n, _QUERY_ROWS)))
        return Moments(*found[:6]), found[6], found[7]
