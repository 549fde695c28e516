"""Ways to encode with a family's model that look right and are not: each gives other vectors, in stated uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]

# What a model encodes: queries and documents of retrieval, and the texts of two kinds of symmetric tasks.
QUERY, DOCUMENT, SYMMETRIC = ("query",), ("document",), ("sts", "classification")
EVERY = (*QUERY, *DOCUMENT, *SYMMETRIC)


@dataclass(frozen=True)
class Trap:
    """A wrong way.

    Attributes:
        name: What it is, for people.
        uses: Where its vectors are others.
        open: Loads a folder for it.
    """

    name: str
    uses: tuple[str, ...]
    open: Callable[[Path], Encode]


def plainly(*uses: str) -> Trap:
    """`encode` without prompts and settings."""
    return Trap("encode without prompts", uses, lambda folder: _model(folder).encode)


def prompted(prompt: str, *uses: str) -> Trap:
    """`encode` with a prompt and without the rest."""

    def encode(folder: Path) -> Encode:
        model = _model(folder)
        return lambda texts: model.encode(texts, prompt=prompt)

    return Trap(f"only the prompt {prompt!r}", uses, encode)


def pooled(mode: str, *uses: str) -> Trap:
    """Another pooling than the folder's."""

    def encode(folder: Path) -> Encode:
        model = _model(folder)
        model[1].pooling_mode = mode
        return model.encode

    return Trap(f"{mode} pooling", uses, encode)


def with_prompt_tokens() -> Trap:
    """The prompt's tokens pooled too."""

    def encode(folder: Path) -> Encode:
        model = _model(folder)
        model.set_pooling_include_prompt(include_prompt=True)
        return model.encode_query

    return Trap("the prompt's tokens pooled", QUERY, encode)


def without(*positions: int) -> Trap:
    """Some modules left out, from the first that is no transformer or pooling."""

    def encode(folder: Path) -> Encode:
        model = _model(folder)
        for position in reversed(positions):
            del model[position]
        # A missing projection shows in the width alone where it does not keep it.
        return model.encode

    return Trap("modules left out", EVERY, encode)


def native() -> Trap:
    """The class of transformers in place of the folder's."""
    return Trap("the class of transformers", EVERY, lambda folder: _model(folder, trust_remote_code=False).encode)


def routed(task: str, *uses: str) -> Trap:
    """Everything through one route."""

    def encode(folder: Path) -> Encode:
        model = _model(folder)
        return lambda texts: model.encode(texts, task=task)

    return Trap(f"all texts as {task}", uses, encode)


def bare(base: str) -> Trap:
    """The base without its adapter."""
    return Trap("without the adapter", EVERY, lambda folder: _model(folder.with_name(folder.name + base)).encode)


def counting_special_tokens() -> Trap:
    """Static vectors averaged with those of the special tokens."""

    def encode(folder: Path) -> Encode:
        module: Any = _model(folder)[0]
        weights = module.embedding.weight.detach().numpy()
        return lambda texts: np.stack([weights[module.tokenizer.encode(text).ids].mean(axis=0) for text in texts])

    return Trap("special tokens counted", EVERY, encode)


def averaged_states() -> Trap:
    """A text tower's states averaged in place of that of the end token."""

    def encode(folder: Path) -> Encode:
        import torch

        model = _model(folder)
        tower: Any = model.transformers_model

        def states(texts: list[str]) -> Vectors:
            features = model.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                output = tower.text_model(**features).last_hidden_state
                mask = features["attention_mask"][..., None]
                return tower.text_projection((output * mask).sum(1) / mask.sum(1)).numpy()

        return states

    return Trap("mean of the states", EVERY, encode)


def _model(folder: Path, *, trust_remote_code: bool = True) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", trust_remote_code=trust_remote_code)
