"""Weights that do not fit a model, and settings that libraries pass over: refused, with their names."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from model_folders import configure, load, reference, vectors, with_dense
from safetensors.torch import load_file, save_file
from support import make_model, make_transformer

from bench.errors import BenchError


def refused(folder: Path, **settings: object) -> BenchError:
    with pytest.raises(BenchError) as caught:
        load(folder, **settings)
    assert caught.value.where == "model `m`"
    assert caught.value.hint
    return caught.value


def change_weights(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def add_weights(folder: Path, **shapes: tuple[int, ...]) -> None:
    import torch

    change_weights(folder, lambda known: {**known, **{name: torch.ones(shape) for name, shape in shapes.items()}})


# Weights of other shapes


@pytest.mark.parametrize(
    ("key", "value", "weights"),
    [
        ("hidden_size", 16, ["embeddings.LayerNorm.bias is [32], needs [16]"]),
        ("vocab_size", 99, ["embeddings.word_embeddings.weight is [", "needs [99, 32]"]),
        ("max_position_embeddings", 65, ["embeddings.position_embeddings.weight is [64, 32], needs [65, 32]"]),
        ("intermediate_size", 8, ["encoder.layer.{0, 1}.intermediate.dense.bias is [64], needs [8]"]),
    ],
)
def test_weights_of_another_shape_are_listed(tiny_model, key, value, weights):
    configure(tiny_model / "config.json", **{key: value})
    error = refused(tiny_model)
    for words in ["another shape than config.json asks for", *weights]:
        assert words in error.message


def test_shapes_that_the_folder_itself_tells_the_library_to_ignore(tiny_model):
    configure(tiny_model / "config.json", intermediate_size=8)
    configure(tiny_model / "sentence_bert_config.json", model_kwargs={"ignore_mismatched_sizes": True})
    assert "another shape" in refused(tiny_model).message


def test_shapes_of_a_dense_module(tmp_path):
    folder = with_dense(tmp_path / "m")
    configure(next(folder.glob("*_Dense")) / "config.json", out_features=5)
    error = refused(folder)
    for words in ["size mismatch for linear.weight", "[12, 32]", "[5, 32]"]:
        assert words in error.message


# Weights that are missing or left over


@pytest.mark.parametrize("part", ["encoder.layer.1.", "embeddings.word_embeddings", "layer.0.output.LayerNorm.bias"])
def test_missing_weights(tiny_model, part):
    change_weights(tiny_model, lambda known: {name: value for name, value in known.items() if part not in name})
    error = refused(tiny_model)
    assert "not in its files and would be random" in error.message
    assert part in error.message


def test_more_layers_than_the_configuration_has(tiny_model):
    configure(tiny_model / "config.json", num_hidden_layers=1)
    error = refused(tiny_model)
    for words in ["belong to no layer of a BertModel", "encoder.layer.1.attention"]:
        assert words in error.message
    assert "config.json" in error.hint


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.0.attention.self.distance_embedding.weight", "encoder.layer.1.crossattention.self.key.weight",
        "embeddings.extra_embeddings.weight", "bert.encoder.layer.0.adapter.down.weight",
    ],
)  # fmt: skip
def test_weights_of_another_architecture(tiny_model, name):
    add_weights(tiny_model, **{name: (4, 4)})
    assert name in refused(tiny_model).message


def test_biases_of_another_architecture(tmp_path):
    """Weights of Qwen2 under the configuration of Llama, which has no such biases."""
    import torch
    from transformers import Qwen2Config, Qwen2Model

    folder = make_transformer(tmp_path / "plain")
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    rows = len((folder / "vocab.txt").read_text().splitlines())
    config = Qwen2Config(**size, num_key_value_heads=2, vocab_size=rows, pad_token_id=0)
    Qwen2Model(config).save_pretrained(folder)
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)
    configure(folder / "config.json", model_type="llama", architectures=["LlamaModel"])
    assert "layers.{0, 1}.self_attn.k_proj.bias" in refused(folder).message


@pytest.mark.parametrize(
    "names",
    [
        ["embeddings.position_ids"], ["classifier.weight", "classifier.bias"], ["cls.predictions.bias"],
        ["lm_head.dense.weight"], ["mask_predictions.dense.weight", "embeddings.word_embeddings._weight"],
    ],
)  # fmt: skip
def test_heads_and_leftovers_do_no_harm(tiny_model, names):
    right = vectors(tiny_model)
    add_weights(tiny_model, **dict.fromkeys(names, (1, 4)))
    np.testing.assert_array_equal(vectors(tiny_model), right)


def test_a_pooler_that_is_asked_may_not_be_missing(tiny_model):
    change_weights(tiny_model, lambda known: {name: value for name, value in known.items() if "pooler" not in name})
    load(tiny_model)
    modality = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    configure(
        tiny_model / "sentence_bert_config.json", modality_config=modality, module_output_name="sentence_embedding"
    )
    (tiny_model / "modules.json").write_text(json.dumps(json.loads((tiny_model / "modules.json").read_text())[:1]))
    assert "pooler.dense.weight" in refused(tiny_model).message


_DISTILLED = {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4}
_T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
_GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
FAMILIES = {
    "a masked language model": ("BertForMaskedLM", "BertConfig", {}),
    "a pretraining head": ("BertForPreTraining", "BertConfig", {}),
    "a shared embedding": ("AlbertForMaskedLM", "AlbertConfig", {"embedding_size": 16}),
    "relative positions": ("DebertaV2ForMaskedLM", "DebertaV2Config", {"relative_attention": True}),
    "no token types": ("DistilBertForMaskedLM", "DistilBertConfig", _DISTILLED),
    "an encoder and a decoder": ("T5ForConditionalGeneration", "T5Config", _T5),
    "a decoder": ("Qwen3ForCausalLM", "Qwen3Config", {"num_key_value_heads": 2, "head_dim": 8}),
    "a decoder of earlier days": ("GPT2LMHeadModel", "GPT2Config", _GPT2),
    "a modern encoder": ("ModernBertForMaskedLM", "ModernBertConfig", {}),
    "padded positions": ("XLMRobertaForMaskedLM", "XLMRobertaConfig", {"pad_token_id": 1}),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_families_load_whole(tmp_path, family):
    """Folders as transformers writes them, heads included, give the vectors of sentence-transformers."""
    import torch
    import transformers

    model, config, more = FAMILIES[family]
    folder = make_transformer(tmp_path / "plain", family="mpnet" if "pad_token_id" in more else "bert")
    tokens = len((folder / "vocab.txt").read_text().splitlines())
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    size = {} if {"d_model", "n_embd", "dim"} & set(more) else size
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    settings = {"vocab_size": tokens, "max_position_embeddings": 64, **special, **size, **more}
    if "n_positions" in more or "d_model" in more:
        settings.pop("max_position_embeddings")
    torch.manual_seed(0)
    getattr(transformers, model)(getattr(transformers, config)(**settings)).save_pretrained(folder)
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)


# Settings that are passed over


def test_settings_of_a_module_that_the_library_does_not_know(tmp_path):
    folder = with_dense(tmp_path / "m")
    configure(next(folder.glob("*_Dense")) / "config.json", gate="sigmoid")
    error = refused(folder)
    assert "sentence-transformers would pass over settings of it" in error.message
    assert "gate" in error.message


def test_settings_of_a_tokenizer_that_the_library_does_not_know(tiny_model):
    configure(tiny_model / "sentence_bert_config.json", processing_kwargs={"texts": {"max_length": 3}})
    assert "Unknown keys in `processing_kwargs`" in refused(tiny_model).message


def test_loggers_are_left_as_they_were(tiny_model):
    names = ["transformers.modeling_utils", "transformers.integrations.peft", "sentence_transformers"]
    load(tiny_model)
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    configure(tiny_model / "config.json", hidden_size=16)
    refused(tiny_model)
    assert [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names] == before
    assert make_model(tiny_model.with_name("other"))
