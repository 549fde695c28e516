"""What a model's files ask loaders to do: read files elsewhere, unpickle without care, fetch code of kernels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.models.folders.folder import ADAPTER, ModelFolder

# Keys of a Transformer module whose values are passed on to loaders, under their old and new names.
_PASSED_ON = ("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs")
_PATHS = ("_file", "_files", "_path", "_dir", "_folder")
# By these transformers finds the code of its layers; with a slash they name a repository of the Hub.
_KERNELS = frozenset("attn_implementation _attn_implementation experts_implementation _experts_implementation".split())
_TRUST = "read what it names, then set `trust_remote_code: true`; or remove the key"


def check_arguments(folder: ModelFolder, *, trusted: bool) -> None:
    """Refuse arguments for loaders that run code, where that may not run, and those that name files elsewhere.

    Raises:
        BenchError: A file has one of these.
    """
    for place in folder.transformer_folders:
        file, settings = place / "config.json", folder.read(place / "config.json")
        weights = settings.get("transformers_weights")
        if isinstance(weights, str):
            folder.inside(place, weights, file)
        passed = folder.transformer_settings(place)
        given = {key: passed[key] for key in _PASSED_ON if isinstance(passed.get(key), dict)}
        for key, arguments in given.items():
            _check_paths(folder, place, key, arguments)
        if not trusted:
            _check_code(folder, file, settings)
            _check_code(folder, place / "sentence_bert_config.json", given)
            _check_adapter(folder, place / ADAPTER)


def _check_paths(folder: ModelFolder, place: Path, key: str, arguments: dict[str, Any]) -> None:
    for name, value in arguments.items():
        if isinstance(value, str) and name.endswith(_PATHS):
            folder.inside(place, value, place / f"the key `{key}.{name}` of its Transformer module")


def _check_code(folder: ModelFolder, file: Path, settings: object) -> None:
    for key, value in _entries(settings):
        if key in _KERNELS and any("/" in name for name in _texts(value)):
            raise folder.error(
                f"{file} names code of another repository (`{key}`: {value}), and trust_remote_code is off", _TRUST
            )
        if (key == "weights_only" and value is not True) or (key == "allow_all_kernels" and value):
            raise folder.error(
                f"{file} asks that code in its files be run (`{key}`: {value}), and trust_remote_code is off", _TRUST
            )


def _check_adapter(folder: ModelFolder, file: Path) -> None:
    settings = folder.read(file)
    if settings.get("megatron_config"):
        raise folder.error(
            f"{file} names a package to import (`megatron_core`: {settings.get('megatron_core')}), and "
            "trust_remote_code is off",
            _TRUST,
        )


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """All keys with their values, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
