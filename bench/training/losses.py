"""The losses of sentence-transformers, by the names that recipes use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.models.recipe import LossName, Recipe

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_ALL = -1
# Rows that a cached loss has in memory at once, where the recipe does not say it.
_MINI_BATCH = 32


def make_loss(model: SentenceTransformer, name: LossName, recipe: Recipe) -> torch.nn.Module:
    """A loss on a model, applied at several dimensions where the recipe says so.

    The total is sum_d w_d * loss(v[:d] / |v[:d]|) over the recipe's dims d (Kusupati et al. 2022, "Matryoshka
    Representation Learning", https://arxiv.org/abs/2205.13147); `adaptive_layers` adds the same at one drawn earlier
    layer and the divergence from the last one (Li et al. 2024, https://arxiv.org/abs/2402.14776).

    Args:
        model: The model that is trained.
        name: The loss.
        recipe: Gives the dims.
    """
    from sentence_transformers.sentence_transformer import losses

    loss: torch.nn.Module = _LOSSES[name](losses, model, recipe)
    nested = recipe.matryoshka
    if nested is None:
        return loss
    settings: dict[str, Any] = {"matryoshka_dims": nested.dims, "matryoshka_weights": nested.weights}
    settings["n_dims_per_step"] = nested.dims_per_step or _ALL
    if nested.adaptive_layers:
        return losses.Matryoshka2dLoss(model, loss, **settings)  # type: ignore[no-any-return]
    return losses.MatryoshkaLoss(model, loss, **settings)  # type: ignore[no-any-return]


def _cached(losses: Any, model: SentenceTransformer, recipe: Recipe) -> Any:
    size = min(recipe.mini_batch_size or _MINI_BATCH, recipe.batch_size)
    return losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=size)


_LOSSES: dict[LossName, Callable[[Any, SentenceTransformer, Recipe], Any]] = {
    "MultipleNegativesRanking": lambda losses, model, _: losses.MultipleNegativesRankingLoss(model),
    "CachedMultipleNegativesRanking": _cached,
    "CoSENT": lambda losses, model, _: losses.CoSENTLoss(model),
    "AnglE": lambda losses, model, _: losses.AnglELoss(model),
    "CosineSimilarity": lambda losses, model, _: losses.CosineSimilarityLoss(model),
    "Triplet": lambda losses, model, _: losses.TripletLoss(model),
    "Contrastive": lambda losses, model, _: losses.ContrastiveLoss(model),
}
