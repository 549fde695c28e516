"""Scoring a task unit of any type at several views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bench.errors import BenchError
from bench.models.profile import Similarity
from bench.models.registry import Role
from bench.quality.evaluate import Scores, check_spread, score_pairs, score_retrieval
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.layouts import TaskData
from bench.vectors.store import Vectors
from bench.vectors.texts import texts_by_role
from bench.views import View

# Encodes what the store lacks of the texts of each role, and gives the vectors of all of them.
Encode: TypeAlias = Callable[[Mapping[Role, list[str]]], dict[Role, Vectors]]


def score_views(
    data: TaskData, views: Sequence[View], encode: Encode, similarity: Similarity, model: str
) -> Iterator[tuple[View, Scores | BenchError]]:
    """Score a unit at each view; a view that cannot be scored costs the others nothing.

    Args:
        data: The unit's data.
        views: The views.
        encode: Gives the vectors of texts.
        similarity: The model's similarity.
        model: The model's name, for messages.

    Yields:
        Each view with its scores, or why it has none.

    Raises:
        BenchError: The model gives the same vector for every text.
    """
    if isinstance(data, RetrievalData):
        found = _encode(encode, texts_by_role(data), model)
        yield from score_retrieval(data, found["query"], found["document"], views, similarity)
    elif isinstance(data, PairData):
        found = _encode(encode, texts_by_role(data), model)
        vectors, n = found["text"].all(), len(data.gold)
        for view in views:
            try:
                yield view, score_pairs(data, vectors[:n], vectors[n:], view, similarity)
            except BenchError as error:
                yield view, error
    else:
        from bench.quality.mteb_engine import score_mteb

        yield from score_mteb(data, lambda texts, role: encode({role: texts})[role].all(), views, similarity)


def _encode(encode: Encode, roles: dict[Role, list[str]], model: str) -> dict[Role, Vectors]:
    found = encode(roles)
    for role, texts in roles.items():
        check_spread(found[role], texts, model)
    return found
