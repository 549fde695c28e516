"""What a model is, by content: two models never share a number because they share a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cache import sha256_of
from bench.files import digest_json
from bench.inside import inside
from bench.models.backend import exporter_versions
from bench.models.fitting import fit_settings
from bench.models.folders.outside import find_outside
from bench.models.folders.places import read_object
from bench.models.folders.references import loaded_folders
from bench.models.folders.stated import read_stated
from bench.models.folders.weights import exported_files, weight_files
from bench.models.registry import ModelEntry
from bench.paths import walk_files

# Files that no loader reads. Anything not listed counts: an unknown file makes another fingerprint,
# which costs an encoding, where leaving out a file that matters would show a wrong number.
_TOOLS_NAMES = frozenset("readme.md .gitattributes .gitignore".split())
_TOOLS_SUFFIXES = frozenset((".lock", ".pyc"))
_TOOLS_FOLDERS = frozenset((".git", ".cache", "__pycache__"))
# Those that only code of the model's own could read.
_IGNORED_NAMES = frozenset(
    (
        "desktop.ini .ds_store thumbs.db license license.txt license.md notice model_card.md data_config.json "
        "train_script.py training_args.bin optimizer.pt scheduler.pt scaler.pt rng_state.pth"
    ).split()
)
_IGNORED_SUFFIXES = frozenset(".png .jpg .svg .pdf .h5 .ot .msgpack .onnx .tflite .gguf .log .csv".split())
_IGNORED_FOLDERS = frozenset("onnx openvino coreml".split())
# Settings that are part of an identity where an entry makes them.
OF_SPACE = (
    "pooling",
    "layer_norm",
    "padding_side",
    "add_eos_token",
    "query_length",
    "document_length",
    "similarity",
)
_OF_MODEL = ("task", "instruct_documents")
_WEIGHTS = frozenset(".safetensors .bin .pt .pth .ckpt".split())


@dataclass(frozen=True)
class Fingerprint:
    """The identity of a model.

    Attributes:
        model: Keys results: files and all settings that change a vector or how two are compared.
        space: Keys stored vectors: as `model` without prompts and `task`, which are part of each stored text's key.
    """

    model: str
    space: str


def fingerprint(entry: ModelEntry, folder: Path) -> Fingerprint:
    """The fingerprint of a model's local files under an entry's settings; loads nothing.

    Args:
        entry: Gives the settings.
        folder: Gives weights, tokenizer, pooling and normalisation, by the content of its files.

    Raises:
        UsageError: A setting of the entry does not fit the model.
        BenchError: The model has to be exported for its backend, and a package that does it is not installed; or its
            configuration is broken.
    """
    where = f"model `{entry.name}`"
    entry, _ = fit_settings(entry, read_stated(folder, where))
    exported = [] if entry.drawn else exported_files(folder, entry.backend)
    identity: dict[str, Any] = {
        "files": {
            path.relative_to(folder).as_posix(): sha256_of(path) for path in [*files_read(entry, folder), *exported]
        },
        "max_seq_length": entry.max_seq_length,
        "dtype": entry.dtype,
        "backend": entry.backend,
        "trust_remote_code": entry.trust_remote_code,
        **_set(entry, OF_SPACE),
    }
    if elsewhere := find_outside(entry, folder).digests():
        identity["outside"] = elsewhere
    if entry.drawn:
        identity["weights"] = entry.weights
    if entry.backend != "torch" and not exported:
        # An export follows from the files and from what makes it.
        identity["exporters"] = exporter_versions(entry.backend, where)
    space = digest_json(identity)
    return Fingerprint(model=model_fingerprint(space, entry), space=space)


def model_fingerprint(space: str, entry: ModelEntry) -> str:
    """The fingerprint of the model whose vectors under an entry's prompts are in a vector space."""
    return digest_json({"space": space, "prompts": entry.prompts, **_set(entry, _OF_MODEL)})


def changed_settings(entry: ModelEntry) -> dict[str, Any]:
    """The settings of an entry, besides prompts and `task`, that change vectors or how they are compared."""
    return _set(entry, OF_SPACE)


def _set(entry: ModelEntry, names: tuple[str, ...]) -> dict[str, Any]:
    """The settings that an entry changes; one that it leaves alone is not part of any identity."""
    return {name: value for name in names if (value := getattr(entry, name)) != ModelEntry.model_fields[name].default}


def files_read(entry: ModelEntry, folder: Path) -> Iterator[Path]:
    """The files that torch's loader reads, or of a model whose weights are drawn those that say what it is made of.

    Code that the model brings may read any file beside it.

    Raises:
        BenchError: It takes something from outside of its folder that is not here.
    """
    weights = set(weight_files(folder))
    runs_code = find_outside(entry, folder).runs_code
    loaded = [place.relative_to(folder) for place in loaded_folders(folder)]
    for path in walk_files(folder):
        relative = path.relative_to(folder)
        # Pickled weights beside safetensors are another copy that is not read.
        shadowed = path.match("pytorch_model*.bin") and path not in weights
        if entry.drawn and is_weights(path):
            continue
        if _left_by_tools(relative) or (not runs_code and (shadowed or _ignored(relative, loaded))):
            continue
        yield path


def is_weights(path: Path) -> bool:
    """Whether a file's name is that of weights."""
    return path.suffix.lower() in _WEIGHTS


def _left_by_tools(relative: Path) -> bool:
    return (
        relative.name.lower() in _TOOLS_NAMES
        or relative.suffix.lower() in _TOOLS_SUFFIXES
        or not _TOOLS_FOLDERS.isdisjoint(relative.parts[:-1])
    )


def _ignored(relative: Path, loaded: list[Path]) -> bool:
    # A module's folder is read whatever its name.
    place = max((place for place in loaded if relative.is_relative_to(place)), key=lambda place: len(place.parts))
    folders = relative.relative_to(place).parts[:-1]
    return (
        relative.name.lower() in _IGNORED_NAMES
        or relative.suffix.lower() in _IGNORED_SUFFIXES
        or any(part in _IGNORED_FOLDERS or part.startswith("checkpoint-") for part in folders)
    )


def static_width(folder: Path) -> int | None:
    """The number of dimensions that a sentence-transformers folder states, or None where it does not say.

    Read from the configuration of the last module that sets it (Dense, else Pooling, else the transformer).
    """
    modules = read_object(folder / "modules.json")
    if not isinstance(modules, list):
        config = read_object(folder / "config.json")
        width = config.get("hidden_size") if isinstance(config, dict) else None
        return width if isinstance(width, int) else None
    width = None
    for module in modules:
        if not isinstance(module, dict):
            return None
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind in {"Transformer", "Normalize", "Dropout"}:
            continue
        inner = module.get("path", "")
        config = read_object((inside(folder, inner) if inner else folder) / "config.json")
        if not isinstance(config, dict):
            return None
        if kind == "Pooling":
            modes = config.get("pooling_mode")
            count = (
                len(modes)
                if isinstance(modes, list)
                else sum(value is True for key, value in config.items() if key.startswith("pooling_mode_"))
            )
            base = config.get("embedding_dimension", config.get("word_embedding_dimension"))
            # Several pooling modes are concatenated.
            width = base * max(count, 1) if isinstance(base, int) else None
        elif kind == "Dense":
            width = config.get("out_features")
        else:
            return None
    return width if isinstance(width, int) else None
