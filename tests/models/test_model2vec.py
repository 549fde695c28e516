"""model2vec's own folders give the vectors of its StaticModel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_folders import TEXTS, configure, load, model2vec, vectors, word_tokenizer
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from support import WORDS

from bench.errors import BenchError, UsageError
from bench.models.folders.folder import ModelFolder
from bench.models.loaded.model2vec import is_model2vec
from bench.models.profile import TextContext

HARD = [*TEXTS, "Red PIPE red", "pipe unknown", "nail " * 700, "Ω≈ red", "bad cabbage"]


def pieces() -> object:
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = "abcdefghij"
    words = ["[PAD]", "[UNK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({word: row for row, word in enumerate(words)}, unk_token=words[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # Both are left over from the model that a static one was distilled from.
    tokenizer.enable_padding(pad_id=0, pad_token=words[0])
    tokenizer.enable_truncation(4)
    return tokenizer


def unigrams() -> object:
    from tokenizers import Tokenizer, models, pre_tokenizers

    scored = [("<unk>", 0.0), *((f"▁{word}", -2.0) for word in WORDS), ("▁", -3.0), *((c, -5.0) for c in "abcdef")]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


@pytest.mark.parametrize("tokenizer", [word_tokenizer, pieces, unigrams])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize(("normalize", "max_length"), [(True, 512), (False, 3), (True, None)])
def test_vectors_are_those_of_model2vec(tmp_path, tokenizer, dtype, quantised, normalize, max_length):
    """Folders without modules.json; with one, as newer versions write, sentence-transformers loads them."""
    static_model = pytest.importorskip("model2vec", reason="needs pip install model2vec").StaticModel
    rng = np.random.default_rng(0)
    tokens = tokenizer().get_vocab_size()
    rows = (rng.normal(size=(7 if quantised else tokens, 16)) * (40 if dtype == "int8" else 1)).astype(dtype)
    options = {}
    if quantised:
        options["token_mapping"] = rng.integers(0, 7, tokens)
        options["weights"] = rng.uniform(0.1, 2, tokens).astype(np.float32)
    model = static_model(rows, tokenizer(), normalize=normalize, max_length=max_length, **options)
    folder = tmp_path / "m"
    model.save_pretrained(folder)
    expected = static_model.from_pretrained(folder).encode(HARD).astype(np.float32)
    # sentence-transformers cannot load rows of whole numbers.
    with_modules = expected if dtype == "int8" else SentenceTransformer(str(folder), device="cpu").encode(HARD)
    np.testing.assert_allclose(load(folder).embed(HARD, TextContext()), with_modules, atol=1e-6)
    (folder / "modules.json").unlink()
    np.testing.assert_allclose(load(folder).embed(HARD, TextContext()), expected, atol=1e-6)


def means(folder: Path, weights: str = "model.safetensors", limit: int | None = 512) -> np.ndarray:
    """The mean of the rows of a text's known words, worked out by hand."""
    rows = load_file(folder / weights)["embeddings"].astype(np.float64)
    known = {word: row for row, word in enumerate(["[UNK]", *WORDS])}
    median = int(np.median([len(word) for word in known]))
    vectors = []
    for text in TEXTS:
        words = text[: limit and limit * median].lower().split()[:limit]
        numbers = [known[word] for word in words if word in known]
        mean = rows[numbers].mean(axis=0) if numbers else np.zeros(rows.shape[1])
        vectors.append(mean / max(np.linalg.norm(mean), 1e-32))
    return np.array(vectors)


@pytest.mark.parametrize("weights", ["model.safetensors", "embeddings.safetensors"])
@pytest.mark.parametrize("limit", [512, 3])
def test_means_of_words(tmp_path, weights, limit):
    folder = model2vec(tmp_path / "m", weights=weights, normalize=True, max_length=limit)
    np.testing.assert_allclose(vectors(folder), means(folder, weights, limit), atol=1e-6)


def test_the_entrys_max_seq_length_is_the_max_length(tmp_path):
    folder = model2vec(tmp_path / "m", normalize=True)
    encoder = load(folder, max_seq_length=3)
    np.testing.assert_allclose(encoder.embed(TEXTS, TextContext()), means(folder, limit=3), atol=1e-6)
    assert (encoder.profile.max_seq_length, encoder.profile.pooling, encoder.profile.width) == (3, "model2vec", 16)


