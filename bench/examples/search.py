"""The best documents for a few queries, by exact search over stored vectors or by BM25."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.models.fingerprint import model_fingerprint
from bench.models.keys import Role
from bench.models.profile import ModelProfile
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import ModelEntry, adhoc_entry
from bench.models.settings import Similarity
from bench.paths import entries as listed
from bench.paths import is_folder
from bench.quality.evaluate import left_out
from bench.results.common import TextInput
from bench.tasks.data import RetrievalData
from bench.vectors.quantise import fit
from bench.vectors.store import Vectors, VectorSpace, text_keys
from bench.views import View

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class Found:
    """The best documents for some queries.

    Attributes:
        rows: Rows of the documents, best first, one array a query, shape (k,) or shorter.
        scores: Their scores, likewise, float32.
    """

    rows: list[Int64]
    scores: list[Float32]


@dataclass(frozen=True)
class StoredModel:
    """A model's vectors, found by its fingerprint alone.

    Attributes:
        space: The stored vectors, refreshed.
        profile: What is known of the model.
        entry: The entry whose prompts it was encoded with.
    """

    space: VectorSpace
    profile: ModelProfile
    entry: ModelEntry

    def vectors(self, texts: Sequence[str], role: Role, inputs: Mapping[Role, TextInput] | None) -> Vectors:
        """The vectors of texts.

        Args:
            texts: The texts.
            role: Their role.
            inputs: What their record says that texts of each role were encoded with; None in older records.

        Raises:
            BenchError: Some are not stored.
        """
        context = text_context(self.entry, self.profile, ANY_TASK, role)
        if inputs is not None:
            context = context.model_copy(update={"prompt": inputs[role].prompt, "task": inputs[role].task})
        return self.space.vectors(text_keys(texts, context))


def find_model(fingerprint: str, entries: Iterable[ModelEntry], root: Path) -> StoredModel | None:
    """The stored vectors of a model.

    A space is named by its fingerprint without prompts, so that those of the registry's entries, and none, are tried.

    Args:
        fingerprint: The model's.
        entries: The registry's entries.
        root: The folder of all vector spaces.

    Returns:
        None where no space is that model's, or it lacks the model's profile.
    """
    known = [adhoc_entry("stored"), *entries]
    for folder in (path for path in listed(root) if is_folder(path)):
        for entry in known:
            if model_fingerprint(folder.name, entry) == fingerprint:
                space = VectorSpace(root, folder.name)
                profile = space.profile()
                if profile is None:
                    return None
                space.refresh()
                return StoredModel(space, profile, entry)
    return None


def search_vectors(
    data: RetrievalData,
    wanted: Sequence[int],
    model: StoredModel,
    view: View,
    k: int,
    inputs: Mapping[Role, TextInput] | None = None,
) -> Found:
    """The best documents at a view, by the scores that the view's quality is made of.

    Args:
        data: The task.
        wanted: Rows of the queries.
        model: The model.
        view: The view.
        k: How many documents a query.
        inputs: What the record says that texts of each role were encoded with; None in older records.

    Raises:
        BenchError: Vectors are missing.
    """
    queries = model.vectors([data.queries[row] for row in wanted], "query", inputs)
    documents = model.vectors(data.documents, "document", inputs)
    return best_documents(queries.all(), documents, view, model.profile.similarity, k, _left_out(data, wanted))


def best_documents(
    queries: Float32,
    documents: Vectors,
    view: View,
    similarity: Similarity,
    k: int,
    excluded: Sequence[set[int]] = (),
) -> Found:
    """The best documents for each query, read a block at a time; equal scores stand by row.

    Args:
        queries: Full vectors, shape (q, width), float32.
        documents: The documents' vectors.
        view: The view; int8 learns its ranges from all documents first.
        similarity: The model's similarity.
        k: How many documents a query.
        excluded: Rows of the documents that each query leaves out; none where empty.
    """
    size = max(_BLOCK_VALUES // documents.width, 1)
    quantiser = fit(view, similarity, (block for _, block in documents.blocks(size)))
    asked = quantiser.comparable(queries)
    best = [_Best(k, excluded[row] if excluded else set()) for row in range(len(queries))]
    for rows, block in documents.blocks(size):
        given = quantiser.comparable(block)
        with np.errstate(over="ignore"):
            scores = (asked.directions @ given.directions.T * np.outer(asked.weights, given.weights)).astype(np.float32)
        for held, line in zip(best, scores, strict=True):
            held.add(rows, line)
    return Found([held.rows for held in best], [held.scores for held in best])


def search_words(data: RetrievalData, wanted: Sequence[int], k: int) -> Found:
    """The best documents by BM25; one that shares no word with the query is not found.

    Args:
        data: The task.
        wanted: Rows of the queries.
        k: How many documents a query.
    """
    from bench.quality.bm25 import Bm25

    best = [_Best(k, out) for out in _left_out(data, wanted)]
    everything = np.arange(len(data.documents))
    for held, block in zip(best, Bm25(data.documents).blocks([data.queries[row] for row in wanted]), strict=True):
        held.add(everything, block.scores[0])
    return Found([held.rows for held in best], [held.scores for held in best])


class _Best:
    """The best k documents of one query so far."""

    def __init__(self, k: int, excluded: set[int]) -> None:
        self._k = k
        self._excluded = np.array(sorted(excluded), dtype=np.int64)
        self.rows: Int64 = np.empty(0, dtype=np.int64)
        self.scores: Float32 = np.empty(0, dtype=np.float32)

    def add(self, rows: Int64, scores: Float32) -> None:
        """Take in the scores of some documents, shape (m,) each."""
        kept = ~np.isin(rows, self._excluded) & (scores > -np.inf)
        all_rows = np.concatenate([self.rows, rows[kept]])
        all_scores = np.concatenate([self.scores, scores[kept]])
        order = np.lexsort((all_rows, -all_scores))[: self._k]
        self.rows, self.scores = all_rows[order], all_scores[order]


def _left_out(data: RetrievalData, wanted: Sequence[int]) -> list[set[int]]:
    queries, documents = left_out(data)
    return [set(documents[queries == row].tolist()) for row in wanted]


def check_bm25(fingerprint: str, entries: Iterable[ModelEntry]) -> bool:
    """Whether the BM25 of this machine is the baseline that a fingerprint stands for.

    Raises:
        BenchError: bm25s is not installed.
    """
    from bench.quality.bm25 import baseline_fingerprint

    entry = next((entry for entry in entries if entry.kind == "baseline"), None)
    if entry is None:
        entry = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
    return baseline_fingerprint(entry) == fingerprint
