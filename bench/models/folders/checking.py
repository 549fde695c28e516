"""All that a model's files alone can tell against loading them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from bench.errors import BenchError
from bench.hub import known_absent, repository_files
from bench.models.folders.arguments import check_arguments
from bench.models.folders.completeness import check_complete
from bench.models.folders.configuration import check_configuration
from bench.models.folders.folder import ADAPTER, SENTENCE_CONFIG, TRANSFORMER_CONFIGS, ModelFolder
from bench.models.folders.kinds import check_kind
from bench.models.folders.trust import check_trust
from bench.models.loaded.model2vec import is_model2vec
from bench.models.registry import ModelEntry
from bench.paths import has_file, walk_files

# Configurations that a repository need not have, and that decide vectors where it has them.
_DECIDING = frozenset(
    {
        *TRANSFORMER_CONFIGS, SENTENCE_CONFIG, "modules.json", "config.json", "router_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
        ADAPTER,
    }
)  # fmt: skip
# Folders of a repository with other forms of the model.
_OTHER_FORMS = ("onnx", "openvino", "coreml", "checkpoint-", "gguf")


def check_folder(entry: ModelEntry, path: Path) -> None:
    """Refuse a folder that does not hold, whole, a model that encodes texts as its author means.

    Args:
        entry: The entry that the folder is loaded for.
        path: The folder.

    Raises:
        BenchError: It holds another kind of model, code that is not trusted, or a file is missing or wrong.
    """
    folder = _folder(entry, path)
    _check_special(folder)
    check_kind(folder)
    check_trust(folder, trusted=entry.trust_remote_code)
    check_arguments(folder, trusted=entry.trust_remote_code)
    _check_complete(entry, folder)
    check_configuration(folder, similarity=entry.similarity)


def _check_special(folder: ModelFolder) -> None:
    """Refuse FIFOs, devices and sockets in a folder: libraries wait for what they give, or read without an end."""
    try:
        for _ in walk_files(folder.path):
            pass
    except BenchError as error:
        raise folder.error(f"{error.where}: {error.message}", error.hint) from error


def check_snapshot(entry: ModelEntry, path: Path, *, downloaded: bool) -> None:
    """Refuse a snapshot in the Hub's cache that is not known to hold the whole of its repository.

    Loaders put into the cache what they ask for: that of transformers never asks for modules.json.

    Args:
        entry: The entry that the snapshot is wanted for.
        path: The snapshot's folder.
        downloaded: Whether all files were downloaded to it.

    Raises:
        BenchError: It lacks files, or may lack them.
    """
    folder = _folder(entry, path)
    _check_complete(entry, folder)
    listed = repository_files(path)
    for name in sorted(listed or ()):
        file = PurePosixPath(name)
        other = any(part.startswith(_OTHER_FORMS) for part in file.parts[:-1])
        if file.name in _DECIDING and not other and not has_file(path / name):
            raise folder.error(f"it lacks {name}")
    plain = folder.modules is None and _own_pooling(entry) is None and not entry.drawn
    if plain and not downloaded and not known_absent(path, "modules.json") and not is_model2vec(folder):
        raise folder.error(
            "it lacks modules.json, which may say what follows its transformer; set `pooling` where it is known to "
            "be a plain transformers model"
        )


def _check_complete(entry: ModelEntry, folder: ModelFolder) -> None:
    check_complete(
        folder,
        backend=entry.backend,
        drawn=entry.drawn,
        pooling=_own_pooling(entry),
        trusted=entry.trust_remote_code,
    )


def _own_pooling(entry: ModelEntry) -> str | None:
    """The pooling that an entry itself names: one of `defaults` is meant for plain models, whichever they are."""
    return None if "pooling" in entry.by_default else entry.pooling


def _folder(entry: ModelEntry, path: Path) -> ModelFolder:
    return ModelFolder(path, f"model `{entry.name}`")
