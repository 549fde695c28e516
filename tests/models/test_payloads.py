"""Payloads in what a model's files can name: none runs, and the refusal says what was found where."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
from model_folders import adapter, averaged_words, configure, retype, routed, with_dense
from support import ROOT, make_model, make_transformer

from bench.errors import BenchError
from bench.models.loading import load_encoder
from bench.models.registry import ModelEntry
from bench.models.source import locate


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """A file that each payload makes; the folder of payloads is where Python looks for modules."""
    path = tmp_path / "RAN"
    (tmp_path / "importable").mkdir()
    (tmp_path / "importable" / "payload.py").write_text(_code(path))
    monkeypatch.syspath_prepend(str(tmp_path / "importable"))
    yield path
    assert not path.exists(), "the payload ran"


def _code(marker: Path) -> str:
    return f"""
open({str(marker)!r}, "w").close()
class Payload:
    def __init__(self, *args, **kwargs): open({str(marker)!r}, "w").close()
    @classmethod
    def load(cls, *args, **kwargs): open({str(marker)!r}, "w").close()
    from_pretrained = load
"""


class Pickled:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


def refused(folder: Path, **settings: object) -> BenchError:
    """The refusal; what is not refused by its files alone is loaded, and has to fail."""
    entry = ModelEntry(name="m", source=[str(folder)], device="cpu", **settings)
    with pytest.raises(BenchError) as caught:
        load_encoder(entry, locate(entry, download=False))
    assert caught.value.where == "model `m`"
    return caught.value


def poison(file: Path, marker: Path, *, plain: bool = False) -> None:
    """Weights whose unpickling runs the payload, as torch writes them now or as it did."""
    import torch

    file.with_name("model.safetensors").unlink(missing_ok=True)
    file.with_name("adapter_model.safetensors").unlink(missing_ok=True)
    if plain:
        file.write_bytes(pickle.dumps(Pickled(marker)))
    else:
        torch.save({"embeddings.word_embeddings.weight": Pickled(marker)}, file)


@pytest.mark.parametrize("plain", [False, True])
def test_pickled_weights_of_a_transformer(tiny_model, marker, plain):
    poison(tiny_model / "pytorch_model.bin", marker, plain=plain)
    assert "pickl" in refused(tiny_model).message.lower()


def test_pickled_weights_of_modules(tmp_path, marker):
    folder = with_dense(tmp_path / "m")
    poison(next(folder.glob("*_Dense")) / "pytorch_model.bin", marker)
    assert "Weights only load failed" in refused(folder).message


def test_pickled_weights_of_an_adapter(tmp_path, marker):
    folder = adapter(tmp_path / "a", make_transformer(tmp_path / "base"))
    poison(folder / "adapter_model.bin", marker)
    assert "m" in refused(folder).message


@pytest.mark.parametrize("key", ["model_args", "model_kwargs"])
@pytest.mark.parametrize("value", [False, None, 0])
def test_weights_that_ask_to_be_unpickled_without_care(tiny_model, marker, key, value):
    poison(tiny_model / "pytorch_model.bin", marker)
    configure(tiny_model / "sentence_bert_config.json", **{key: {"weights_only": value}})
    error = refused(tiny_model)
    assert "sentence_bert_config.json asks that code in its files be run (`weights_only`" in error.message
    assert "trust_remote_code: true" in error.hint


@pytest.mark.parametrize(
    "name",
    ["os.system", "subprocess.Popen", "builtins.eval", "payload.Payload", "own.Payload", "payload", "runpy.run_path"],
)
@pytest.mark.parametrize("weights", ["stored", "random"])
def test_classes_of_modules(tiny_model, marker, name, weights):
    (tiny_model / "own.py").write_text(_code(marker))
    retype(tiny_model, lambda entries: entries[1].update(type=name))
    error = refused(tiny_model, weights=weights)
    assert f"modules.json names the class {name} (`type`)" in error.message
    assert "trust_remote_code: true" in error.hint


@pytest.mark.parametrize(
    "name", ["sentence_transformers.util.http_get", "sentence_transformers.util.misc.os", "sentence_transformers..x.Y"]
)
def test_names_in_sentence_transformers_that_are_no_modules(tiny_model, marker, name):
    retype(tiny_model, lambda entries: entries.insert(1, {"type": name, "path": "1_Pooling", "name": "1", "idx": 1}))
    error = refused(tiny_model)
    assert name in error.message
    assert "no module of sentence-transformers" in error.message


def test_classes_in_a_router(tmp_path, marker):
    folder = routed(tmp_path / "m")
    file = folder / "router_config.json"
    settings = json.loads(file.read_text())
    settings["types"][next(iter(settings["types"]))] = "payload.Payload"
    file.write_text(json.dumps(settings))
    assert "payload.Payload" in refused(folder).message


def test_tokenizers_of_words(tmp_path, marker):
    folder = averaged_words(tmp_path / "m")
    configure(folder / "wordembedding_config.json", tokenizer_class="payload.Payload")
    assert "payload.Payload (`tokenizer_class`)" in refused(folder).message


@pytest.mark.parametrize(
    "name",
    [
        "payload.Payload", "os.getcwd", "torch.hub.list", "torch.seed", "torch.nn.init.xavier_uniform_",
        "torch.nn.modules.module.register_module_forward_hook", "torch.distributed.run.main", "torch.nn.Linear",
        "torch.nn.modules.payload.GELU", "torch.nn.GELU.__init__", "torch.utils.data.DataLoader", "torch.nn", "torch.",
        "torch.optim.SGD", "GELU", "", 7, None, ["torch.nn.GELU"], {"type": "torch.nn.GELU"},
    ],
)  # fmt: skip
def test_activations(tmp_path, marker, name, monkeypatch):
    import torch

    state = torch.get_rng_state()
    folder = with_dense(tmp_path / "m")
    file = next(folder.glob("*_Dense")) / "config.json"
    configure(file, activation_function=None)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"activation_function": name}))
    error = refused(folder)
    assert f"{file} names the activation function {name}" in error.message
    assert "torch.nn.Identity" in error.hint
    torch.set_rng_state(state)


@pytest.mark.parametrize("name", ["torch.nn.modules.activation.GELU", "torch.nn.Identity", "torch.nn.PReLU"])
def test_activations_of_torch(tmp_path, name):
    from bench.models.folders.trust import _is_activation

    assert _is_activation(name)


@pytest.mark.parametrize(
    ("file", "auto_map"),
    [
        ("config.json", {"AutoModel": "own.Payload"}),
        ("config.json", {"AutoConfig": "own.Payload"}),
        ("tokenizer_config.json", {"AutoTokenizer": ["own.Payload", None]}),
        ("processor_config.json", {"AutoProcessor": "own.Payload"}),
    ],
)
@pytest.mark.parametrize("weights", ["stored", "random"])
def test_code_of_models_and_tokenizers(tiny_model, marker, file, auto_map, weights):
    (tiny_model / "own.py").write_text(_code(marker))
    configure(tiny_model / file, auto_map=auto_map)
    error = refused(tiny_model, weights=weights)
    assert f"{tiny_model / file} names Python code" in error.message


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
@pytest.mark.parametrize(
    "value", ["acme/kernel", "acme/kernel@main:attention", {"": "acme/kernel"}, {"text_config": "a/b"}]
)
def test_kernels_of_other_repositories(tiny_model, key, value):
    configure(tiny_model / "config.json", **{key: value})
    assert f"config.json names code of another repository (`{key}`" in refused(tiny_model).message
    configure(tiny_model / "config.json", **{key: None})
    configure(tiny_model / "sentence_bert_config.json", model_args={key: value})
    assert "names code of another repository" in refused(tiny_model).message


def test_an_adapter_that_names_a_package(tmp_path, marker):
    folder = adapter(tmp_path / "a", make_transformer(tmp_path / "base"))
    configure(folder / "adapter_config.json", megatron_config={"x": 1}, megatron_core="payload")
    assert "names a package to import (`megatron_core`: payload)" in refused(folder).message


@pytest.mark.parametrize("key", ["model_args", "tokenizer_args", "processor_kwargs", "config_args"])
@pytest.mark.parametrize("name", ["gguf_file", "tokenizer_file", "vocab_file", "cache_dir", "offload_folder"])
@pytest.mark.parametrize("value", ["/etc/passwd", "../x", "a/../../x", "C:\\x"])
def test_arguments_that_name_files_elsewhere(tiny_model, key, name, value):
    configure(tiny_model / "sentence_bert_config.json", **{key: {name: value}})
    error = refused(tiny_model, trust_remote_code=True)
    assert f"`{key}.{name}`" in error.message
    assert "outside of the model's folder" in error.message


def test_weights_that_the_configuration_names_elsewhere(tiny_model, tmp_path):
    other = make_model(tmp_path / "other", seed=3)
    configure(tiny_model / "config.json", transformers_weights="../other/model.safetensors")
    assert "'../other/model.safetensors' is outside of the model's folder" in refused(tiny_model).message
    assert other.is_dir()


def test_a_chat_template_that_reaches_for_the_system(tiny_model, marker):
    payload = "{{ cycler.__init__.__globals__.os.system('touch " + str(marker) + "') }}"
    (tiny_model / "chat_template.jinja").write_text(payload)
    entry = ModelEntry(name="m", source=[str(tiny_model)], device="cpu")
    try:
        load_encoder(entry, locate(entry, download=False))
    except BenchError as error:
        assert "unsafe" in error.message or "undefined" in error.message


def test_the_lower_bound_is_the_first_version_that_runs_nothing():
    """bench's own checks come first; these are the library's, without them."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    bounds = [line for line in lines if '"sentence-transformers' in line and "=" in line and ">" in line]
    assert len(bounds) == 3
    assert all(">=6.2" in line for line in bounds)


