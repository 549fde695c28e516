"""Scoring a model while it is trained, as a run scores it: the same texts, cut and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError, UsageError, did_you_mean
from bench.models.encoder import SentenceEncoder
from bench.models.keys import Role
from bench.models.loading import make_encoder
from bench.models.profile import ModelProfile, TextContext
from bench.models.prompts import text_context
from bench.quality.score import score_views
from bench.tasks.unit import TaskUnit
from bench.training.identity import Prepared
from bench.vectors.store import Vectors
from bench.views import View

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Texts at once: little enough for any memory, and of about the same length.
_BATCH = 32


def metric_of(prepared: Prepared, unit: TaskUnit) -> str:
    """The metric that checkpoints are judged by."""
    wanted = prepared.recipe.evaluate
    return (wanted.metric if wanted else None) or unit.main_metric


def make_score(prepared: Prepared, unit: TaskUnit) -> Callable[[SentenceTransformer], float]:
    """What gives the score of a model on a task unit.

    Args:
        prepared: Its recipe says at which dimension and by which metric.
        unit: The task unit.
    """
    metric, wanted = metric_of(prepared, unit), prepared.recipe.evaluate
    where = f"model `{prepared.name}`"
    folder = prepared.base_folder
    known: ModelProfile | None = None

    def score(model: SentenceTransformer) -> float:
        nonlocal known
        encoder = make_encoder(model, prepared.entry, folder, known)
        known = encoder.profile
        view = View((wanted.dim if wanted else None) or encoder.profile.width)

        def encode(roles: Mapping[Role, list[str]]) -> dict[Role, Vectors]:
            contexts = {role: text_context(prepared.entry, encoder.profile, unit.prompt_task, role) for role in roles}
            return {role: _encode(encoder, contexts[role], texts) for role, texts in roles.items()}

        [(_, found)] = score_views(unit.data, [view], encode, encoder.profile.similarity, prepared.name)
        if isinstance(found, BenchError):
            raise found
        if metric not in found.metrics:
            raise UsageError(
                f"`evaluate.metric`: {unit.label} has no metric `{metric}`",
                where=where,
                hint=did_you_mean(metric, found.metrics) or f"it has {', '.join(found.metrics)}",
            )
        return found.metrics[metric].value

    return score


def _encode(encoder: SentenceEncoder, context: TextContext, texts: list[str]) -> Vectors:
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    parts = [encoder.embed(unique[start : start + _BATCH], context) for start in range(0, len(unique), _BATCH)]
    places = {text: row for row, text in enumerate(unique)}
    rows = np.array([places[text] for text in texts], dtype=np.int64)
    return Vectors([np.concatenate(parts)], rows, encoder.profile.width)
