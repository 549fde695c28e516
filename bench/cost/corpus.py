"""The documents that a search is measured on: the task's own, or many more drawn around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.vectors.store import Vectors, VectorSpace, keys_from_bytes

Float32 = npt.NDArray[np.float32]

# Documents held at once beside an index.
CHUNK_ROWS = 16_384
# Documents of the task that a synthetic corpus is drawn around, at most, to bound memory.
_CENTRES = 20_000
_SEED = 20240917
# How far, in differences of two documents, a synthetic one lies from its centre: cosines to it of about 0.9.
_NEAR, _FAR = 0.25, 0.75


class Corpus(Protocol):
    """Documents as full vectors, a chunk at a time, the same at every pass."""

    @property
    def width(self) -> int:
        """Dimensions of a full vector."""

    def __len__(self) -> int:
        """How many there are."""

    def chunks(self) -> Iterator[Float32]:
        """All of them, shape (m, width) each, m at most CHUNK_ROWS."""


@dataclass(frozen=True)
class StoredCorpus:
    """The task's documents.

    Attributes:
        vectors: Their vectors.
    """

    vectors: Vectors

    @property
    def width(self) -> int:
        """Dimensions of a full vector."""
        return self.vectors.width

    def __len__(self) -> int:
        """How many there are."""
        return len(self.vectors)

    def chunks(self) -> Iterator[Float32]:
        """All of them, in order."""
        for start in range(0, len(self.vectors), CHUNK_ROWS):
            yield self.vectors.rows(slice(start, start + CHUNK_ROWS))


@dataclass(frozen=True)
class SyntheticCorpus:
    """Documents drawn by seed around some of the task's: x = v + r (u - w) / sqrt(2), with r between 0.25 and 0.75.

    v, u and w are documents of the task. Differences of documents vary as documents do, so that what is drawn keeps
    the task's clusters and its strong and weak directions (a smoothed bootstrap, Silverman and Young 1987), on which
    HNSW's recall depends; independent noise would make it harder than any real corpus. Each has its centre's length.

    Attributes:
        centres: Documents of the task, shape (c, width), c at least 2.
        size: How many to draw.
    """

    centres: Float32
    size: int

    @property
    def width(self) -> int:
        """Dimensions of a full vector."""
        return int(self.centres.shape[1])

    def __len__(self) -> int:
        """How many there are."""
        return self.size

    def chunks(self) -> Iterator[Float32]:
        """All of them; a chunk depends on the seed and its number alone."""
        for number, start in enumerate(range(0, self.size, CHUNK_ROWS)):
            yield self._draw(np.random.default_rng([_SEED, number]), min(CHUNK_ROWS, self.size - start))

    def _draw(self, rng: np.random.Generator, count: int) -> Float32:
        n = len(self.centres)
        v, u, step = (rng.integers(low, n, count) for low in (0, 0, 1))
        radius = rng.uniform(_NEAR, _FAR, count).astype(np.float32) / np.float32(2**0.5)
        centres = self.centres[v]
        drawn = self.centres[u]
        drawn -= self.centres[(u + step) % n]
        drawn *= radius[:, None]
        drawn += centres
        lengths, wanted = (np.linalg.norm(rows, axis=1) for rows in (drawn, centres))
        scale = np.divide(wanted, lengths, out=np.ones_like(lengths), where=lengths > 0)
        drawn *= scale[:, None]
        return drawn


def write_rows(path: Path, corpus: Corpus, convert: Callable[[Float32], npt.NDArray[Any]]) -> None:
    """Write a corpus as one .npy file, a chunk at a time.

    Args:
        path: The file.
        corpus: The documents.
        convert: From a chunk of full vectors to as many rows of the file.
    """
    start, file = 0, None
    for chunk in corpus.chunks():
        rows = convert(chunk)
        if file is None:
            shape = (len(corpus), rows.shape[1])
            file = np.lib.format.open_memmap(path, mode="w+", dtype=rows.dtype, shape=shape)
        file[start : start + len(rows)] = rows
        start += len(rows)
    if file is not None:
        file.flush()


def open_corpus(job: dict[str, Any]) -> tuple[Corpus, Vectors]:
    """The documents and the queries of a search.

    Args:
        job: `space` (root, fingerprint), `documents` and `queries` (files of keys), and `corpus_size` (null for the
            task's own documents).

    Raises:
        BenchError: Vectors are missing from the store, or there are too few documents to draw around.
    """
    space = VectorSpace(Path(job["space"]["root"]), job["space"]["fingerprint"])
    space.refresh()
    documents, queries = (
        space.vectors(keys_from_bytes(Path(job[name]).read_bytes())) for name in ("documents", "queries")
    )
    if job["corpus_size"] is None:
        return StoredCorpus(documents), queries
    if len(documents) < 2:
        raise BenchError(
            "a synthetic corpus is drawn around the task's documents, of which there must be at least 2",
            hint="leave out --corpus-size, or take another task",
        )
    rows = np.linspace(0, len(documents) - 1, min(len(documents), _CENTRES)).astype(np.int64)
    return SyntheticCorpus(documents.rows(rows), job["corpus_size"]), queries