def test_settings_that_it_cannot_have(tmp_path):
    folder = model2vec(tmp_path / "m")
    for settings in ({"pooling": "mean"}, {"padding_side": "left"}, {"query_length": 3}):
        with pytest.raises(UsageError, match="does not fit this model"):
            load(folder, **settings)


def test_prompts_of_its_folder(tmp_path):
    folder = model2vec(tmp_path / "m")
    configure(folder / "config_sentence_transformers.json", prompts={"query": "red "}, similarity_fn_name="dot")
    profile = load(folder).profile
    assert (profile.prompts, profile.similarity) == ({"query": "red "}, "dot")


@pytest.mark.parametrize(
    ("config", "tensor", "found"),
    [
        ({"model_type": "model2vec"}, "embeddings", True),
        ({"architectures": ["StaticModel"]}, "embeddings", True),
        ({"normalize": True}, "embeddings", True),
        ({"normalize": True}, "embedding.weight", False),
        ({"model_type": "bert"}, "embeddings", False),
    ],
)
def test_what_shows_that_model2vec_wrote_a_folder(tmp_path, config, tensor, found):
    word_tokenizer().save(str(tmp_path / "tokenizer.json"))
    save_file({tensor: np.zeros((2, 2), np.float32)}, tmp_path / "model.safetensors")
    configure(tmp_path / "config.json", **config)
    assert is_model2vec(ModelFolder(tmp_path, "m")) is found


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"embeddings": np.zeros((3, 2), np.float32)}, "tokenizer.json has 21 tokens, and `embeddings` in model"),
        ({"embeddings": np.zeros((3, 2), np.float32), "mapping": np.zeros(4, int)}, "`mapping` in model.safetensors"),
        ({"embeddings": np.zeros((21, 2), np.float32), "weights": np.zeros(4)}, "`weights` in model.safetensors has 4"),
        ({"rows": np.zeros((21, 2), np.float32)}, "has no tensor `embeddings`; it has rows"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, tensors, words):
    folder = model2vec(tmp_path / "m")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BenchError, match=words):
        load(folder)


@pytest.mark.parametrize("value", [0, "512", 2.5])
def test_a_max_length_that_is_none(tmp_path, value):
    with pytest.raises(BenchError, match=r"config\.json: `max_length` must be a whole number or null"):
        load(model2vec(tmp_path / "m", max_length=value))


def test_a_classifier_on_top_of_it_is_refused(tmp_path):
    folder = model2vec(tmp_path / "m")
    (folder / "pipeline.skops").write_bytes(b"x")
    with pytest.raises(BenchError, match="a reranker or classifier"):
        load(folder)


def test_it_is_not_saved_as_what_encodes_otherwise(tmp_path):
    with pytest.raises(BenchError, match="cannot be saved for sentence-transformers"):
        load(model2vec(tmp_path / "m")).transformer.save(str(tmp_path / "saved"))


def test_for_training_it_is_made_of_modules_that_can_be_saved(tmp_path):
    """The vectors are the same for texts of known words; a saved copy is a folder of sentence-transformers."""
    from bench.models.loading import load_transformer
    from bench.models.registry import ModelEntry
    from bench.models.source import Located

    folder = model2vec(tmp_path / "m", normalize=True, max_length=3)
    rng = np.random.default_rng(0)
    rows = {"embeddings": load_file(folder / "model.safetensors")["embeddings"][:7]}
    rows |= {"mapping": rng.integers(0, 7, 21), "weights": rng.uniform(0.1, 2, 21).astype(np.float32)}
    save_file(rows, folder / "model.safetensors")
    entry = ModelEntry(name="m", source=["m"], device="cpu")
    model = load_transformer(entry, Located(folder, "m", "folder"), trainable=True)
    known = ["red pipe", "nail saw nail door", ""]
    expected = load(folder).embed(known, TextContext())
    np.testing.assert_allclose(model.encode(known), expected, atol=1e-6)
    assert all(parameter.requires_grad for parameter in model.parameters())
    model.save(str(tmp_path / "saved"), create_model_card=False)
    np.testing.assert_allclose(load(tmp_path / "saved").embed(known, TextContext()), expected, atol=1e-6)
