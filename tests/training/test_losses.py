from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.models.loading import load_transformer
from bench.models.recipe import Matryoshka, Recipe
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.training.losses import make_loss

QUERIES = ["red pipe ?", "blue lamp ?", "wire ?"]
POSITIVES = ["red pipe large", "small blue lamp", "brass wire"]


@pytest.fixture
def model(tiny_model):
    entry = ModelEntry(name="tiny", source=[str(tiny_model)], device="cpu")
    return load_transformer(entry, Located(tiny_model, "tiny", "folder")).eval()


def total(model, name, matryoshka, labels=None):
    recipe = Recipe(base=["tiny"], data=["shop"], matryoshka=matryoshka)
    features = [model.preprocess(texts) for texts in (QUERIES, POSITIVES)]
    # The cached loss computes gradients as it goes.
    return float(make_loss(model, name, recipe)(features, labels).detach())


def cut(matrix, dim):
    part = matrix[:, :dim]
    return part / np.linalg.norm(part, axis=1, keepdims=True)


def ranking_loss(queries, positives):
    """Mean cross-entropy of each query's own positive among all, cosines times 20 (Henderson et al. 2017)."""
    scores = 20 * queries @ positives.T
    return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - np.diag(scores)))


def cosent_loss(first, second, labels):
    """log(1 + sum of exp(20 (s_k - s_i)) over pairs with label_i > label_k)."""
    scores = 20 * (first * second).sum(axis=1)
    terms = [np.exp(scores[k] - scores[i]) for i in range(3) for k in range(3) if labels[i] > labels[k]]
    return float(np.log(1 + np.sum(terms)))


@pytest.mark.parametrize("name", ["MultipleNegativesRanking", "CachedMultipleNegativesRanking"])
@pytest.mark.parametrize("weights", [None, [1, 0.5, 2]])
def test_the_total_is_the_weighted_sum_over_the_dims(model, name, weights):
    queries, positives = (model.encode(texts).astype(np.float64) for texts in (QUERIES, POSITIVES))
    by_hand = sum(
        weight * ranking_loss(cut(queries, dim), cut(positives, dim))
        for dim, weight in zip([32, 16, 4], weights or [1, 1, 1], strict=True)
    )
    found = total(model, name, Matryoshka(dims=[32, 16, 4], weights=weights))
    assert found == pytest.approx(by_hand, rel=1e-4)
    alone = ranking_loss(cut(queries, 32), cut(positives, 32))
    assert total(model, name, None) == pytest.approx(alone, rel=1e-4)


def test_the_total_of_scored_pairs(model):
    first, second = (model.encode(texts).astype(np.float64) for texts in (QUERIES, POSITIVES))
    labels = [0.9, 0.1, 0.5]
    by_hand = sum(cosent_loss(cut(first, dim), cut(second, dim), labels) for dim in (32, 8))
    found = total(model, "CoSENT", Matryoshka(dims=[32, 8]), torch.tensor(labels))
    assert found == pytest.approx(by_hand, rel=1e-4)
