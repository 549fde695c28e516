from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import WORDS, make_model, make_transformer

from bench.errors import BenchError
from bench.models.encoder import SentenceEncoder
from bench.models.fingerprint import static_width
from bench.models.loading import check_device, load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate

PLAIN = TextContext()
TEXTS = ["red pipe", "a steel valve for the blue hose ?", "", "unknownwordxyz", "nail " * 60, "red pipe"]


def load(folder: Path, **settings: object) -> SentenceEncoder:
    entry = ModelEntry(name="m", source=[str(folder)], device="cpu", **settings)
    return load_encoder(entry, Located(folder, str(folder), "folder"))


def reference(folder: Path):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def configure(folder: Path, **changes: object) -> None:
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> SentenceEncoder:
    return load(make_model(tmp_path_factory.mktemp("shared") / "tiny"))


@pytest.mark.parametrize("prompt", ["", "red : ", "query: "])
def test_vectors_are_those_of_sentence_transformers(tiny_model, prompt):
    found = load(tiny_model).embed(TEXTS, TextContext(prompt=prompt))
    expected = reference(tiny_model).encode(TEXTS, prompt=prompt)
    assert (found.shape, found.dtype) == ((6, 32), np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("prompt", ["", "red : "])
def test_the_two_halves_apart_give_the_same_vectors(tiny_model, prompt):
    encoder, context = load(tiny_model), TextContext(prompt=prompt)
    features = encoder.tokenize(TEXTS, context)
    counts = encoder.token_counts(TEXTS, context)
    assert features["attention_mask"].sum(dim=1).tolist() == counts.tolist()
    np.testing.assert_array_equal(encoder.forward(features, context), encoder.embed(TEXTS, context))


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_a_plain_transformer_gives_the_mean_of_its_tokens(tmp_path, family):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = make_transformer(tmp_path / "plain", family=family)
    entry = ModelEntry(name="m", source=["plain"], device="cpu").model_copy(update={"base_dir": tmp_path})
    encoder = load_encoder(entry, locate(entry, download=False))
    assert (encoder.profile.width, encoder.profile.max_seq_length) == (static_width(folder), 48)
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS[:4], padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    expected = (states * mask).sum(1) / mask.sum(1)
    np.testing.assert_allclose(encoder.embed(TEXTS[:4], PLAIN), expected, atol=1e-5)


def test_a_prompt_changes_the_vector(shared):
    assert not np.allclose(shared.embed(["pipe"], PLAIN), shared.embed(["pipe"], TextContext(prompt="red ")))


def test_max_seq_length_cuts_the_text(tiny_model):
    encoder, model = load(tiny_model, max_seq_length=5), reference(tiny_model)
    model.max_seq_length = 5
    np.testing.assert_allclose(encoder.embed(TEXTS, PLAIN), model.encode(TEXTS), atol=1e-6)
    assert encoder.profile.max_seq_length == 5
    assert encoder.token_counts(["red", "red blue green small large"], PLAIN).tolist() == [3, 5]
    same = encoder.embed(["red blue green", "red blue green small"], PLAIN)
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)


def test_a_vector_does_not_depend_on_its_batch(shared):
    together = shared.embed(TEXTS, PLAIN)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(shared.embed([text], PLAIN)[0], vector, atol=1e-6)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=60), min_size=1, max_size=5), prompt=st.integers(0, 3))
def test_token_counts(shared, texts, prompt):
    """Every word is one token; two more stand at the ends; the model cuts at 48."""
    counts = shared.token_counts([" ".join(words) for words in texts], TextContext(prompt="red " * prompt))
    assert counts.tolist() == [min(len(words) + prompt + 2, 48) for words in texts]


def test_token_counts_are_the_models_own(shared, tiny_model):
    features = reference(tiny_model).preprocess(TEXTS)
    assert shared.token_counts(TEXTS, PLAIN).tolist() == features["attention_mask"].sum(1).tolist()


