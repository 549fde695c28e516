"""Scoring a task unit of any type at several views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bench.errors import BenchError
from bench.models.keys import Role
from bench.models.settings import Similarity
from bench.quality.evaluate import Scores, check_spread, score_pairs, score_retrieval
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.layouts import TaskData
from bench.vectors.rows import VectorRows
from bench.vectors.store import Vectors
from bench.vectors.texts import texts_by_role
from bench.views import View

# Encodes what the store lacks of the texts of each role, and gives the vectors of all of them.
Encode: TypeAlias = Callable[[Mapping[Role, list[str]]], dict[Role, Vectors]]


def score_views(
    data: TaskData, views: Sequence[View], encode: Encode, similarity: Similarity, model: str, *, mteb: bool = False
) -> Iterator[tuple[View, Scores | BenchError]]:
    """Score a unit at each view; a view that cannot be scored costs the others nothing.

    Args:
        data: The unit's data.
        views: The views.
        encode: Gives the vectors of texts.
        similarity: The model's similarity.
        model: The model's name, for messages.
        mteb: Whether to find what MTEB's evaluator gives of retrieval besides (Scores.mteb).

    Yields:
        Each view with its scores, or why it has none.

    Raises:
        BenchError: The model gives the same vector for every text.
    """
    if isinstance(data, RetrievalData | PairData):
        yield from score_vectors(data, vectors_of(data, encode, model), views, similarity, mteb=mteb)
    else:
        from bench.quality.mteb_engine import score_mteb

        yield from score_mteb(data, lambda texts, role: encode({role: texts})[role].all(), views, similarity)


def vectors_of(data: RetrievalData | PairData, encode: Encode, model: str) -> dict[Role, Vectors]:
    """The full vectors of a unit's texts, by role.

    Args:
        data: The unit's data.
        encode: Gives the vectors of texts.
        model: The model's name, for messages.

    Raises:
        BenchError: The model gives the same vector for every text.
    """
    roles = texts_by_role(data)
    found = encode(roles)
    for role, texts in roles.items():
        check_spread(found[role], texts, model)
    return found


def score_vectors(
    data: RetrievalData | PairData,
    vectors: Mapping[Role, VectorRows],
    views: Sequence[View],
    similarity: Similarity,
    *,
    mteb: bool = False,
) -> Iterator[tuple[View, Scores | BenchError]]:
    """Score a unit's full vectors at each view (see score_views).

    Args:
        data: The unit's data.
        vectors: Full vectors of the texts of each role.
        views: The views.
        similarity: The model's similarity.
        mteb: See score_views.
    """
    if isinstance(data, RetrievalData):
        yield from score_retrieval(data, vectors["query"], vectors["document"], views, similarity, mteb=mteb)
        return
    both, n = vectors["text"].all(), len(data.gold)
    for view in views:
        try:
            yield view, score_pairs(data, both[:n], both[n:], view, similarity)
        except BenchError as error:
            yield view, error
