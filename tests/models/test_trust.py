"""Code that a model's files name: without trust the model is refused, not loaded as another one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from model_folders import averaged_words, configure, load, reference, retype, vectors, with_dense
from support import make_model, make_transformer

from bench.errors import BenchError
from bench.models.registry import ModelEntry
from bench.models.source import locate

READ_IT = "set `trust_remote_code: true`"
# A BERT whose states are those of the token before: transformers' own class in its place would go unnoticed.
CODE = """
from transformers import BertModel

class Shifted(BertModel):
    def forward(self, *args, **kwargs):
        found = super().forward(*args, **kwargs)
        found.last_hidden_state = found.last_hidden_state + found.last_hidden_state.roll(1, 1)
        return found
"""


def refused(folder: Path, **settings: object) -> BenchError:
    with pytest.raises(BenchError) as caught:
        locate(ModelEntry(name="m", source=[str(folder)], **settings), download=False)
    assert caught.value.where == "model `m`"
    return caught.value


@pytest.fixture
def shifted(tiny_model):
    """A model of its own class under a `model_type` that transformers knows."""
    (tiny_model / "modeling_shifted.py").write_text(CODE)
    configure(tiny_model / "config.json", auto_map={"AutoModel": "modeling_shifted.Shifted"})
    return tiny_model


def test_transformers_own_class_does_not_take_the_place_of_the_models(shifted):
    error = refused(shifted)
    for words in [str(shifted / "config.json"), "`auto_map`", "modeling_shifted.Shifted", "model_type `bert`"]:
        assert words in error.message
    assert READ_IT in error.hint
    assert "remove `auto_map` from config.json" in error.hint


def test_both_ways_out(shifted):
    trusted = vectors(shifted, trust_remote_code=True)
    np.testing.assert_allclose(trusted, reference(shifted, trust_remote_code=True), atol=1e-6)
    configure(shifted / "config.json", auto_map=None)
    assert np.abs(vectors(shifted) - trusted).max() > 0.01


def test_it_holds_for_what_only_costs_something(shifted):
    assert "`auto_map`" in refused(shifted, weights="random").message


@pytest.mark.parametrize(
    ("auto_map", "words"),
    [
        ({"AutoConfig": "configuration_x.Config", "AutoModel": "modeling_x.Model"}, "configuration_x.Config, modeling"),
        ({"AutoModelForMaskedLM": "modeling_x.Model"}, "modeling_x.Model"),
        ({"AutoModel": "acme/code--modeling_x.Model"}, "which lies in acme/code"),
        ({"AutoModel": "acme/code--a.B", "AutoConfig": "zeta/code--c.D"}, "which lies in acme/code, zeta/code"),
        ({f"Auto{n}": f"modeling_x.Model{n}" for n in range(5)}, "modeling_x.Model2 and 2 more"),
    ],
)
def test_what_is_named(tiny_model, auto_map, words):
    configure(tiny_model / "config.json", auto_map=auto_map)
    assert words in refused(tiny_model).message


def test_a_model_type_that_transformers_does_not_know(tiny_model):
    configure(tiny_model / "config.json", auto_map={"AutoModel": "modeling_x.Model"}, model_type="other_bert")
    error = refused(tiny_model)
    assert "no class of its own for model_type `other_bert`" in error.message
    assert READ_IT in error.hint
    assert "remove" not in error.hint


@pytest.mark.parametrize("file", ["tokenizer_config.json", "processor_config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("auto_map", [{"AutoTokenizer": [None, "own.Tokenizer"]}, [None, "own.Tokenizer"]])
def test_tokenizers_and_processors(tiny_model, file, auto_map):
    configure(tiny_model / file, auto_map=auto_map)
    error = refused(tiny_model)
    assert f"{tiny_model / file} names Python code for the model in `auto_map` (own.Tokenizer)" in error.message
    assert f"remove `auto_map` from {file}" in error.hint


@pytest.mark.parametrize("auto_map", [{}, None])
def test_an_auto_map_that_names_nothing(tiny_model, auto_map):
    configure(tiny_model / "tokenizer_config.json", auto_map=auto_map)
    load(tiny_model)


def test_a_transformer_in_a_folder_of_its_own(tmp_path):
    from model_folders import in_subfolder

    folder = in_subfolder(tmp_path / "m")
    configure(folder / "0_Transformer" / "config.json", auto_map={"AutoModel": "x.Y"})
    assert str(folder / "0_Transformer" / "config.json") in refused(folder).message


def test_a_transformer_inside_of_a_router(tmp_path):
    from model_folders import routed

    folder = routed(tmp_path / "m")
    inner = next(folder.glob("*/document_0_Transformer/config.json"), folder / "document_0_Transformer" / "config.json")
    configure(inner, auto_map={"AutoModel": "x.Y"})
    assert str(inner) in refused(folder).message


def test_a_plain_transformers_folder(tmp_path):
    folder = make_transformer(tmp_path / "plain")
    configure(folder / "config.json", auto_map={"AutoModel": "x.Y"})
    assert READ_IT in refused(folder).hint


@pytest.mark.parametrize("kind", ["own_code.Pooling", "numpy.ndarray", "sentence_transformers_evil.Pooling"])
def test_classes_of_modules_that_are_not_the_librarys(tiny_model, kind):
    retype(tiny_model, lambda entries: entries[1].update(type=kind))
    error = refused(tiny_model)
    assert f"modules.json names the class {kind} (`type`)" in error.message
    assert READ_IT in error.hint


def test_classes_of_modules_inside_of_a_router(tmp_path):
    from model_folders import routed

    folder = routed(tmp_path / "m")
    file = folder / "router_config.json"
    settings = json.loads(file.read_text())
    name = next(iter(settings["types"]))
    settings["types"][name] = "own_code.Static"
    file.write_text(json.dumps(settings))
    assert "router_config.json names the class own_code.Static" in refused(folder).message


def test_a_tokenizer_class_of_word_embeddings(tmp_path):
    folder = averaged_words(tmp_path / "m")
    configure(folder / "wordembedding_config.json", tokenizer_class="own_code.Words")
    assert "wordembedding_config.json names the class own_code.Words (`tokenizer_class`)" in refused(folder).message


def test_an_activation_that_sentence_transformers_would_replace(tmp_path):
    folder = with_dense(tmp_path / "m")
    own = next(folder.glob("*_Dense")) / "config.json"
    configure(own, activation_function="transformers.activations.GELUActivation")
    error = refused(folder)
    for words in [str(own), "transformers.activations.GELUActivation", "Tanh in its place"]:
        assert words in error.message
    trusted = vectors(folder, trust_remote_code=True)
    np.testing.assert_allclose(trusted, reference(folder, trust_remote_code=True), atol=1e-6)
    configure(own, activation_function="torch.nn.modules.activation.GELU")
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)


def test_models_without_code_are_left_alone(tmp_path):
    np.testing.assert_array_equal(vectors(make_model(tmp_path / "m"), trust_remote_code=True), vectors(tmp_path / "m"))
