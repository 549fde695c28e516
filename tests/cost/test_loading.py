"""A model in a probe process is loaded and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.cost.loading import ModelFiles
from bench.models import loading
from bench.models.fingerprint import fingerprint
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located


def test_a_measured_load_tries_nothing_out(tiny_model, monkeypatch):
    entry = ModelEntry(name="m", source=[str(tiny_model)], max_seq_length=16, layer_norm=True, device="cpu")
    entry = entry.model_copy(update={"by_default": frozenset({"max_seq_length"})})
    located = Located(tiny_model, str(tiny_model), "folder")
    encoder = load_encoder(entry, located)
    contexts = {"query": TextContext(prompt="q: ", task="query"), "document": TextContext(batching="single")}
    files = ModelFiles(entry, located, fingerprint(entry, tiny_model).space, encoder.profile, contexts)
    there = ModelFiles.from_job(json.loads(json.dumps(files.to_job())))
    assert there == files
    monkeypatch.setattr(loading, "try_out", lambda *_: pytest.fail("tried out"))
    loaded = there.load()
    assert loaded.profile == encoder.profile
    texts, context = ["a steel pipe", "red"], there.contexts["document"]
    np.testing.assert_array_equal(loaded.embed(texts, context), encoder.embed(texts, context))
