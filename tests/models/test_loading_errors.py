"""Errors over a model's files name the file, the key or the token to blame, and the way out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from model_folders import configure, load, static, vectors
from support import make_transformer

from bench.errors import BenchError, UsageError
from bench.models.loaded.loading_errors import as_bench_errors


def refused(folder: Path, **settings: object) -> BenchError:
    with pytest.raises(BenchError) as caught:
        load(folder, **settings)
    assert caught.value.where == "model `m`"
    return caught.value


def test_an_adapter_without_peft(tiny_model, monkeypatch):
    from bench.models.folders import configuration

    (tiny_model / "model.safetensors").rename(tiny_model / "adapter_model.safetensors")
    configure(tiny_model / "adapter_config.json", base_model_name_or_path="org/base")
    monkeypatch.setattr(configuration, "find_spec", lambda name: None)
    error = refused(tiny_model)
    assert str(tiny_model / "adapter_config.json") in error.message
    assert "the package peft is not installed" in error.message
    assert "pip install peft" in error.hint


@pytest.mark.parametrize("value", ["maxsim", "cos_sim", "dot_product"])
def test_a_similarity_that_the_library_would_pass_over(tiny_model, value):
    configure(tiny_model / "config_sentence_transformers.json", similarity_fn_name=value)
    error = refused(tiny_model)
    assert f"`similarity_fn_name` is '{value}'; it must be one of cosine, dot" in error.message
    assert load(tiny_model, similarity="dot").profile.similarity == "dot"


def test_a_model_type_that_nothing_knows(tiny_model):
    configure(tiny_model / "config.json", model_type="bertissimo")
    error = refused(tiny_model)
    assert "bertissimo" in error.message
    assert "`model_type` in config.json" in error.hint


@pytest.mark.parametrize("key", ["prompts", "default_prompt_name", "truncate_dim"])
@pytest.mark.parametrize("value", [["a"], {"query": 5}, True])
def test_values_of_other_types(tiny_model, key, value):
    configure(tiny_model / "config_sentence_transformers.json", **{key: value})
    error = refused(tiny_model)
    assert str(tiny_model / "config_sentence_transformers.json") in error.message
    assert f"`{key}`" in error.message


def test_a_class_that_the_library_does_not_have(tiny_model):
    from model_folders import retype

    retype(tiny_model, lambda entries: entries[2].update(type="sentence_transformers.models.Squash"))
    assert "Squash" in refused(tiny_model).message


class TestPadding:
    def without(self, folder: Path) -> Path:
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "[SEP]"}))
        return folder

    def test_no_padding_token(self, tiny_model):
        error = refused(self.without(tiny_model))
        assert "no padding token" in error.message
        assert '"pad_token": "[SEP]"' in error.hint

    def test_the_way_out(self, tiny_model):
        configure(self.without(tiny_model) / "tokenizer_config.json", pad_token="[SEP]")
        assert np.isfinite(vectors(tiny_model)).all()


class TestVocabulary:
    def add(self, folder: Path, token: str, **kind: object) -> Path:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.add_special_tokens({**kind}) if kind else tokenizer.add_tokens([token])
        tokenizer.save_pretrained(folder)
        return folder

    def test_words_without_an_embedding(self, tiny_model):
        rows = len(json.loads((tiny_model / "tokenizer.json").read_text())["model"]["vocab"])
        error = refused(self.add(tiny_model, "gasket"))
        assert f"tokens beyond the {rows} rows of its embedding: 'gasket' ({rows})" in error.message
        assert "different models" in error.hint

    def test_a_padding_token_without_an_embedding(self, tiny_model):
        assert "'<fill>'" in refused(self.add(tiny_model, "<fill>", pad_token="<fill>")).message

    def test_special_tokens_that_no_text_gets_do_no_harm(self, tiny_model):
        right = vectors(tiny_model)
        self.add(tiny_model, "<gap>", mask_token="<gap>")
        np.testing.assert_allclose(vectors(tiny_model), right, atol=1e-6)

    def test_more_rows_than_tokens_are_common(self, tmp_path):
        import torch
        from transformers import BertConfig, BertModel

        folder = make_transformer(tmp_path / "plain")
        torch.manual_seed(0)
        config = BertConfig.from_pretrained(folder)
        config.vocab_size += 64
        BertModel(config).save_pretrained(folder)
        assert np.isfinite(vectors(folder)).all()


class TestPositions:
    """RoBERTa and its kin count positions from the one after the padding's."""

    def roberta(self, folder: Path, **tokenizer: object) -> Path:
        import torch
        from transformers import XLMRobertaConfig, XLMRobertaModel

        make_transformer(folder, family="mpnet")
        rows = len((folder / "vocab.txt").read_text().splitlines())
        torch.manual_seed(0)
        size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
        config = XLMRobertaConfig(**size, vocab_size=rows, max_position_embeddings=34, pad_token_id=1)
        XLMRobertaModel(config).save_pretrained(folder)
        configure(folder / "tokenizer_config.json", **tokenizer)
        return folder

    def test_a_limit_that_nothing_states_is_that_of_the_positions(self, tmp_path):
        folder = self.roberta(tmp_path / "m", model_max_length=None)
        encoder = load(folder)
        assert encoder.profile.max_seq_length == 32
        np.testing.assert_array_equal(vectors(folder), vectors(folder, max_seq_length=32))

    def test_a_limit_that_the_folder_states_is_kept(self, tmp_path):
        assert load(self.roberta(tmp_path / "m", model_max_length=20)).profile.max_seq_length == 20

    def test_a_limit_beyond_the_positions(self, tmp_path):
        with pytest.raises(BenchError, match="a text of 33 tokens") as caught:
            load(self.roberta(tmp_path / "m"), max_seq_length=33)
        assert "max_seq_length" in caught.value.hint


def test_the_type_of_weights_of_a_static_model(tmp_path):
    folder = static(tmp_path / "m")
    with pytest.raises(UsageError, match="`dtype` does not fit this model: its weights keep the type"):
        load(folder, dtype="float16")


@pytest.mark.parametrize(
    ("raised", "words", "hint"),
    [
        (RuntimeError("Error(s) in loading:\n  size mismatch for a.b\n  size mismatch for c"), "a.b size mismatch", ""),
        (ValueError(""), "ValueError: ", "whole sentence-transformers model"),
        (KeyError("x"), "KeyError: 'x'", "whole"),
        (ImportError("PhraseTokenizer requires the NLTK library"), "NLTK", "pip install nltk"),
        (RuntimeError(f"Error(s):\n{'word ' * 500}"), "word ...", "whole"),
    ],
)
def test_what_libraries_raise(tmp_path, raised, words, hint):
    with pytest.raises(BenchError) as caught, as_bench_errors(tmp_path, "model `m`"):
        raise raised
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert str(tmp_path) in caught.value.message
    assert caught.value.__cause__ is raised


def test_errors_of_our_own_get_the_models_name(tmp_path):
    with pytest.raises(BenchError) as caught, as_bench_errors(tmp_path, "model `m`"):
        raise BenchError("too little", hint="add some")
    assert (caught.value.message, caught.value.where, caught.value.hint) == ("too little", "model `m`", "add some")
