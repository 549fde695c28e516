"""Python code that a model's files name, which runs only where `trust_remote_code` is on.

Without that code transformers takes a class of its own for a `model_type` that it knows, and sentence-transformers
another activation: the model would be a different one. Such models are refused, and so are names in torch or in
sentence-transformers of what is no module.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from bench.errors import BenchError
from bench.models.folders.folder import ModelFolder, Module

_READ = "this model brings its own Python code: read it, then set `trust_remote_code: true`"
# Files whose `auto_map` transformers reads for a model of texts.
_WITH_CODE = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")


# The modules of sentence-transformers' dense models, known without importing it.
_MODULES = frozenset(
    (
        "Transformer StaticEmbedding Asym BoW CNN Dense Dropout LayerNorm LSTM Normalize Pooling WeightedLayerPooling "
        "WordEmbeddings WordWeights CLIPModel Router"
    ).split()
)


def check_trust(folder: ModelFolder, *, trusted: bool) -> None:
    """Refuse a model that its own code belongs to, where that may not run.

    Raises:
        BenchError: Code is named and not trusted, or a file that could name it is broken.
    """
    if trusted:
        return
    for place in folder.transformer_folders:
        for name in _WITH_CODE:
            _check_auto_map(folder, place / name)
        _check_auto_map(folder, folder.backbone(place)[0])
    for module in folder.all_modules:
        _check_class(folder, module)


def _check_auto_map(folder: ModelFolder, file: Path) -> None:
    settings = folder.read(file)
    named = _named_code(settings.get("auto_map"))
    if not named:
        return
    instead, hint = _instead(settings, file)
    others = sorted({name.partition("--")[0] for name in named if "--" in name})
    listed = ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
    raise folder.error(
        f"{file} names Python code for the model in `auto_map` ({listed})"
        + (f", which lies in {', '.join(others)}" if others else "")
        + f", and trust_remote_code is off: {instead}",
        hint,
    )


def _named_code(auto_map: object) -> list[str]:
    """The classes in an `auto_map`: of a tokenizer a pair, slow and fast; older files hold that pair alone."""
    values = auto_map.values() if isinstance(auto_map, dict) else [auto_map]
    flat = [name for value in values for name in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(name for name in flat if isinstance(name, str)))


def _instead(settings: dict[str, object], file: Path) -> tuple[str, str]:
    """What would be loaded without the code, and the ways out."""
    if file.name != "config.json":
        way_out = f"{_READ}; or remove `auto_map` from {file.name} to use transformers' own class on purpose"
        return "transformers would take a class of its own in its place", way_out
    from transformers import CONFIG_MAPPING

    kind = settings.get("model_type")
    if kind not in CONFIG_MAPPING:
        return f"transformers has no class of its own for model_type `{kind}`", _READ
    way_out = f"{_READ}; or remove `auto_map` from config.json to use transformers' own class on purpose"
    return f"transformers would take its own class for model_type `{kind}`, which is another model", way_out


def _check_class(folder: ModelFolder, module: Module) -> None:
    if not module.bundled:
        raise _outside(folder, module.named_in, "type", module.type)
    if module.name not in _MODULES and not _is_module(module.type):
        raise folder.error(
            f"{module.named_in} names {module.type} (`type`), which is no module of sentence-transformers",
            "correct the class, or copy the whole model folder again; a newer sentence-transformers may have it",
        )
    if module.name == "WordEmbeddings":
        file = module.folder / "wordembedding_config.json"
        name = folder.read(file).get("tokenizer_class")
        if isinstance(name, str) and not name.startswith("sentence_transformers."):
            raise _outside(folder, file, "tokenizer_class", name)
    if module.name == "Dense":
        _check_activation(folder, module.folder / "config.json")


def _is_module(name: str) -> bool:
    """Whether a class path in sentence-transformers is that of a module; importing what it installed runs no other."""
    from sentence_transformers.base.modules import Module as Base
    from sentence_transformers.util import import_from_string

    try:
        found = import_from_string(name)
    except (ImportError, ValueError):
        return False
    return isinstance(found, type) and issubclass(found, Base)


def _check_activation(folder: ModelFolder, file: Path) -> None:
    """Refuse an activation that would not be loaded, or not as the class that it is.

    sentence-transformers takes Tanh in place of a class that is not torch's, and calls what is.
    """
    settings = folder.read(file)
    if "activation_function" not in settings:
        return
    name = settings["activation_function"]
    if isinstance(name, str) and _is_activation(name):
        return
    instead = ""
    if not (isinstance(name, str) and name.startswith("torch.")):
        instead = ": sentence-transformers would take Tanh in its place"
    raise folder.error(
        f"{file} names the activation function {name}, which is no module of torch.nn, and trust_remote_code is off"
        f"{instead}",
        "set `trust_remote_code: true` to import it; or name one of torch, as torch.nn.Identity",
    )


def _is_activation(name: str) -> bool:
    """Whether a class path is that of a module of torch.nn that is made without arguments, as activations are."""
    from torch import nn

    found = getattr(nn, name.rpartition(".")[2], None)
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        return False
    if name not in {f"torch.nn.{found.__name__}", f"{found.__module__}.{found.__name__}"}:
        return False
    try:
        inspect.signature(found).bind()
    except TypeError:
        return False
    return True


def _outside(folder: ModelFolder, file: Path, key: str, name: str) -> BenchError:
    return folder.error(
        f"{file} names the class {name} (`{key}`), which is not sentence-transformers' own, "
        "and trust_remote_code is off",
        _READ,
    )
