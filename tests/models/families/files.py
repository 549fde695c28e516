"""The files of a folder of sentence-transformers, written as the families' authors have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# In the order of sentence-transformers' older configuration of pooling, which most folders have.
_POOLINGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def write_json(path: Path, content: Any) -> Path:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    return path


def change_json(path: Path, **changes: Any) -> None:
    """Set keys of a JSON file; None takes a key away."""
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    write_json(path, {key: value for key, value in content.items() if value is not None})


def write_modules(folder: Path, *types: str, kwargs: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write modules.json: `Transformer` in the folder itself, `Pooling` in 1_Pooling, and so on.

    Args:
        folder: The model's folder.
        types: Names of modules of sentence-transformers, or dotted names of the folder's own.
        kwargs: Arguments that modules take, by type.
    """
    modules = []
    for position, kind in enumerate(types):
        name = kind.rpartition(".")[2]
        module = {
            "idx": position,
            "name": str(position),
            "path": "" if name == "Transformer" else f"{position}_{name}",
            "type": kind if "." in kind else f"sentence_transformers.models.{kind}",
        }
        if kwargs and kind in kwargs:
            module["kwargs"] = list(kwargs[kind])
        modules.append(module)
        # As on the Hub, where no folder is empty.
        if module["path"] and name != "Normalize":
            (folder / module["path"]).mkdir(exist_ok=True)
    write_json(folder / "modules.json", modules)


def write_pooling(folder: Path, mode: str, width: int, *, include_prompt: bool = True) -> None:
    """Write the configuration of a Pooling module."""
    modes = {key: name == mode for name, key in _POOLINGS.items()}
    config = {"word_embedding_dimension": width, **modes, "include_prompt": include_prompt}
    write_json(folder / "1_Pooling" / "config.json", config)


def write_dense(
    folder: Path, position: int, width: int, to: int, *, activation: str = "Identity", bias: bool = False, seed: int = 7
) -> None:
    """Write a Dense module with random weights."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed + position)
    weights = {"linear.weight": torch.randn(to, width, generator=generator) / width**0.5}
    if bias:
        weights["linear.bias"] = torch.randn(to, generator=generator) * 0.3
    home = "linear" if activation == "Identity" else "activation"
    function = f"torch.nn.modules.{home}.{activation}"
    config = {"in_features": width, "out_features": to, "bias": bias, "activation_function": function}
    write_json(folder / f"{position}_Dense" / "config.json", config)
    save_file(weights, folder / f"{position}_Dense" / "model.safetensors")


def write_settings(
    folder: Path,
    *,
    length: int | None = None,
    prompts: Mapping[str, str] | None = None,
    similarity: str | None = "cosine",
    lower: bool = False,
) -> None:
    """Write sentence_bert_config.json and config_sentence_transformers.json.

    Args:
        folder: The model's folder.
        length: max_seq_length; None where the folder states none.
        prompts: What the folder states; None where it is of a time before prompts.
        similarity: similarity_fn_name.
        lower: do_lower_case.
    """
    if length is not None:
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": lower})
    config: dict[str, Any] = {
        "__version__": {"sentence_transformers": "3.0.0", "transformers": "4.41.2", "pytorch": "2.3.0"}
    }
    if prompts is not None:
        config |= {"prompts": dict(prompts), "default_prompt_name": None, "similarity_fn_name": similarity}
    write_json(folder / "config_sentence_transformers.json", config)


def save_weights(model: Any, folder: Path, *, seed: int = 0) -> None:
    """Draw a model's weights so that texts, prompts and the order of words matter, and save it."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    # Gemma's norms multiply by one more than their weight, and its embeddings are multiplied by a root of the width.
    gemma = type(model).__name__.startswith("Gemma")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            if weight.dim() < 2:
                scales = "norm" in name.lower() and "bias" not in name and not gemma
                weight.copy_(float(scales) + 0.1 * drawn)
            elif "embed" in name or name == "shared.weight":
                few = "position" in name or "token_type" in name or gemma
                weight.copy_((0.3 if few else 1.0) * drawn)
            elif "lora" in name:
                weight.copy_(0.5 * drawn)
            else:
                weight.copy_(1.5 * drawn / weight.shape[-1] ** 0.5)
    model.eval()
    model.save_pretrained(folder)