def test_the_profile(tiny_model):
    configure(tiny_model, prompts={"query": "q: ", "passage": "p: "}, default_prompt_name="passage")
    encoder, model = load(tiny_model), reference(tiny_model)
    profile = encoder.profile
    assert (profile.width, profile.similarity, profile.max_seq_length, profile.role_matters) == (
        32,
        "cosine",
        48,
        False,
    )
    assert profile.prompts.items() >= {"query": "q: ", "passage": "p: "}.items()
    assert profile.default_prompt == "passage"
    assert profile.parameters == sum(weight.numel() for weight in model.parameters())
    assert profile.weight_bytes == 4 * profile.parameters
    assert (encoder.name, encoder.device) == ("m", "cpu")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_weights(tiny_model, shared, dtype):
    encoder = load(tiny_model, dtype=dtype)
    vectors = encoder.embed(["red pipe", "blue saw"], PLAIN)
    assert encoder.profile.weight_bytes == 2 * encoder.profile.parameters
    assert vectors.dtype == np.float32
    full = shared.embed(["red pipe", "blue saw"], PLAIN)
    assert 0 < np.abs(vectors - full).max() < 0.02


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_similarities_that_bench_scores(tiny_model, similarity):
    configure(tiny_model, similarity_fn_name=similarity)
    assert load(tiny_model).profile.similarity == similarity


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
def test_similarities_that_bench_does_not_score(tiny_model, similarity):
    configure(tiny_model, similarity_fn_name=similarity)
    with pytest.raises(
        BenchError, match=f"compares its vectors by {similarity}; bench scores cosine and dot"
    ) as caught:
        load(tiny_model)
    assert caught.value.where == "model `m`"


