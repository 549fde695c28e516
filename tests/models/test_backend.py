from __future__ import annotations

import shutil
from importlib import metadata
from typing import ClassVar

import numpy as np
import pytest

from bench.errors import BenchError, UsageError
from bench.models import backend
from bench.models.built import built_root
from bench.models.fingerprint import fingerprint
from bench.models.loading import load_encoder, load_transformer
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.registry_file import load_registry
from bench.models.source import locate

PACKAGES = {"onnx": ["optimum-onnx", "onnxruntime"], "openvino": ["optimum-intel", "openvino"]}
EXPORTS = {"onnx": "onnx/model.onnx", "openvino": "openvino/openvino_model.xml"}


def entry_of(folder, name="torch", **settings) -> ModelEntry:
    return ModelEntry(name="m", source=[str(folder)], backend=name, **settings)


@pytest.fixture
def versions(monkeypatch) -> dict[str, str]:
    """Packages of both backends as if they were installed; a test may change their versions."""
    known = {name: "1.0" for names in PACKAGES.values() for name in names}
    real = metadata.version
    monkeypatch.setattr(backend.metadata, "version", lambda name: known[name] if name in known else real(name))
    return known


def test_each_backend_is_a_model_of_its_own(tiny_model, versions):
    found = [fingerprint(entry_of(tiny_model, name), tiny_model) for name in ("torch", "onnx", "openvino")]
    assert len({item.space for item in found}) == len({item.model for item in found}) == 3
    assert fingerprint(entry_of(tiny_model, "onnx"), tiny_model) == found[1]


def test_an_export_to_be_made_follows_from_the_files_and_the_packages(tiny_model, versions):
    before = fingerprint(entry_of(tiny_model, "openvino"), tiny_model)
    versions["optimum-intel"] = "2.0"
    other = fingerprint(entry_of(tiny_model, "openvino"), tiny_model)
    (tiny_model / "model.safetensors").write_bytes(b"other weights")
    assert len({before, other, fingerprint(entry_of(tiny_model, "openvino"), tiny_model)}) == 3


