r"""Controls for truncation: the same vectors in another basis or order, cut as a view cuts them.

That a cut keeps most of a model's score says little by itself: random dimensions of an ordinary model keep much too.
Each control changes the full vectors; then the leading dimensions are kept and normalised again as ever, and scored in
float32 by the same code.

- `pca`: principal components of the documents (of sts all sentences), fitted on the vectors as scores see them:
  directions where similarity is cosine, the vectors themselves where it is the dot product. The mean is subtracted from
  documents and queries, and components stand in falling order of variance: the transformation of
  sklearn.decomposition.PCA. It is centred because that is what "PCA" means to whoever would try it in place of a
  Matryoshka model. Centring moves the origin, so that scores differ a little at full width too; a rotation alone would
  not change them there, and may keep more (docs/controls.md has the figures). Signs of components matter to no score.
- `last`: the dimensions backwards, so that the last ones are kept.
- `random`: draw k keeps the first dimensions of `numpy.random.default_rng(k).permutation(width)`.

A score must not depend on blocks, threads or the order of documents (bench.vectors.quantise), nor a document count as
above itself because it was multiplied in another block. So directions and components are put on the grid of 2^-26,
whose products float64 adds without an error; the covariance too is a sum of whole numbers up to 2^27 documents. Its
eigenvectors are then the same for the same texts, and a row's components follow from the row alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.keys import Role
from bench.models.settings import Similarity
from bench.quality.evaluate import Scores
from bench.quality.score import score_vectors
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.quantise import Quantiser, on_grid, unit
from bench.vectors.rows import ChangedVectors, VectorRows
from bench.views import Control, ControlledView, View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

# Values of full vectors in a block, to bound memory.
_BLOCK_VALUES = 1 << 21
# Grid values are divided into a leading and a trailing half of 13 bits, whose products have room to be summed.
_HALF = 2.0**13


@dataclass(frozen=True)
class Projection:
    """The principal components of vectors.

    Attributes:
        components: A row each in falling order of variance, on the grid of 2^-26, shape (width, width), float64.
        offset: The components of the mean, shape (width,), float64.
        similarity: The model's similarity.
    """

    components: Float64
    offset: Float64
    similarity: Similarity

    def apply(self, vectors: Float32) -> Float32:
        """The components of vectors less the mean, shape (n, width), float32."""
        found = Quantiser(View(vectors.shape[1]), self.similarity).comparable(vectors)
        projected = found.directions @ self.components.T
        projected *= found.weights[:, None]
        projected -= self.offset
        return projected.astype(np.float32)


def fit_pca(vectors: VectorRows, similarity: Similarity, block_rows: int | None = None) -> Projection:
    """The principal components of vectors, read in blocks.

    Args:
        vectors: n vectors; where there are fewer than their width, the last components have no variance.
        similarity: The model's similarity: of cosine, directions count (see the module's docstring).
        block_rows: Rows read at once; as many as fit a fixed size by default.
    """
    size = block_rows or max(_BLOCK_VALUES // vectors.width, 1)
    scale = common_scale(vectors, similarity, size)
    total = np.zeros(vectors.width)
    products = np.zeros((3, vectors.width, vectors.width))
    for _, block in vectors.blocks(size):
        values = grid_values(block, similarity, scale)
        total += values.sum(axis=0)
        high = np.rint(values * _HALF)
        low = (values * _HALF - high) * _HALF
        products += [high.T @ high, high.T @ low, low.T @ low]
    second = (products[0] + (products[1] + products[1].T) / _HALF + products[2] / _HALF**2) / _HALF**2
    mean = total / len(vectors)
    variances, columns = np.linalg.eigh(second / len(vectors) - np.outer(mean, mean))
    components = on_grid(columns[:, np.argsort(-variances, kind="stable")].T.copy())
    return Projection(components, components @ mean * scale, similarity)


def common_scale(vectors: VectorRows, similarity: Similarity, size: int) -> float:
    """What vectors are divided by so that none is longer than 1; of cosine 1, since directions are.

    Args:
        vectors: The vectors.
        similarity: The model's similarity.
        size: Rows read at once.
    """
    # A power of two, so that dividing by it is exact.
    return 1.0 if similarity == "cosine" else _power_above(_longest(vectors, size))


def grid_values(block: Float32, similarity: Similarity, scale: float) -> Float64:
    """Vectors as scores see them, on the grid of 2^-26: directions, or of the dot product vectors over their scale.

    Args:
        block: Full vectors, shape (m, width), float32.
        similarity: The model's similarity.
        scale: See common_scale.
    """
    directions, lengths = unit(block)
    if similarity == "dot":
        directions *= (lengths / scale)[:, None]
    return on_grid(directions)


def score_controls(
    data: RetrievalData | PairData,
    vectors: Mapping[Role, VectorRows],
    wanted: Sequence[ControlledView],
    similarity: Similarity,
) -> Iterator[tuple[ControlledView, Scores | BenchError]]:
    """Score a task unit under controls; all dimensions of one control in one pass over the documents.

    Args:
        data: The unit's data.
        vectors: Full vectors of the texts of each role.
        wanted: What is to be scored.
        similarity: The model's similarity.

    Yields:
        Each cut with its scores, or why it has none; those of one control follow one another.
    """
    for control in dict.fromkeys(cut.control for cut in wanted):
        views = [View(cut.truncate_dim) for cut in wanted if cut.control == control]
        change = _change(control, vectors, similarity)
        changed = {role: ChangedVectors(found, change) for role, found in vectors.items()}
        for view, scores in score_vectors(data, changed, views, similarity):
            yield ControlledView(control, view.truncate_dim), scores


def _change(
    control: Control, vectors: Mapping[Role, VectorRows], similarity: Similarity
) -> Callable[[Float32], Float32]:
    """What a control does to full vectors."""
    fitted_on = vectors["document"] if "document" in vectors else vectors["text"]
    if control.method == "pca":
        return fit_pca(fitted_on, similarity).apply
    order = np.arange(fitted_on.width)[::-1]
    if control.method == "random":
        order = np.random.default_rng(control.draw).permutation(fitted_on.width)
    return partial(np.take, indices=order, axis=1)


def _longest(vectors: VectorRows, size: int) -> float:
    return max((float(unit(block)[1].max()) for _, block in vectors.blocks(size)), default=0.0)


def _power_above(value: float) -> float:
    """The smallest power of two that is above a value of 0 or more."""
    return 2.0 ** math.frexp(value)[1]
