"""Adapters over another model: their kind, pooling, trust and weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_folders import adapter, configure, load, reference, vectors
from safetensors.torch import load_file, save_file
from support import make_transformer

from bench.errors import BenchError
from bench.models.folders.folder import ModelFolder
from bench.models.folders.kinds import assumed_pooling

pytest.importorskip("peft", reason="needs pip install peft")


@pytest.fixture
def plain(tmp_path) -> Path:
    return adapter(tmp_path / "adapter", make_transformer(tmp_path / "base"))


def change_weights(folder: Path, change) -> None:
    path = folder / "adapter_model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def refused(folder: Path) -> BenchError:
    with pytest.raises(BenchError) as caught:
        load(folder)
    assert caught.value.where == "model `m`"
    return caught.value


def test_vectors_are_those_of_sentence_transformers(plain):
    found = vectors(plain)
    np.testing.assert_allclose(found, reference(plain), atol=1e-6)
    assert np.abs(found - vectors(plain.with_name("base"))).max() > 0.01


@pytest.mark.parametrize(("architecture", "mode"), [("BertForMaskedLM", "mean"), ("BertForCausalLM", "lasttoken")])
def test_the_pooling_that_is_assumed_is_that_of_its_base(plain, architecture, mode):
    configure(plain.with_name("base") / "config.json", architectures=[architecture])
    found = assumed_pooling(ModelFolder(plain, "m"))
    assert found is not None
    assert (found.mode, load(plain).profile.pooling) == (mode, mode)


@pytest.mark.parametrize("task", ["SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS"])
def test_adapters_of_other_heads_are_refused(plain, task):
    configure(plain / "adapter_config.json", task_type=task)
    assert f"`task_type` ({task}) in adapter_config.json" in refused(plain).message


def test_code_that_its_base_names(plain):
    file = plain.with_name("base") / "config.json"
    configure(file, auto_map={"AutoModel": "modeling_x.Model"})
    assert f"{file} names Python code for the model" in refused(plain).message


@pytest.mark.parametrize("part", ["lora_A", "layer.1.attention.self.value"])
def test_missing_weights(plain, part):
    change_weights(plain, lambda known: {name: value for name, value in known.items() if part not in name})
    message = refused(plain).message
    assert "not in its files and would be random" in message
    assert part.rsplit(".", 1)[-1] in message


def test_weights_for_layers_that_the_base_does_not_have(plain):
    change_weights(
        plain, lambda known: {**known, **{n.replace("layer.1", "layer.7"): v.clone() for n, v in known.items()}}
    )
    assert "encoder.layer.7" in refused(plain).message


def test_weights_of_another_rank(plain):
    configure(plain / "adapter_config.json", r=3)
    assert "another shape" in refused(plain).message


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "tokenizer.json"])
def test_missing_files(plain, name):
    (plain / name).unlink()
    assert {"adapter_model.safetensors": "no weights in", "tokenizer.json": "no tokenizer in"}[name] in refused(
        plain
    ).message