@pytest.mark.parametrize("device", ["cuda:99", "mps"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(BenchError, match=f"there is no device {device} here") as caught:
        check_device(device, "model `m`")
    assert caught.value.where == "model `m`"
    assert "--device cpu" in caught.value.hint


def test_auto_takes_the_best_device(monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for there, expected in [(True, "cuda"), (False, "cpu")]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert check_device("auto", "here") == expected
    assert check_device("cpu", "here") == "cpu"


BROKEN = {
    "modules.json is no JSON": lambda folder: (folder / "modules.json").write_text("{"),
    "modules.json is empty": lambda folder: (folder / "modules.json").write_text("[]"),
    "config.json is no JSON": lambda folder: (folder / "config.json").write_text("nope"),
    "config.json is missing": lambda folder: (folder / "config.json").unlink(),
    "weights are cut off": lambda folder: (folder / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:-100]
    ),
    "weights are empty": lambda folder: (folder / "model.safetensors").write_bytes(b""),
    "weights are a Git LFS pointer": lambda folder: (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90\n"
    ),
    "pooling is missing": lambda folder: shutil.rmtree(folder / "1_Pooling"),
    "prompts are numbers": lambda folder: configure(folder, prompts={"query": 5}),
    "the default prompt is unknown": lambda folder: configure(folder, default_prompt_name="zz"),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_broken_files(tiny_model, damage):
    damage(tiny_model)
    with pytest.raises(BenchError) as caught:
        load(tiny_model)
    assert caught.value.where.startswith("model `m`")
    assert str(tiny_model) in str(caught.value)
    assert "whole" in caught.value.hint


def test_code_in_the_models_folder_does_not_run_unasked(tiny_model, tmp_path):
    text = (tiny_model / "modules.json").read_text()
    (tiny_model / "modules.json").write_text(text.replace("sentence_transformers.base.modules.transformer", "own_code"))
    (tiny_model / "own_code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(BenchError) as caught:
        load(tiny_model)
    assert "trust_remote_code: true" in caught.value.hint
    assert not (tmp_path / "ran").exists()


def drop_weights(folder: Path, part: str) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(
        {key: value for key, value in load_file(path).items() if part not in key}, path, metadata={"format": "pt"}
    )


@pytest.mark.parametrize(
    "part",
    [
        "encoder.layer.1.",
        "embeddings.word_embeddings",
        "layer.0.output.LayerNorm.bias",
        pytest.param(
            "encoder.layer.",
        ),
    ],
)
def test_weights_that_lack_a_layer_are_refused(tiny_model, part):
    drop_weights(tiny_model, part)
    with pytest.raises(BenchError, match="are not in its files and would be random") as caught:
        load(tiny_model)
    assert part in caught.value.message
    assert caught.value.where == "model `m`"


@pytest.mark.parametrize("part", ["linear.weight", "linear.bias", "linear"])
def test_weights_missing_of_a_dense_module_are_refused(tiny_model, part):
    from sentence_transformers.models import Dense

    model = reference(tiny_model)
    model.append(Dense(32, 12))
    model.save(str(tiny_model), create_model_card=False)
    drop_weights(next(tiny_model.glob("*_Dense")), part)
    with pytest.raises(BenchError, match=r"cannot load .*Dense"):
        load(tiny_model)


def test_a_pooler_that_is_never_asked_may_be_missing(tiny_model, shared):
    drop_weights(tiny_model, "pooler")
    np.testing.assert_allclose(load(tiny_model).embed(TEXTS, PLAIN), shared.embed(TEXTS, PLAIN), atol=1e-6)


def test_missing_weights_leave_the_logger_as_it_was(tiny_model):
    logger = logging.getLogger("transformers.modeling_utils")
    drop_weights(tiny_model, "layer.1")
    with pytest.raises(BenchError):
        load(tiny_model)
    assert not logger.isEnabledFor(logging.WARNING)


def test_counting_tokens_while_others_encode_mixes_nothing_up(tiny_model, tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    from bench.vectors import batches, pipeline
    from bench.vectors.encode import encode_missing
    from bench.vectors.store import VectorSpace, text_keys
    from bench.vectors.texts import TextGroup

    # Small windows: tokens of the next are counted, without padding, while batches of the last are padded.
    monkeypatch.setattr(batches, "WINDOW", 64)
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 4)
    texts = [f"{i} " + "steel pipe " * (i % 23) for i in range(1500)]
    space = VectorSpace(tmp_path, "space")
    encode_missing(space, load(tiny_model), [TextGroup(texts, PLAIN)], batch_size=8)
    found = space.vectors(text_keys(texts, PLAIN)).all()
    expected = SentenceTransformer(str(tiny_model), device="cpu").encode(texts)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_configuration_that_cuts_its_vectors_is_not_followed(tiny_model, shared):
    configure(tiny_model, truncate_dim=8)
    encoder = load(tiny_model)
    assert encoder.profile.width == 32
    np.testing.assert_allclose(encoder.embed(TEXTS, PLAIN), shared.embed(TEXTS, PLAIN), atol=1e-6)


def test_max_seq_length_beyond_the_models_positions_is_refused(tiny_model):
    with pytest.raises(BenchError, match="a text of 65 tokens") as caught:
        load(tiny_model, max_seq_length=65)
    assert caught.value.where == "model `m`"
    assert "64 positions" in caught.value.hint
    assert load(tiny_model, max_seq_length=64).embed(["nail " * 100], PLAIN).shape == (1, 32)


def test_max_seq_length_of_a_model_whose_positions_start_later(tiny_model):
    path = tiny_model / "config.json"
    changes = {"model_type": "roberta", "architectures": ["RobertaModel"], "pad_token_id": 0}
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert load(tiny_model, max_seq_length=63).embed(["nail " * 100], PLAIN).shape == (1, 32)
    with pytest.raises(BenchError):
        load(tiny_model, max_seq_length=64).embed(["nail " * 100], PLAIN)


@pytest.mark.parametrize("count", [0, 256, 257, 600])
def test_token_counts_of_many_texts(shared, count):
    counts = shared.token_counts(["red " * (row % 7) for row in range(count)], PLAIN)
    assert (counts.dtype, counts.tolist()) == (np.int64, [row % 7 + 2 for row in range(count)])
