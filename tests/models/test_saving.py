from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from support import make_model

from bench.errors import BenchError
from bench.models.export.saving import save_model
from bench.models.loading import load_encoder
from bench.models.registry import ModelEntry
from bench.models.source import Located

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["red pipe", "a steel valve for the blue hose ?", "", "nail " * 60, "unknownwordxyz"]


def save(folder, target, **settings):
    entry = ModelEntry(name="m", source=[str(folder)], device="cpu", **settings)
    located = Located(folder, str(folder), "folder")
    save_model(load_encoder(entry, located), entry, located, target)


def ways(model):
    return {"query": model.encode_query, "document": model.encode_document, "text": model.encode}


@pytest.mark.parametrize(
    ("own", "entry", "expected"),
    [
        ({}, {}, {}),
        ({}, {"query": "red : ", "document": "blue : ", "text": "nail : "}, {}),
        ({}, {"query": "red : "}, {"query": "red : "}),
        (
            {"query": "red : ", "passage": "hose : "},
            {"document": "blue : "},
            {"query": "red : ", "document": "blue : "},
        ),
        ({"query": "red : "}, {"query": ""}, {}),
        ({"document": "red : ", "text": "saw : "}, {"text": "nail : "}, {"document": "red : ", "text": "nail : "}),
    ],
)
def test_a_saved_model_puts_the_same_prompts_before_texts(tmp_path, own, entry, expected):
    source = make_model(tmp_path / "source", prompts=own)
    save(source, tmp_path / "saved", prompts=entry)
    expected = expected or entry
    plain, saved = SentenceTransformer(str(source), device="cpu"), SentenceTransformer(str(tmp_path / "saved"))
    for role, encode in ways(saved).items():
        vectors = plain.encode(TEXTS, prompt=expected.get(role, ""))
        np.testing.assert_allclose(encode(TEXTS), vectors, atol=1e-6, err_msg=role)


@pytest.mark.parametrize(("text", "expected"), [(None, "red : "), ("", ""), ("blue : ", "blue : ")])
def test_the_models_default_prompt_stays_unless_the_entry_has_another(tiny_model, tmp_path, text, expected):
    config = tiny_model / "config_sentence_transformers.json"
    prompts = {"prompts": {"red": "red : "}, "default_prompt_name": "red"}
    config.write_text(json.dumps({**json.loads(config.read_text()), **prompts}))
    save(tiny_model, tmp_path / "saved", prompts={} if text is None else {"text": text})
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    vectors = SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS, prompt=expected)
    np.testing.assert_allclose(saved.encode(TEXTS), vectors, atol=1e-6)


def test_a_saved_model_cuts_texts_where_the_entry_says(tiny_model, tmp_path):
    save(tiny_model, tmp_path / "saved", max_seq_length=5, prompts={"query": "red : "})
    saved, plain = SentenceTransformer(str(tmp_path / "saved"), device="cpu"), SentenceTransformer(str(tiny_model))
    uncut = plain.encode(TEXTS, prompt="red : ")
    plain.max_seq_length = 5
    vectors = plain.encode(TEXTS, prompt="red : ")
    assert not np.allclose(vectors, uncut)
    assert saved.max_seq_length == 5
    np.testing.assert_allclose(saved.encode_query(TEXTS), vectors, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_saved_model_has_the_entrys_dtype(tiny_model, tmp_path, dtype):
    save(tiny_model, tmp_path / "saved", dtype=dtype)
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    assert saved.dtype == getattr(torch, dtype)
    plain = SentenceTransformer(str(tiny_model), device="cpu", model_kwargs={"dtype": getattr(torch, dtype)})
    np.testing.assert_allclose(saved.encode(TEXTS), plain.encode(TEXTS), atol=1e-6)


def test_half_weights_measured_in_float32_are_saved_so(tiny_model, tmp_path):
    half = SentenceTransformer(str(tiny_model), device="cpu", model_kwargs={"dtype": torch.float16})
    half.save_pretrained(str(tmp_path / "half"), create_model_card=False)
    save(tmp_path / "half", tmp_path / "saved")
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    plain = SentenceTransformer(str(tmp_path / "half"), device="cpu", model_kwargs={"dtype": torch.float32})
    assert saved.dtype == torch.float32
    np.testing.assert_allclose(saved.encode(TEXTS), plain.encode(TEXTS), atol=1e-6)


def test_queries_and_documents_keep_their_own_ways(tmp_path):
    from sentence_transformers.models import Router

    parts = [SentenceTransformer(str(make_model(tmp_path / f"part{seed}", seed=seed))) for seed in (1, 2)]
    router = Router.for_query_document(query_modules=list(parts[0]), document_modules=list(parts[1]))
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(tmp_path / "both"), create_model_card=False)
    save(tmp_path / "both", tmp_path / "saved", prompts={"query": "red : "})
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_allclose(saved.encode_query(TEXTS), parts[0].encode(TEXTS, prompt="red : "), atol=1e-6)
    np.testing.assert_allclose(saved.encode_document(TEXTS), parts[1].encode(TEXTS), atol=1e-6)


