"""What a model's configuration files must say for it to be loaded as its author means."""

from __future__ import annotations

from importlib.util import find_spec

from bench.models.folders.folder import ADAPTER, SENTENCE_CONFIG, ModelFolder
from bench.models.loaded.model2vec import is_model2vec
from bench.paths import has_file

_SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def check_configuration(folder: ModelFolder, *, similarity: str | None = None) -> None:
    """Refuse configurations that cannot be loaded, or that sentence-transformers would read as something else.

    Args:
        folder: The folder.
        similarity: The similarity that the entry names in place of the folder's.

    Raises:
        BenchError: A key is missing or of a wrong type, or a package that the files need is not installed.
    """
    if similarity is None:
        _check_similarity(folder)
    for place in [] if is_model2vec(folder) else folder.transformer_folders:
        file = place / "config.json"
        if has_file(place / ADAPTER):
            if find_spec("peft") is None:
                raise folder.error(
                    f"{place / ADAPTER} makes it an adapter of another model, and the package peft is not installed",
                    "pip install peft",
                )
        elif has_file(file):
            settings = folder.read(file)
            own_code = isinstance(settings.get("auto_map"), dict) and "AutoConfig" in settings["auto_map"]
            if not isinstance(settings.get("model_type"), str) and not own_code:
                raise folder.error(
                    f"{file}: the key `model_type` is missing, which names the architecture",
                    'copy config.json from the model again, or add the key, for instance "model_type": "bert"',
                )


def _check_similarity(folder: ModelFolder) -> None:
    """sentence-transformers passes over a name that it does not know, and compares by cosine."""
    name = folder.sentence_config.get("similarity_fn_name")
    if name is not None and name not in _SIMILARITIES:
        file = folder.path / SENTENCE_CONFIG
        raise folder.error(
            f"{file}: `similarity_fn_name` is {name!r}; it must be one of {', '.join(_SIMILARITIES)}",
            "correct it, or set it to null for cosine",
        )
