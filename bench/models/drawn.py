"""Weights drawn for a configuration, to measure what a model costs before anyone has trained or downloaded it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.models.folders.folder import ModelFolder
from bench.models.folders.places import read_object
from bench.models.folders.weights import has_tokenizer
from bench.models.loaded.usable import usable_positions
from bench.models.registry import ModelEntry
from bench.models.stand_in import write_stand_in
from bench.regular import copy_regular

_SEED = 20260101
_WITHOUT_WEIGHTS = ("Pooling", "Normalize", "Dropout")


def draw_model(entry: ModelEntry, source: Path, files: list[Path], folder: Path) -> None:
    """Write a model whose weights are drawn as transformers initialises them, from a fixed seed.

    Args:
        entry: Its entry; the weights are written in its dtype.
        source: The folder with its configuration.
        files: The files of that folder to keep: all but weights.
        folder: An empty folder.

    Raises:
        OSError: The folder cannot be written.
        BenchError: The disk has too little room, or a module has weights that cannot be drawn.
    """
    import torch

    for path in files:
        copy_regular(path, folder / path.relative_to(source))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        for kind, inner in _modules(entry, folder):
            if kind == "Transformer":
                _draw_transformer(entry, inner, with_tokenizer=has_tokenizer(folder))
            elif kind == "Dense":
                _draw_dense(inner, getattr(torch, entry.dtype))
            elif kind not in _WITHOUT_WEIGHTS:
                raise BenchError(
                    f"bench cannot draw weights for its module {kind}",
                    where=f"model `{entry.name}`",
                    hint=f"modules that can be: Transformer, Dense, {', '.join(_WITHOUT_WEIGHTS)}",
                )


def _modules(entry: ModelEntry, folder: Path) -> list[tuple[str, Path]]:
    """Kind and folder of each module, which is below the given one; a plain transformer is alone."""
    modules = ModelFolder(folder, f"model `{entry.name}`").modules
    return [("Transformer", folder)] if modules is None else [(module.name, module.folder) for module in modules]


def _draw_transformer(entry: ModelEntry, folder: Path, *, with_tokenizer: bool) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    options = {"trust_remote_code": entry.trust_remote_code}
    config = AutoConfig.from_pretrained(folder, local_files_only=True, **options)
    with torch.device("meta"):
        bare = AutoModel.from_config(config, **options)
    needed = sum(weight.numel() for weight in bare.parameters()) * torch.finfo(getattr(torch, entry.dtype)).bits // 8
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BenchError(
            f"its weights take {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free in bench's cache",
            where=f"model `{entry.name}`",
            hint="free some space (`bench cache`), or set BENCH_CACHE to a folder on a larger disk",
        )
    model = AutoModel.from_config(config, dtype=getattr(torch, entry.dtype), **options)
    model.save_pretrained(folder)
    if not with_tokenizer:
        write_stand_in(config, usable_positions(model), folder)


def _draw_dense(folder: Path, dtype: Any) -> None:
    """The weights of sentence-transformers' Dense module, drawn as torch initialises a linear layer."""
    import torch
    from safetensors.torch import save_file

    config = read_object(folder / "config.json")
    inputs, outputs = int(config["in_features"]), int(config["out_features"])
    layers = {"linear": torch.nn.Linear(inputs, outputs, bias=bool(config.get("bias", True)))}
    if config.get("use_residual") and inputs != outputs:
        layers["residual"] = torch.nn.Linear(inputs, outputs, bias=False)
    weights = {
        f"{layer}.{name}": value.to(dtype)
        for layer, linear in layers.items()
        for name, value in linear.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors")
