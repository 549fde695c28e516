from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.models import drawn
from bench.models.built import built_root
from bench.models.encoder import SentenceEncoder
from bench.models.fingerprint import fingerprint
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.registry_file import load_registry
from bench.models.source import locate

PLAIN = TextContext()
BERT = {
    "model_type": "bert", "vocab_size": 2000, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "max_position_embeddings": 40,
}  # fmt: skip
# Embeddings of words, positions and types; the layer's norms, attention and feed-forward; the pooler: by hand.
BERT_PARAMETERS = (
    (2000 + 40 + 2) * 32 + 2 * 32 + 2 * (4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32) + 32 * 32 + 32
)


def configure(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**BERT, **changes}))
    return folder


def entry_of(folder: Path, **settings: object) -> ModelEntry:
    return ModelEntry(name="r", source=[str(folder)], weights="random", device="cpu", **settings)


def load(folder: Path, **settings: object) -> SentenceEncoder:
    entry = entry_of(folder, **settings)
    return load_encoder(entry, locate(entry, download=False))


def test_a_configuration_alone_is_enough(tmp_path):
    folder = configure(tmp_path / "bare")
    encoder = load(folder)
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    profile = encoder.profile
    assert (profile.width, profile.parameters, profile.max_seq_length) == (32, BERT_PARAMETERS, 40)
    assert encoder.embed(["nail " * 100], PLAIN).shape == (1, 32)
    # Pieces of four characters and the two ends: red | pipe s, | 12.
    assert encoder.token_counts(["Red pipes, 12"], PLAIN).tolist() == [6]
    found = encoder.transformer.tokenizer(["red pipe", "red hose", "RED \u4e16"])["input_ids"]
    assert found[0][:2] == found[1][:2] == found[2][:2]
    assert found[0] != found[1]
    assert all(0 <= number < 2000 for ids in found for number in ids)


def test_vectors_are_the_mean_of_tokens_and_come_back_the_same(tmp_path):
    import torch

    folder = configure(tmp_path / "bare")
    first = load(folder)
    model = first.transformer
    with torch.inference_mode():
        states = model[0].auto_model(**model.tokenizer(["red pipe"], return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(first.embed(["red pipe"], PLAIN)[0], states[0].mean(0), atol=1e-5)
    for path in next(path for path in built_root().iterdir() if path.is_dir()).iterdir():
        path.unlink()
    next(path for path in built_root().iterdir() if path.is_dir()).rmdir()
    torch.rand(5)
    np.testing.assert_array_equal(load(folder).embed(["red pipe"], PLAIN), first.embed(["red pipe"], PLAIN))


def test_drawing_leaves_torchs_numbers_as_they_were(tmp_path):
    import torch

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load(configure(tmp_path / "bare"))
    assert torch.equal(torch.rand(3), expected)


def test_positions_that_start_after_the_padding_are_left_out(tmp_path):
    folder = configure(tmp_path / "bare", model_type="roberta", pad_token_id=1)
    encoder = load(folder)
    assert encoder.profile.max_seq_length == 38
    assert encoder.embed(["nail " * 100], PLAIN).shape == (1, 32)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_have_the_entrys_dtype(tmp_path, dtype):
    profile = load(configure(tmp_path / "bare"), dtype=dtype).profile
    assert profile.weight_bytes == 2 * BERT_PARAMETERS
    weights = next(built_root().glob("*-weights/model.safetensors"))
    assert 2 * BERT_PARAMETERS < weights.stat().st_size < 2.2 * BERT_PARAMETERS


def test_a_sentence_transformers_folder_keeps_its_modules_and_tokenizer(tiny_model):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.append(Dense(32, 12))
    model.save(str(tiny_model), create_model_card=False)
    stored = load_encoder(
        ModelEntry(name="s", source=[str(tiny_model)], device="cpu"), locate(entry_of(tiny_model), download=False)
    )
    for path in tiny_model.rglob("*.safetensors"):
        path.unlink()
    encoder = load(tiny_model)
    assert (encoder.profile.width, encoder.profile.parameters) == (12, stored.profile.parameters)
    assert encoder.token_counts(["red pipe"], PLAIN).tolist() == stored.token_counts(["red pipe"], PLAIN).tolist()
    assert not np.allclose(encoder.embed(["red pipe"], PLAIN), stored.embed(["red pipe"], PLAIN))


def test_the_fingerprint_is_that_of_the_configuration(tiny_model):
    entry = entry_of(tiny_model)
    before = fingerprint(entry, tiny_model)
    assert before != fingerprint(entry.model_copy(update={"weights": "stored"}), tiny_model)
    (tiny_model / "model.safetensors").write_bytes(b"other weights")
    assert fingerprint(entry, tiny_model) == before
    config = json.loads((tiny_model / "config.json").read_text())
    (tiny_model / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    assert fingerprint(entry, tiny_model) != before


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("sha256: " + "a" * 64, "random weights are in none"),
        ("kind: mrl", "random weights are not mrl"),
        ("weights: made up", "found 'made up'"),
    ],
)
def test_keys_that_do_not_go_with_random_weights(tmp_path, keys, words):
    path = tmp_path / "models.yaml"
    lines = ["models:", "  - name: a", "    source: ./x", f"    {keys}"]
    path.write_text("\n".join(lines if keys.startswith("weights") else [*lines, "    weights: random"]))
    with pytest.raises(BenchError, match=words):
        load_registry(path)


def test_a_recipe_does_not_go_with_random_weights(tmp_path):
    path = tmp_path / "models.yaml"
    recipe = "recipe: {base: x/y, data: [{task: x, loss: MultipleNegativesRanking}]}"
    path.write_text(f"models:\n  - {{name: a, kind: fine-tuned, weights: random, {recipe}}}\n")
    with pytest.raises(BenchError, match="has the weights that training gives it"):
        load_registry(path)


def test_a_folder_without_a_configuration(tmp_path):
    with pytest.raises(BenchError, match="no configuration in"):
        locate(entry_of(tmp_path), download=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocab_size": 7}, "vocabulary of 7 tokens, too few"),
        ({"model_type": "nonsense"}, "cannot load .*nonsense"),
        ({"num_attention_heads": 5}, "cannot load .*: "),
    ],
)
def test_configurations_that_cannot_be_drawn_for(tmp_path, changes, words):
    with pytest.raises(BenchError, match=words):
        load(configure(tmp_path / "bare", **changes))
    assert [path for path in built_root().iterdir() if path.is_dir()] == []


def test_a_module_whose_weights_cannot_be_drawn(tiny_model):
    path = tiny_model / "modules.json"
    path.write_text(path.read_text().replace("Normalize", "LSTM"))
    with pytest.raises(BenchError, match="cannot draw weights for its module LSTM"):
        load(tiny_model)


def test_too_little_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn.shutil, "disk_usage", lambda _: drawn.shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(BenchError, match=r"weights take 0\.0 GB, and 0\.0 GB are free") as caught:
        load(configure(tmp_path / "bare"))
    assert "BENCH_CACHE" in caught.value.hint
