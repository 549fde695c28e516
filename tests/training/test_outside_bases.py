"""Recipes whose base takes something from outside of its folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hub_folders import COMMIT
from outside_models import cache_code, change_weights, make_adapter, name_model_code
from sentence_transformers import SentenceTransformer
from support import make_model

from bench.training.identity import prepare
from bench.training.make import make


class Notes:
    """A listener that hears nothing."""

    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture
def adapter(workshop):
    """The base of the recipes is an adapter that names its own base from the registry's folder."""
    base = make_model(workshop.folder / "zoo" / "base")
    shutil.rmtree(workshop.folder / "tiny")
    make_adapter(base, workshop.folder / "tiny", names="./zoo/base")
    return base


def test_a_recipe_is_another_when_its_bases_base_changes(workshop, adapter):
    before = workshop.prepared().identity
    assert workshop.prepared().identity == before
    change_weights(adapter)
    assert workshop.prepared().identity != before


def test_what_is_trained_from_an_adapter_needs_no_base(workshop, adapter):
    prepared = workshop.prepared()
    make(prepared, workshop.find, (), Notes(), "cpu")
    model = prepared.folder / "model"
    assert not list(model.glob("adapter*"))
    assert (model / "model.safetensors").is_file()
    start = SentenceTransformer(str(adapter), device="cpu")
    start.load_adapter(str(workshop.folder / "tiny"))
    expected = start.encode(["red pipe"])
    shutil.rmtree(adapter)
    shutil.rmtree(workshop.folder / "tiny")
    found = SentenceTransformer(str(model), device="cpu").encode(["red pipe"])
    # Trained from where the adapter led, if only a little.
    assert 1e-6 < np.abs(found - expected).max() < 0.1


def test_a_recipe_is_another_when_code_of_its_base_changes(workshop, hub_cache):
    name_model_code(workshop.folder / "tiny", "acme/code--")
    cache_code(hub_cache, "acme/code")
    found = []
    for roll in (1, 2):
        snapshot = hub_cache / "models--acme--code" / "snapshots" / COMMIT
        text = (snapshot / "shift.py").read_text()
        (snapshot / "shift.py").unlink()
        (snapshot / "shift.py").write_text(text.replace("roll(1,", f"roll({roll},"))
        entries = workshop.entries(made={})
        trusted = entries["made"].base_entry.model_copy(update={"trust_remote_code": True})
        found.append(prepare(entries["made"].model_copy(update={"base_entry": trusted}), workshop.find).identity)
    assert len(set(found)) == 2
