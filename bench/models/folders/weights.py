"""Files with a model's weights and tokenizer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.models.folders.folder import check_stored
from bench.models.registry import Backend
from bench.paths import entries, has_file, is_folder, walk_files
from bench.regular import open_regular

TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model", "*.tiktoken", "whitespace*.json")
# The first of a backend's files is the graph; what follows holds weights that are not in it.
_EXPORTED: dict[Backend, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("model.onnx", "model.onnx_data", "model.onnx.data"),
    "openvino": ("openvino_model.xml", "openvino_model.bin"),
}
# A header of more bytes is no header: safetensors itself refuses it.
_LONGEST_HEADER = 100_000_000


def weight_files(folder: Path) -> list[Path]:
    """The files with torch weights, of every module and adapter: safetensors, else pickled `.bin` files."""
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in own_files(folder):
        by_folder[path.parent].append(path)
    found = []
    for paths in by_folder.values():
        found += weights_among(paths)
    return sorted(found)


def weights_among(paths: list[Path]) -> list[Path]:
    """Those of one folder's files that hold torch weights."""
    found = [path for path in paths if path.suffix == ".safetensors" or path.name == "adapter_model.bin"]
    # Loaders take these before pytorch_model*.bin; other safetensors replace nothing.
    if not {"model.safetensors", "model.safetensors.index.json"} & {path.name for path in paths}:
        found += [path for path in paths if path.match("pytorch_model*.bin")]
    return found


def exported_files(folder: Path, backend: Backend) -> list[Path]:
    """The files of a model's export for a backend, in a module's folder or in one there named like the backend."""
    modules = [folder, *(path for path in entries(folder) if path.name != backend and is_folder(path))]
    places = [place for module in modules for place in (module, module / backend)]
    found = [place / name for place in places for name in _EXPORTED[backend] if has_file(place / name)]
    # Without its graph an export cannot be loaded.
    return found if any(path.name == _EXPORTED[backend][0] for path in found) else []


def has_tokenizer(folder: Path) -> bool:
    """Whether a model's folder holds a tokenizer."""
    return any(is_tokenizer(path) for path in own_files(folder))


def is_tokenizer(path: Path) -> bool:
    """Whether a file's name is that of a tokenizer's vocabulary."""
    return any(fnmatch(path.name, pattern) for pattern in TOKENIZERS)


def own_files(folder: Path) -> Iterator[Path]:
    """The files of the model itself: not of its exports to other runtimes, nor of checkpoints of its training."""
    for path in walk_files(folder):
        parts = path.relative_to(folder).parts[:-1]
        if not any(part in {"onnx", "openvino"} or part.startswith("checkpoint-") for part in parts):
            yield path


def safetensors_header(path: Path, where: str) -> dict[str, Any]:
    """What a safetensors file says of its tensors, by name.

    Raises:
        BenchError: It is no such file, empty, a Git LFS pointer, or ends early.
    """
    check_stored(path, where)
    try:
        size = path.stat().st_size
        with open_regular(path) as handle:
            length = int.from_bytes(handle.read(8), "little")
            header = json.loads(handle.read(min(length, _LONGEST_HEADER)))
        tensors = {name: value for name, value in header.items() if name != "__metadata__"}
        needed = 8 + length + max((int(value["data_offsets"][1]) for value in tensors.values()), default=0)
    except OSError as error:
        raise BenchError(f"{path}: cannot read: {error.strerror or error}", where=where) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise BenchError(
            f"{path} is no safetensors file", where=where, hint="copy or download the whole file again"
        ) from error
    if size < needed:
        raise BenchError(
            f"{path} is cut off: {size:,} of {needed:,} bytes",
            where=where,
            hint="copy or download the whole file again",
        )
    return tensors