@pytest.mark.parametrize("name", ["payload.Payload", "os.getcwd", "own.Payload"])
def test_the_library_imports_no_class_of_a_local_folder(tiny_model, marker, name):
    from sentence_transformers import SentenceTransformer

    (tiny_model / "own.py").write_text(_code(marker))
    retype(tiny_model, lambda entries: entries[1].update(type=name))
    with pytest.raises(ValueError, match="trust_remote_code"):
        SentenceTransformer(str(tiny_model), device="cpu", local_files_only=True)


@pytest.mark.parametrize("name", ["torch.seed", "torch.nn.init.xavier_uniform_"])
def test_the_library_calls_no_function_as_an_activation(tmp_path, name):
    from sentence_transformers import SentenceTransformer

    folder = with_dense(tmp_path / "m")
    configure(next(folder.glob("*_Dense")) / "config.json", activation_function=name)
    with pytest.raises(ValueError, match=r"must be a torch\.nn\.Module class"):
        SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def test_the_library_follows_no_path_out_of_a_folder(tiny_model):
    from sentence_transformers import SentenceTransformer

    retype(tiny_model, lambda entries: entries[1].update(path="../other"))
    with pytest.raises(ValueError, match="Invalid model path"):
        SentenceTransformer(str(tiny_model), device="cpu", local_files_only=True)
