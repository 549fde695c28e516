"""The files that modules of sentence-transformers other than transformers need in their folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.models.folders.folder import WHOLE, ModelFolder, Module, router_config

# These modules read one file of weights, of one of two names.
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_WIDTH = ("embedding_dimension", "word_embedding_dimension")


@dataclass(frozen=True)
class _Need:
    """What a module cannot do without.

    Attributes:
        file: The name of its configuration.
        keys: Keys in it, each under one of several names.
        weights: Whether it has weights.
    """

    file: str = "config.json"
    keys: tuple[tuple[str, ...], ...] = ()
    weights: bool = False


# Normalize and Dropout are not here: git keeps no empty folder, so that those of repositories may be missing.
_NEEDS = {
    "Pooling": _Need(keys=(_WIDTH,)),
    "Dense": _Need(keys=(("in_features",), ("out_features",)), weights=True),
    "LayerNorm": _Need(keys=(("dimension",),), weights=True),
    "WeightedLayerPooling": _Need(keys=(_WIDTH,), weights=True),
    "BoW": _Need(keys=(("vocab",),)),
    "WordWeights": _Need(keys=(("vocab",), ("word_weights",))),
    "CNN": _Need("cnn_config.json", keys=(("in_embedding_dimension", "in_word_embedding_dimension"),), weights=True),
    "LSTM": _Need("lstm_config.json", keys=(_WIDTH, ("hidden_dim",)), weights=True),
    "WordEmbeddings": _Need("wordembedding_config.json", keys=(("tokenizer_class",),), weights=True),
    "StaticEmbedding": _Need("tokenizer.json", weights=True),
}
# Tokenizers of WordEmbeddings that keep a list of words.
_WORD_LISTS = ("WhitespaceTokenizer", "PhraseTokenizer")


def check_module_files(folder: ModelFolder, module: Module) -> None:
    """Refuse a module without the files and keys that it needs.

    Raises:
        BenchError: One is missing, or a file is broken.
    """
    need = _NEEDS.get(module.name)
    if module.is_router:
        need = _Need(router_config(module.folder).name)
    if need is None:
        return
    names = {path.name for path in folder.files_of(module)}
    if need.file not in names:
        raise folder.error(f"no {need.file} in {module.folder}, the folder of its module {module.name}", WHOLE)
    if need.keys:
        _check_keys(folder, module.folder / need.file, need.keys)
    if module.name == "WordEmbeddings":
        _check_words(folder, module.folder, names)
    if need.weights and names.isdisjoint(_WEIGHTS):
        raise folder.error(
            f"no weights in {module.folder}, the folder of its module {module.name} "
            f"(looked for {' and '.join(_WEIGHTS)})",
            WHOLE,
        )


def _check_keys(folder: ModelFolder, file: Path, keys: tuple[tuple[str, ...], ...]) -> None:
    settings = folder.read(file)
    for names in keys:
        if settings.keys().isdisjoint(names):
            raise folder.error(f"{file}: the key `{names[0]}` is missing", WHOLE)


def _check_words(folder: ModelFolder, place: Path, names: set[str]) -> None:
    kind = str(folder.read(place / "wordembedding_config.json")["tokenizer_class"]).rsplit(".", 1)[-1]
    if kind in _WORD_LISTS:
        file = f"{kind.lower()}_config.json"
        if file not in names:
            raise folder.error(f"no tokenizer in {place} (looked for {file})", WHOLE)
        _check_keys(folder, place / file, (("vocab",),))
