"""Files that a model's folder should hold: what its modules need, and what shows that files are missing."""

from __future__ import annotations

import re
from pathlib import Path

from bench.models.folder import TRANSFORMER_CONFIGS, ModelFolder, Module, check_pointer, check_stored, router_config
from bench.models.model2vec import is_model2vec, weights_of
from bench.models.registry import Backend
from bench.models.weights import TOKENIZERS, exported_files, is_tokenizer, safetensors_header, weights_among

_WHOLE = "copy the whole model folder; a file kept by Git LFS needs `git lfs pull`"
# The file that a module of sentence-transformers cannot do without; Normalize and Dropout can.
_CONFIGS = {
    **dict.fromkeys(("Pooling", "Dense", "LayerNorm", "WeightedLayerPooling", "WordWeights", "BoW"), "config.json"),
    "CNN": "cnn_config.json",
    "LSTM": "lstm_config.json",
    "WordEmbeddings": "wordembedding_config.json",
    "StaticEmbedding": "tokenizer.json",
}
_WITH_WEIGHTS = frozenset("Dense LayerNorm WeightedLayerPooling CNN LSTM WordEmbeddings StaticEmbedding".split())
# What only a sentence-transformers model has beside its modules.json.
_BESIDE_MODULES = ("1_Pooling", "config_sentence_transformers.json", *TRANSFORMER_CONFIGS)
_SHARD = re.compile(r"-(\d+)-of-(\d+)\.(safetensors|bin)$")
# Tokenizers of bytes or characters have no vocabulary to store.
_WITHOUT_VOCABULARY = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")
_TEXTS = frozenset(".json .txt .tiktoken .jinja .py".split())


def check_complete(folder: ModelFolder, *, backend: Backend, drawn: bool, pooling: str | None, trusted: bool) -> None:
    """Refuse a folder that lacks files.

    Args:
        folder: The folder.
        backend: What runs the model; an export holds weights too.
        drawn: Whether its weights are drawn, so that configurations are enough.
        pooling: The pooling that the entry asks for: it takes a transformers folder for what it is.
        trusted: Whether its own code may run, which may store a tokenizer under any name.

    Raises:
        BenchError: A file is missing, empty, cut off or the pointer that Git LFS keeps in its place.
    """
    _check_stored(folder)
    if drawn:
        _check_configured(folder)
        return
    if is_model2vec(folder):
        _check_model2vec(folder)
        return
    if folder.modules is None:
        if pooling is None:
            _check_modules_named(folder)
        _check_transformer(folder, folder.path, backend=backend, trusted=trusted)
    for module in folder.all_modules:
        if module.is_transformer:
            _check_transformer(folder, module.folder, backend=backend, trusted=trusted)
        elif module.bundled:
            _check_module(folder, module)


def _check_stored(folder: ModelFolder) -> None:
    places = {folder.path, *(module.folder for module in folder.all_modules)}
    for place in sorted(places):
        files = sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []
        weights = weights_among(files)
        for path in files:
            if path in weights or is_tokenizer(path):
                check_stored(path, folder.where)
            elif path.suffix in _TEXTS:
                check_pointer(path, folder.where)
        for path in weights:
            if path.suffix == ".safetensors":
                safetensors_header(path, folder.where)


def _check_configured(folder: ModelFolder) -> None:
    if not folder.config and folder.modules is None:
        raise folder.error(
            f"no configuration in {folder.path} (looked for config.json and modules.json)",
            "copy the model's config.json; random weights need nothing else",
        )


def _check_modules_named(folder: ModelFolder) -> None:
    """Refuse what is left of a sentence-transformers model without the file that says what follows its transformer."""
    found = next((name for name in _BESIDE_MODULES if (folder.path / name).exists()), None)
    if found is not None:
        raise folder.error(
            f"{folder.path} has no modules.json, but {found}: it is part of a sentence-transformers model, and its "
            "pooling and further modules are not known",
            f"{_WHOLE}; or name the `pooling` of its tokens to take it for a plain transformers model",
        )


