"""A loaded sentence-transformers model: texts in, float32 vectors at full width out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.profile import ModelProfile, Similarity, TextContext

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A token is about four characters of English; only used for models without a tokenizer of their own.
_CHARACTERS_PER_TOKEN = 4
_COUNTED = 256


class SentenceEncoder:
    """A model ready to encode. Its methods may be called from several threads at once.

    Attributes:
        profile: Width, similarity, prompts and size.
        device: The device that it runs on.

    Args:
        model: The loaded model.
        name: What messages call it.
        exported: The files of its export, where another backend than torch runs it.
    """

    def __init__(self, model: SentenceTransformer, name: str, exported: Sequence[Path] = ()) -> None:
        self._model = model
        # A tokenizer keeps its padding and truncation between calls: two threads at once would mix them up.
        self._tokenizing = threading.Lock()
        # An export answers one request at a time, with all its threads.
        self._running = threading.Lock() if exported else nullcontext()
        self.name = name
        self.device = str(model.device)
        self.profile = _profile(model, name, exported)

    @property
    def transformer(self) -> SentenceTransformer:
        """The model of sentence-transformers."""
        return self._model

    @property
    def counts_tokens(self) -> bool:
        """Whether the model's own tokenizer counts tokens; else they are estimated from characters."""
        return callable(getattr(self._model, "tokenizer", None))

    def token_counts(self, texts: list[str], context: TextContext, *, cut: bool = True) -> npt.NDArray[np.int64]:
        """Tokens of each text after its prompt is put on, and cut to max_seq_length unless told not to, shape (n,)."""
        # A tokenizer's output is many times the size of its text: keep little of it at once.
        parts = [texts[start : start + _COUNTED] for start in range(0, len(texts), _COUNTED)]
        limit = self.profile.max_seq_length if cut else None
        return np.concatenate([self._counts([context.prompt + text for text in part], limit) for part in parts or [[]]])

    def _counts(self, prompted: list[str], limit: int | None) -> npt.NDArray[np.int64]:
        tokenizer = getattr(self._model, "tokenizer", None)
        if not prompted:
            return np.empty(0, dtype=np.int64)
        if not callable(tokenizer):
            counts = np.array([1 + len(text) // _CHARACTERS_PER_TOKEN for text in prompted], dtype=np.int64)
            return np.minimum(counts, limit) if limit else counts
        with self._tokenizing:
            encoded = tokenizer(
                prompted,
                truncation=limit is not None,
                max_length=limit,
                padding=False,
                return_attention_mask=False,
                return_token_type_ids=False,
                verbose=False,
            )
        return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)

    def embed(self, texts: list[str], context: TextContext) -> npt.NDArray[np.float32]:
        """The vectors of one batch, shape (n, width), float32, row i for text i.

        Raises:
            torch.OutOfMemoryError: The batch does not fit on the device.
        """
        return self.forward(self.tokenize(texts, context), context)

    def tokenize(self, texts: list[str], context: TextContext) -> dict[str, Any]:
        """The first half of `embed`: what the model takes in for one batch, in main memory."""
        with self._tokenizing:
            features: dict[str, Any] = self._model.preprocess(
                texts, prompt=context.prompt or None, **_route_of(context)
            )
        return features

    def forward(self, features: dict[str, Any], context: TextContext) -> npt.NDArray[np.float32]:
        """The second half of `embed`: features to the device, through the model, and the vectors back."""
        import torch

        with torch.inference_mode():
            moved = {
                key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                for key, value in features.items()
            }
            with self._running:
                vectors = self._model(moved, **_route_of(context))["sentence_embedding"]
            return np.ascontiguousarray(vectors.float().cpu().numpy())


def _route_of(context: TextContext) -> dict[str, Any]:
    return {"task": context.route} if context.route else {}


def _profile(model: SentenceTransformer, name: str, exported: Sequence[Path]) -> ModelProfile:
    width = model.get_embedding_dimension()
    if width is None:
        width = model.encode(["width"]).shape[1]
    similarity = str(model.similarity_fn_name or "cosine")
    known: dict[str, Similarity] = {"cosine": "cosine", "dot": "dot"}
    if similarity not in known:
        raise BenchError(
            f"compares its vectors by {similarity}; bench scores cosine and dot product",
            where=f"model `{name}`",
        )
    limit = getattr(model, "max_seq_length", None)
    parameters = list(model.parameters())
    return ModelProfile(
        width=int(width),
        similarity=known[similarity],
        prompts={key: value for key, value in (model.prompts or {}).items() if isinstance(value, str)},
        default_prompt=model.default_prompt_name,
        routed=any(type(module).__name__ == "Router" for module in model.modules()),
        # Of an export the library shows no weights.
        parameters=None if exported else sum(weight.numel() for weight in parameters),
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in parameters)
        + sum(path.stat().st_size for path in exported),
        # Some tokenizers state "no limit" as a huge number.
        max_seq_length=int(limit) if isinstance(limit, int) and limit < 1_000_000 else None,
    )
