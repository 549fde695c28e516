"""Makers and changers of small model folders of many kinds, for tests of what is loaded and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from support import WORDS, make_model, make_transformer

from bench.models.encoder import SentenceEncoder
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import locate

TEXTS = ["red pipe", "a steel valve for the blue hose ?", "", "unknownwordxyz", "nail " * 60, "door hinge"]


def load(folder: Path, **settings: object) -> SentenceEncoder:
    """The encoder of a folder, found and loaded as a run does."""
    entry = ModelEntry(name="m", source=[str(folder)], device="cpu", **settings)
    return load_encoder(entry, locate(entry, download=False))


def vectors(folder: Path, **settings: object) -> np.ndarray:
    return load(folder, **settings).embed(TEXTS, TextContext())


def reference(folder: Path, **options: object) -> np.ndarray:
    """The vectors of sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True, **options).encode(TEXTS)


def configure(file: Path, **changes: object) -> Path:
    """Change keys of a JSON file, which may not be there yet; a key set to None is removed."""
    settings = json.loads(file.read_text()) if file.exists() else {}
    settings = {key: value for key, value in {**settings, **changes}.items() if value is not None}
    file.write_text(json.dumps(settings))
    return file


def retype(folder: Path, change: Callable[[list[dict]], object]) -> Path:
    """Change the entries of modules.json in place."""
    file = folder / "modules.json"
    entries = json.loads(file.read_text())
    change(entries)
    file.write_text(json.dumps(entries))
    return folder


def save(modules: list[object], folder: Path, **options: object) -> Path:
    """Save modules as a sentence-transformers folder."""
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(modules=modules, device="cpu", **options).save(str(folder), create_model_card=False)
    return folder


def with_dense(folder: Path) -> Path:
    """Transformer, Pooling, Normalize, Dense."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    base = make_model(folder.with_name(f"{folder.name}-dense-base"))
    torch.manual_seed(1)
    model = SentenceTransformer(str(base), device="cpu")
    return save([*model, Dense(32, 12)], folder)


def in_subfolder(folder: Path) -> Path:
    """The layout of earlier versions: the transformer in a folder of its own, classes under their old names."""
    with_dense(folder)
    inner = folder / "0_Transformer"
    inner.mkdir()
    for path in [path for path in folder.iterdir() if path.is_file()]:
        if path.name not in {"modules.json", "config_sentence_transformers.json"}:
            path.rename(inner / path.name)

    def rename(entries: list[dict]) -> None:
        entries[0]["path"] = "0_Transformer"
        for entry in entries:
            entry["type"] = f"sentence_transformers.models.{entry['type'].rsplit('.', 1)[-1]}"

    return retype(folder, rename)


def sharded(folder: Path) -> Path:
    """A model whose weights are in several files."""
    from sentence_transformers import SentenceTransformer

    make_model(folder)
    model = SentenceTransformer(str(folder), device="cpu")
    (folder / "model.safetensors").unlink()
    model[0].model.save_pretrained(folder, max_shard_size="20KB")
    return folder


def bag_of_words(folder: Path) -> Path:
    from sentence_transformers.models import BoW

    return save([BoW(vocab=WORDS, word_weights={word: row + 0.5 for row, word in enumerate(WORDS)})], folder)


def _words() -> object:
    from sentence_transformers.models import WordEmbeddings
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    vocabulary = ["PADDING", *WORDS]
    rows = np.random.default_rng(0).normal(size=(len(vocabulary), 16)).astype(np.float32)
    return WordEmbeddings(WhitespaceTokenizer(vocabulary, do_lower_case=True), rows)


def averaged_words(folder: Path) -> Path:
    from sentence_transformers.models import Pooling, WordWeights

    weights = WordWeights(["PADDING", *WORDS], dict.fromkeys(WORDS[:5], 1.5))
    return save([_words(), weights, Pooling(16, "mean")], folder)


def lstm(folder: Path) -> Path:
    import torch
    from sentence_transformers.models import LSTM, LayerNorm, Pooling

    torch.manual_seed(0)
    return save([_words(), LSTM(16, 8), Pooling(16, "mean"), LayerNorm(16)], folder)


def cnn(folder: Path) -> Path:
    import torch
    from sentence_transformers.models import CNN, Pooling

    torch.manual_seed(0)
    return save([_words(), CNN(16, 8, [1]), Pooling(8, "mean")], folder)


def word_tokenizer() -> object:
    """A tokenizer of whole words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    unknown = "[UNK]"
    tokenizer = Tokenizer(models.WordLevel({w: row for row, w in enumerate([unknown, *WORDS])}, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def static(folder: Path) -> Path:
    import torch
    from sentence_transformers.models import StaticEmbedding

    torch.manual_seed(0)
    return save([StaticEmbedding(word_tokenizer(), embedding_dim=16)], folder)


def model2vec(folder: Path, *, weights: str = "model.safetensors", **settings: object) -> Path:
    """A folder as model2vec wrote it before it added modules.json."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    tokenizer = word_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    save_file({"embeddings": torch.randn(tokenizer.get_vocab_size(), 16)}, folder / weights)
    configure(folder / "config.json", model_type="model2vec", architectures=["StaticModel"], **settings)
    return folder


def routed(folder: Path) -> Path:
    """A static model for queries, a transformer for documents."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Router

    documents = SentenceTransformer(str(make_model(folder.with_name(f"{folder.name}-documents"))), device="cpu")
    queries = SentenceTransformer(str(static(folder.with_name(f"{folder.name}-queries"))), device="cpu")
    torch.manual_seed(2)
    router = Router.for_query_document([queries[0], Dense(16, 32)], [documents[0], documents[1]])
    return save([router, Normalize()], folder)


MAKERS = {
    "a BERT": make_model,
    "a plain transformer": make_transformer,
    "with a Dense module": with_dense,
    "in a subfolder": in_subfolder,
    "sharded": sharded,
    "a bag of words": bag_of_words,
    "averaged words": averaged_words,
    "an LSTM": lstm,
    "a CNN": cnn,
    "static": static,
    "of model2vec": model2vec,
    "a Router": routed,
}


def copied(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to))


def adapter(folder: Path, base: Path, *, task: str = "FEATURE_EXTRACTION") -> Path:
    """A LoRA adapter over a transformers folder, with random weights, as peft writes it, and the base's tokenizer."""
    import peft
    import torch
    from transformers import AutoModel

    torch.manual_seed(5)
    settings = peft.LoraConfig(target_modules=["query", "value"], r=2, lora_alpha=16, init_lora_weights=False)
    peft.get_peft_model(AutoModel.from_pretrained(base), settings).save_pretrained(folder)
    for path in base.glob("tokenizer*"):
        shutil.copy(path, folder)
    configure(folder / "adapter_config.json", task_type=task)
    return folder
