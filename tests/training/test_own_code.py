"""Bases that bring their own Python code: it is trusted once, runs in training, and is in the made folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import yaml
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Router
from support import make_model

from bench.errors import BenchError
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry_file import load_registry
from bench.models.source import locate
from bench.training.identity import prepare
from bench.training.make import make

TEXTS = ["red pipe", "large blue valve"]
CODE = """
import torch
from sentence_transformers.models import Module

from .factors import start

class Scale(Module):
    config_keys = ["kept"]

    def __init__(self, kept=1.0):
        super().__init__()
        self.kept = kept
        self.factor = torch.nn.Parameter(torch.tensor(start() * kept))

    def forward(self, features, **_):
        features["sentence_embedding"] = features["sentence_embedding"] * self.factor
        return features

    def save(self, output_path, *args, **settings):
        self.kept = self.factor.item() / start()
        self.save_config(output_path)
"""


def add_code(folder):
    """A last module of the model's own, in two files."""
    (folder / "scaling.py").write_text(CODE)
    (folder / "factors.py").write_text("def start():\n    return 3.0\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Scale", "type": "scaling.Scale"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "3_Scale").mkdir()
    (folder / "3_Scale" / "config.json").write_text('{"kept": 1.0}')
    return folder


class Notes:
    """A listener that may press Ctrl-C after a step."""

    def __init__(self, interrupt_at=None):
        self._interrupt_at = interrupt_at

    def training(self, model, step, steps, loss):
        if step == self._interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    def __getattr__(self, name):
        return lambda *_: None


def entries(workshop, models):
    path = workshop.folder / "models.yaml"
    path.write_text(yaml.safe_dump({"models": models}))
    return {entry.name: entry for entry in load_registry(path).models}


def recipe(base, **changes):
    return {"base": base, "data": "shop", "batch_size": 8, **changes}


@pytest.fixture
def own(workshop):
    return add_code(make_model(workshop.folder / "own", seed=3))


def encode(entry):
    return load_encoder(entry, locate(entry, download=False)).embed(TEXTS, TextContext())


@pytest.mark.parametrize("flag_on", ["own", "made"])
def test_who_trusts_a_base_or_what_is_made_of_it_needs_no_other_key(workshop, own, flag_on):
    base = {"name": "own", "source": "./own"}
    model = {"name": "made", "kind": "fine-tuned", "recipe": recipe("own", learning_rate=1e-2)}
    (base if flag_on == "own" else model)["trust_remote_code"] = True
    prepared = prepare(entries(workshop, [base, model])["made"], workshop.find)
    assert prepared.entry.trust_remote_code
    make(prepared, workshop.find, (), Notes(), "cpu")
    shutil.rmtree(own)
    assert {path.name for path in prepared.made.glob("*.py")} == {"scaling.py", "factors.py"}
    found = encode(prepared.entry)
    # The factor was trained, and saved by the model's own code.
    lengths = np.linalg.norm(found, axis=1)
    assert np.ptp(lengths) < 1e-5
    assert abs(lengths[0] - 3) > 1e-4
    # Another process that knows nothing of the base reads the same.
    code = (
        "import sys; from sentence_transformers import SentenceTransformer as Model; "
        f"print(Model(sys.argv[1], device='cpu', trust_remote_code=True).encode({TEXTS!r}).tolist())"
    )
    again = subprocess.run([sys.executable, "-c", code, prepared.made], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(np.array(json.loads(again.stdout)), found, atol=1e-6)


def test_untrusted_code_does_not_run(workshop, own):
    models = [
        {"name": "own", "source": "./own"},
        {"name": "made", "kind": "fine-tuned", "recipe": recipe("own")},
    ]
    with pytest.raises(BenchError, match="scaling") as caught:
        make(prepare(entries(workshop, models)["made"], workshop.find), workshop.find, (), Notes(), "cpu")
    assert "trust_remote_code: true" in caught.value.hint


def test_a_model_made_from_a_made_one_has_the_code_too(workshop, own):
    models = [
        {"name": "own", "source": "./own", "trust_remote_code": True},
        {"name": "one", "kind": "fine-tuned", "recipe": recipe("own")},
        {"name": "two", "kind": "fine-tuned", "recipe": recipe("one", seed=3)},
    ]
    two = prepare(entries(workshop, models)["two"], workshop.find)
    make(two, workshop.find, (), Notes(), "cpu")
    assert np.linalg.norm(encode(two.entry), axis=1) == pytest.approx(3, abs=0.1)


def test_the_best_checkpoint_of_own_code_is_the_one_that_is_kept(workshop, own):
    judge = {"task": "shop", "every": 1}
    models = [
        {"name": "own", "source": "./own", "trust_remote_code": True},
        {"name": "made", "kind": "fine-tuned", "recipe": recipe("own", evaluate=judge, learning_rate=1e-2)},
    ]
    prepared = prepare(entries(workshop, models)["made"], workshop.find)
    make(prepared, workshop.find, (), Notes(), "cpu")
    evaluation = json.loads((prepared.folder / "recipe.json").read_text())["evaluation"]
    from bench.models.loading import load_transformer
    from bench.training.judge import make_score

    model = load_transformer(prepared.entry, locate(prepared.entry, download=False))
    assert make_score(prepared, prepared.evaluation)(model) == pytest.approx(evaluation["best"], abs=1e-6)


def test_a_training_with_own_code_goes_on_where_it_was_interrupted(workshop, own, monkeypatch, tmp_path):
    models = [
        {"name": "own", "source": "./own", "trust_remote_code": True},
        {"name": "made", "kind": "fine-tuned", "recipe": recipe("own", epochs=2, learning_rate=1e-2)},
    ]
    entry = entries(workshop, models)["made"]
    calm = prepare(entry, workshop.find)
    make(calm, workshop.find, (), Notes(), "cpu")
    whole = encode(calm.entry)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "elsewhere"))
    disturbed = prepare(entry, workshop.find)
    with pytest.raises(KeyboardInterrupt):
        make(disturbed, workshop.find, (), Notes(interrupt_at=2), "cpu")
    make(disturbed, workshop.find, (), Notes(), "cpu")
    np.testing.assert_array_equal(encode(disturbed.entry), whole)


def test_code_in_a_route_is_found_again(workshop, own):
    """The library writes where such a class was loaded, which another process or machine does not have."""
    parts = [list(SentenceTransformer(str(own), device="cpu", trust_remote_code=True)) for _ in range(2)]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    folder = workshop.folder / "routed"
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder))
    config = folder / "router_config.json"
    config.write_text(config.read_text().replace(type(parts[0][-1]).__module__, "scaling"))
    for name in ("scaling.py", "factors.py"):
        shutil.copyfile(own / name, folder / name)
    models = [
        {"name": "routed", "source": "./routed", "trust_remote_code": True},
        {"name": "made", "kind": "fine-tuned", "recipe": recipe("routed")},
    ]
    prepared = prepare(entries(workshop, models)["made"], workshop.find)
    make(prepared, workshop.find, (), Notes(), "cpu")
    made = json.loads((prepared.made / "router_config.json").read_text())
    types = made["types"]
    assert list(made["structure"]) == ["query", "document"]
    assert [name for name in types.values() if "Scale" in name] == ["scaling.Scale"] * 2