@pytest.mark.parametrize("name", PACKAGES)
def test_an_export_that_is_there_counts_by_its_content(tiny_model, versions, name):
    path = tiny_model / EXPORTS[name]
    path.parent.mkdir()
    seen = {fingerprint(entry_of(tiny_model, name), tiny_model)}
    torch_before = fingerprint(entry_of(tiny_model), tiny_model)
    for content in (b"one", b"two"):
        path.write_bytes(content)
        seen.add(fingerprint(entry_of(tiny_model, name), tiny_model))
    last = fingerprint(entry_of(tiny_model, name), tiny_model)
    versions[PACKAGES[name][0]] = "9.9"
    assert len(seen) == 3
    assert fingerprint(entry_of(tiny_model, name), tiny_model) == last
    assert fingerprint(entry_of(tiny_model), tiny_model) == torch_before


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_with_its_extra(tiny_model, monkeypatch, name):
    def missing(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(backend.metadata, "version", missing)
    entry = entry_of(tiny_model, name)
    for ask in (lambda: fingerprint(entry, tiny_model), lambda: load_encoder(entry, locate(entry, download=False))):
        with pytest.raises(BenchError, match=f"not installed: {', '.join(PACKAGES[name])}") as caught:
            ask()
        assert f"mrl-bench[{name}]" in caught.value.hint
        assert caught.value.where == "model `m`"


class StandIn:
    """SentenceTransformer's loading and saving, noting what it is asked for."""

    calls: ClassVar[list[tuple[str, dict]]] = []

    def __init__(self, path, **options):
        self.calls.append((path, options))
        self.source = path

    def modules(self):
        return []

    def save_pretrained(self, folder, **_):
        shutil.copytree(self.source, folder, dirs_exist_ok=True)


def test_the_backend_is_passed_on_and_the_export_made_once_in_the_cache(tiny_model, versions, monkeypatch):
    import sentence_transformers
    import torch

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", StandIn)
    monkeypatch.setattr(StandIn, "calls", [])
    before = sorted(tiny_model.rglob("*"))
    entry = entry_of(tiny_model, "openvino")
    for _ in range(2):
        load_transformer(entry, locate(entry, download=False))
    (made, export), (first, load), (second, _) = StandIn.calls
    assert (made, first, second) == (str(tiny_model), first, first)
    assert first.startswith(str(built_root()))
    assert (export["backend"], load["backend"], load["device"]) == ("openvino", "openvino", "cpu")
    assert (export["model_kwargs"]["export"], load["model_kwargs"]["export"]) == (True, False)
    settings = load["model_kwargs"]["ov_config"]
    assert settings["INFERENCE_PRECISION_HINT"] == "f32"
    assert settings["INFERENCE_NUM_THREADS"] == torch.get_num_threads()
    assert sorted(tiny_model.rglob("*")) == before


def test_an_export_that_fails_leaves_nothing_behind(tiny_model, versions, monkeypatch):
    import sentence_transformers

    def broken(*_, **__):
        raise ImportError("cannot import name 'x'\nmore")

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", broken)
    entry = entry_of(tiny_model, "openvino")
    with pytest.raises(BenchError, match=r"cannot be exported for openvino: ImportError: cannot import name 'x'\n"):
        load_transformer(entry, locate(entry, download=False))
    assert [path for path in built_root().iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("key", "words"),
    [("dtype: float16", "runs in float32, but dtype is float16"), ("device: cuda", "on the CPU, but device is cuda")],
)
@pytest.mark.parametrize("in_defaults", [True, False])
def test_what_a_backend_cannot_run_is_refused_in_the_file(tmp_path, key, words, in_defaults):
    path = tmp_path / "models.yaml"
    entry = "models:\n  - name: a\n    source: ./x\n    backend: onnx\n"
    path.write_text(f"defaults: {{{key}}}\n{entry}" if in_defaults else f"{entry}    {key}\n")
    with pytest.raises(UsageError, match=words) as caught:
        load_registry(path)
    assert "models.yaml, line" in caught.value.where


def test_a_device_of_the_command_line_is_refused_too(tiny_model, versions):
    entry = entry_of(tiny_model, "onnx").model_copy(update={"device": "cuda"})
    with pytest.raises(UsageError, match="backend onnx runs on the CPU"):
        load_transformer(entry, locate(entry, download=False))


RECIPE = "  - {name: t, kind: fine-tuned, recipe: {base: a, data: [{task: x, loss: MultipleNegativesRanking}]}}\n"


@pytest.mark.parametrize(
    ("key", "words"), [("backend: onnx", "onnx, which cannot train"), ("weights: random", "has random weights")]
)
def test_recipes_start_from_neither_an_export_nor_random_weights(tmp_path, key, words):
    path = tmp_path / "models.yaml"
    path.write_text(f"models:\n  - {{name: a, source: ./x, {key}}}\n{RECIPE}")
    with pytest.raises(UsageError, match=words) as caught:
        load_registry(path)
    assert "line 3" in caught.value.where


def test_openvino_gives_torchs_vectors(tiny_model):
    for package in ("openvino", "optimum.intel"):
        pytest.importorskip(package, reason="needs pip install 'mrl-bench[openvino]'")
    texts = ["red pipe", "a steel valve for the blue hose ?", "nail " * 60]
    found = []
    for name in ("torch", "openvino"):
        entry = entry_of(tiny_model, name, device="cpu")
        found.append(load_encoder(entry, locate(entry, download=False)))
    torch_vectors, vectors = (encoder.embed(texts, TextContext()) for encoder in found)
    np.testing.assert_allclose(vectors, torch_vectors, atol=1e-4)
    assert found[1].profile.parameters is None
    assert found[1].profile.weight_bytes > 0
