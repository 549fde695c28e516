"""Files that a model's folder should hold: what its modules need, and what shows that files are missing."""

from __future__ import annotations

import re
from pathlib import Path

from bench.models.folders.external_data import external_data
from bench.models.folders.folder import (
    ADAPTER,
    SENTENCE_CONFIG,
    TRANSFORMER_CONFIGS,
    WHOLE,
    ModelFolder,
    check_pointer,
    check_stored,
)
from bench.models.folders.module_files import check_module_files
from bench.models.folders.weights import TOKENIZERS, exported_files, is_tokenizer, safetensors_header, weights_among
from bench.models.loaded.model2vec import is_model2vec, weights_of
from bench.models.registry import Backend
from bench.paths import entries, has_file, is_file, is_folder

# What only a sentence-transformers model has beside its modules.json.
_BESIDE_MODULES = re.compile(rf"^(\d+_[A-Z]\w*|{'|'.join(map(re.escape, (SENTENCE_CONFIG, *TRANSFORMER_CONFIGS)))})$")
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
    if folder.modules is None and pooling is None:
        _check_modules_named(folder)
    for module in folder.all_modules:
        if module.is_transformer:
            folder.files_of(module)
        elif module.bundled:
            check_module_files(folder, module)
    for place in folder.transformer_folders:
        _check_transformer(folder, place, backend=backend, trusted=trusted)


def _check_stored(folder: ModelFolder) -> None:
    places = {folder.path, *(module.folder for module in folder.all_modules)}
    for place in sorted(places):
        files = [path for path in entries(place) if is_file(path)] if is_folder(place) else []
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
    names = [path.name for path in entries(folder.path)]
    found = next((name for name in names if _BESIDE_MODULES.match(name)), None)
    if found is not None:
        raise folder.error(
            f"{folder.path} has no modules.json, but {found}: it is part of a sentence-transformers model, and its "
            "pooling and further modules are not known",
            f"{WHOLE}; or name the `pooling` of its tokens to take it for a plain transformers model",
        )


def _check_transformer(folder: ModelFolder, place: Path, *, backend: Backend, trusted: bool) -> None:
    files = [path for path in entries(place) if is_file(path)]
    exported = exported_files(folder.path, backend)
    if not exported:
        _check_weights(folder, place, files)
    for graph in exported:
        if graph.suffix == ".onnx":
            _check_external(folder, graph, {path.name for path in exported if path.parent == graph.parent})
    if not _needs_no_vocabulary(folder, place, trusted=trusted):
        _check_tokenizer(folder, place, files)
    if not has_file(place / ADAPTER) and not has_file(place / "config.json"):
        raise folder.error(f"no config.json in {place}", WHOLE)


def _check_external(folder: ModelFolder, graph: Path, counted: set[str]) -> None:
    """Refuse a graph whose weights are elsewhere, or in files that the model's fingerprint does not cover."""
    for name in sorted(external_data(graph, folder.where)):
        folder.inside(graph.parent, name, graph)
        if name not in counted:
            raise folder.error(
                f"{graph} takes weights from the file {name}, which is not there or is none that an export has",
                f"export the model again, so that they are in {graph.name}_data beside it",
            )


def _check_tokenizer(folder: ModelFolder, place: Path, files: list[Path]) -> None:
    if not any(is_tokenizer(path) for path in files):
        raise folder.error(
            f"no tokenizer in {place} (looked for {', '.join(TOKENIZERS)})",
            "copy the whole model folder; without its tokenizer texts cannot be told apart",
        )
    # Both libraries write it beside these; vocabularies of the first models came without.
    expected = folder.modules is not None or place / "tokenizer.json" in files
    if expected and place / "tokenizer_config.json" not in files:
        raise folder.error(
            f"no tokenizer_config.json in {place}, which states the longest text and special tokens",
            f'{WHOLE}; of a model that has none, write it, for instance {{"model_max_length": 512}}',
        )


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
    if ADAPTER in names and {"adapter_model.safetensors", "adapter_model.bin"} & names:
        return
    weights = weights_among(files)
    if not weights:
        raise folder.error(f"no weights in {place} (looked for *.safetensors and pytorch_model*.bin)", WHOLE)
    shard = next((path.name for path in weights if _SHARD.search(path.name)), None)
    if shard is not None:
        index = "model.safetensors.index.json" if shard.endswith(".safetensors") else "pytorch_model.bin.index.json"
        raise folder.error(f"{place} holds part of its weights ({shard}), but no {index}", WHOLE)


def _check_shards(folder: ModelFolder, index: Path, names: set[str]) -> None:
    shards = folder.read(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise folder.error(f"{index}: `weight_map` must name a file for every weight", WHOLE)
    wanted = {str(name) for name in shards.values()}
    missing = sorted(wanted - names)
    if missing:
        raise folder.error(
            f"{index.parent} lacks {len(missing)} of {len(wanted)} files that {index.name} names: "
            f"{', '.join(missing[:3])}",
            WHOLE,
        )
    for name in wanted:
        folder.inside(index.parent, name, index)


def _check_model2vec(folder: ModelFolder) -> None:
    if weights_of(folder.path) is None:
        raise folder.error(f"no weights in {folder.path} (looked for model.safetensors)", WHOLE)
    for name, what in (("tokenizer.json", "tokenizer"), ("config.json", "configuration")):
        if not has_file(folder.path / name):
            raise folder.error(f"no {what} in {folder.path} (looked for {name})", WHOLE)