def _check_transformer(folder: ModelFolder, place: Path, *, backend: Backend, trusted: bool) -> None:
    files = _files_of(folder, place, "Transformer")
    exported = exported_files(folder.path, backend)
    if not exported:
        _check_weights(folder, place, files)
    if not (any(is_tokenizer(path) for path in files) or _needs_no_vocabulary(folder, place, trusted=trusted)):
        raise folder.error(
            f"no tokenizer in {place} (looked for {', '.join(TOKENIZERS)})",
            "copy the whole model folder; without its tokenizer texts cannot be told apart",
        )
    adapter = (place / "adapter_config.json").is_file()
    if not adapter and not (place / "config.json").is_file():
        raise folder.error(f"no config.json in {place}", _WHOLE)


def _needs_no_vocabulary(folder: ModelFolder, place: Path, *, trusted: bool) -> bool:
    """Whether a transformer's tokenizer is elsewhere, of its own code, or one of bytes or characters."""
    settings = folder.read(place / "tokenizer_config.json")
    return (
        "tokenizer_name_or_path" in folder.transformer_settings(place)
        or (trusted and "auto_map" in settings)
        or settings.get("tokenizer_class") in _WITHOUT_VOCABULARY
    )


def _check_weights(folder: ModelFolder, place: Path, files: list[Path]) -> None:
    """Refuse a transformer without weights, or with part of them."""
    names = {path.name for path in files}
    for single, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if single in names:
            return
        if index in names:
            _check_shards(folder, place / index, names)
            return
    if "adapter_config.json" in names and {"adapter_model.safetensors", "adapter_model.bin"} & names:
        return
    weights = weights_among(files)
    if not weights:
        raise folder.error(f"no weights in {place} (looked for *.safetensors and pytorch_model*.bin)", _WHOLE)
    shard = next((path.name for path in weights if _SHARD.search(path.name)), None)
    if shard is not None:
        index = "model.safetensors.index.json" if shard.endswith(".safetensors") else "pytorch_model.bin.index.json"
        raise folder.error(f"{place} holds part of its weights ({shard}), but no {index}", _WHOLE)


def _check_shards(folder: ModelFolder, index: Path, names: set[str]) -> None:
    shards = folder.read(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise folder.error(f"{index}: `weight_map` must name a file for every weight", _WHOLE)
    wanted = {str(name) for name in shards.values()}
    missing = sorted(wanted - names)
    if missing:
        raise folder.error(
            f"{index.parent} lacks {len(missing)} of {len(wanted)} files that {index.name} names: "
            f"{', '.join(missing[:3])}",
            _WHOLE,
        )


def _check_module(folder: ModelFolder, module: Module) -> None:
    wanted = router_config(module.folder).name if module.is_router else _CONFIGS.get(module.name)
    if wanted is None:
        return
    files = _files_of(folder, module.folder, module.name)
    if module.folder / wanted not in files:
        raise folder.error(f"no {wanted} in {module.folder}, the folder of its module {module.name}", _WHOLE)
    if module.name == "WordEmbeddings":
        _check_words(folder, module.folder, files)
    # These modules read one file, of one of two names.
    if module.name in _WITH_WEIGHTS and not {"model.safetensors", "pytorch_model.bin"} & {path.name for path in files}:
        raise folder.error(
            f"no weights in {module.folder}, the folder of its module {module.name} "
            "(looked for model.safetensors and pytorch_model.bin)",
            _WHOLE,
        )


def _check_words(folder: ModelFolder, place: Path, files: list[Path]) -> None:
    kind = str(folder.read(place / "wordembedding_config.json").get("tokenizer_class", "")).rsplit(".", 1)[-1]
    if kind in {"WhitespaceTokenizer", "PhraseTokenizer"}:
        wanted = f"{kind.lower()}_config.json"
        if place / wanted not in files:
            raise folder.error(f"no tokenizer in {place} (looked for {wanted})", _WHOLE)


def _files_of(folder: ModelFolder, place: Path, name: str) -> list[Path]:
    if not place.is_dir():
        raise folder.error(f"no folder {place}, in which modules.json places its module {name}", _WHOLE)
    return sorted(path for path in place.iterdir() if path.is_file())


def _check_model2vec(folder: ModelFolder) -> None:
    if weights_of(folder.path) is None:
        raise folder.error(f"no weights in {folder.path} (looked for model.safetensors)", _WHOLE)
    if not (folder.path / "tokenizer.json").is_file():
        raise folder.error(f"no tokenizer in {folder.path} (looked for tokenizer.json)", _WHOLE)
