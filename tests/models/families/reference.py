"""The vectors of mteb's own wrapper of a family, or of its documentation where mteb has none, without bench."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .traps import Vectors

# A text as mteb encodes it: by the name of a task, and as query, document or neither.
Reference = Callable[[list[str], str, str | None], Vectors]
# Types of weights that the real models are measured in there; here it is float32.
_TYPES = ("dtype", "torch_dtype")


def of_mteb(folder: Path, model: str | None) -> Reference:
    """The wrapper that mteb loads a model with, over a folder.

    Args:
        folder: The folder.
        model: The model whose loader and settings are meant; None for the wrapper of sentence-transformers.
    """
    wrapper = load_wrapper(folder, model)

    def encode(texts: list[str], task: str, role: str | None) -> Vectors:
        import mteb
        from datasets import Dataset
        from mteb.types import PromptType
        from torch.utils.data import DataLoader

        found = wrapper.encode(
            DataLoader(Dataset.from_dict({"text": texts}), batch_size=32),
            task_metadata=mteb.get_task(task).metadata,
            hf_split="test",
            hf_subset="default",
            prompt_type=PromptType(role) if role else None,
            show_progress_bar=False,
        )
        return np.asarray(found, dtype=np.float32)

    return encode


def load_wrapper(folder: Path, model: str | None) -> Any:
    """The wrapper behind `of_mteb`."""
    import mteb
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    with warnings.catch_warnings():
        # It says that stated prompts are replaced, and which are no task types.
        warnings.simplefilter("ignore")
        if model is None:
            return SentenceTransformerEncoderWrapper(str(folder), device="cpu")
        meta = next(meta for meta in mteb.get_model_metas() if meta.name == model)
        # Loaders write into the settings that they are given.
        settings = copy.deepcopy(meta.loader_kwargs)
        for name in _TYPES:
            settings.get("model_kwargs", {}).pop(name, None)
        settings.setdefault("device", "cpu")
        wrapper = meta.loader(str(folder), revision=None, **settings)
    if hasattr(wrapper, "model_name"):
        # Some wrappers decide by the name.
        wrapper.model_name = model
    return wrapper


def of_model2vec(folder: Path) -> Reference:
    """What the package model2vec computes: the mean of the tokens' vectors, without special and unknown tokens."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")["embeddings"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    unknown = tokenizer.token_to_id(json.loads(tokenizer.to_str())["model"]["unk_token"])

    def encode(texts: list[str], task: str, role: str | None) -> Vectors:
        rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        means = [weights[[row for row in ids if row != unknown]].mean(axis=0) for ids in rows]
        return np.stack([mean / np.linalg.norm(mean) for mean in means])

    return encode