def test_a_router_without_a_way_for_texts_is_saved_too(tmp_path):
    from sentence_transformers.models import Router

    parts = [SentenceTransformer(str(make_model(tmp_path / f"part{seed}", seed=seed))) for seed in (1, 2)]
    router = Router({"query": list(parts[0]), "document": list(parts[1])}, allow_empty_key=False)
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(tmp_path / "both"), create_model_card=False)
    save(tmp_path / "both", tmp_path / "saved")
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_allclose(saved.encode_document(TEXTS), parts[1].encode(TEXTS), atol=1e-6)


def test_a_model_that_does_not_save_all_it_needs_is_refused(tiny_model, tmp_path, monkeypatch):
    other = make_model(tmp_path / "other", seed=1, width=32)
    monkeypatch.setattr(
        SentenceTransformer, "save_pretrained", lambda self, path, **_: shutil.copytree(other, path, dirs_exist_ok=True)
    )
    with pytest.raises(BenchError, match="encodes in another way: vectors of a query, vectors of a document") as caught:
        save(tiny_model, tmp_path / "saved")
    assert caught.value.hint
    narrow = make_model(tmp_path / "narrow", width=16)
    monkeypatch.setattr(
        SentenceTransformer,
        "save_pretrained",
        lambda self, path, **_: shutil.copytree(narrow, path, dirs_exist_ok=True),
    )
    with pytest.raises(BenchError, match="another way: width, parameters, weight_bytes, "):
        save(tiny_model, tmp_path / "again")


CODE = """
from sentence_transformers.models import Module

class Scale(Module):
    config_keys = ["factor"]
    config_file_name = "config.json"

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, features, **_):
        features["sentence_embedding"] = features["sentence_embedding"] * self.factor
        return features

    def save(self, output_path, *args, **settings):
        SAVE
"""


def with_own_code(folder, save):
    (folder / "scaling.py").write_text(CODE.replace("SAVE", save))
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Scale", "type": "scaling.Scale"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "3_Scale").mkdir()
    (folder / "3_Scale" / "config.json").write_text('{"factor": 3.0}')
    return folder


def test_a_models_own_code_goes_with_it(tiny_model, tmp_path):
    source = with_own_code(tiny_model, "self.save_config(output_path)")
    plain = SentenceTransformer(str(source), device="cpu", trust_remote_code=True).encode(TEXTS)
    save(source, tmp_path / "saved", trust_remote_code=True)
    shutil.rmtree(source)
    saved = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
    np.testing.assert_allclose(saved.encode(TEXTS), plain, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(plain, axis=1), 3.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("code", "words"),
    [("pass", "a saved copy of it does not work: TypeError"), ("raise KeyError('x')", "cannot be saved")],
)
def test_a_module_that_cannot_be_saved_is_refused(tiny_model, tmp_path, code, words):
    with pytest.raises(BenchError, match=words) as caught:
        save(with_own_code(tiny_model, code), tmp_path / "saved", trust_remote_code=True)
    assert "--debug" in caught.value.hint


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_what_the_library_cannot_save_is_told(tiny_model, tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error("I/O error: no space left")

    monkeypatch.setattr(SentenceTransformer, "save_pretrained", fail)
    with pytest.raises(BenchError, match=f"cannot be saved: {error.__name__}: I/O error") as caught:
        save(tiny_model, tmp_path / "saved")
    assert "room on the disk" in caught.value.hint
