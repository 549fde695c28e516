"""A loaded sentence-transformers model: texts in, float32 vectors at full width out."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.memory import out_of_memory
from bench.models.profile import ModelProfile, TextContext

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A token is about four characters of English; only used for models without a tokenizer of their own.
_CHARACTERS_PER_TOKEN = 4
_COUNTED = 256
# Settings of a Transformer module that cut texts of a role.
_LIMITS = {"query": "query_length", "document": "document_length"}


class SentenceEncoder:
    """A model ready to encode. Its methods may be called from several threads at once.

    Attributes:
        profile: Width, similarity, prompts and size.
        device: The device that it runs on.

    Args:
        model: The loaded model.
        name: What messages call it.
        profile: What is known of it.
        parallel: Whether several threads may run it at once: an export answers one request at a time.
    """

    def __init__(self, model: SentenceTransformer, name: str, profile: ModelProfile, *, parallel: bool = True) -> None:
        self._model = model
        # A tokenizer keeps its padding and truncation between calls: two threads at once would mix them up.
        self._tokenizing = threading.Lock()
        self._running: AbstractContextManager[Any] = nullcontext() if parallel else threading.Lock()
        self.name = name
        self.device = str(model.device)
        self.profile = profile

    @property
    def transformer(self) -> SentenceTransformer:
        """The model of sentence-transformers."""
        return self._model

    @property
    def counts_tokens(self) -> bool:
        """Whether the model's own tokenizer counts tokens; else they are estimated from characters."""
        return callable(getattr(self._model, "tokenizer", None))

    def token_counts(self, texts: list[str], context: TextContext, *, cut: bool = True) -> npt.NDArray[np.int64]:
        """Tokens of each text with its prompt, cut to the model's limit unless `cut` is False, shape (n,)."""
        # A tokenizer's output is many times the size of its text: keep little of it at once.
        parts = [texts[start : start + _COUNTED] for start in range(0, len(texts), _COUNTED)]
        limit = self.limit(context) if cut else None
        return np.concatenate([self._counts([context.prompt + text for text in part], limit) for part in parts or [[]]])

    def limit(self, context: TextContext) -> int | None:
        """Tokens that a text is cut to; None for no limit."""
        own = getattr(self._model[0], _LIMITS.get(context.task or "", ""), None)
        limits = [limit for limit in (own, self.profile.max_seq_length) if isinstance(limit, int)]
        return min(limits, default=None)

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
        """The vectors of some texts, shape (n, width), float32, row i for text i.

        Texts are encoded in one batch, or as `context.batching` says.

        Raises:
            torch.OutOfMemoryError: The batch does not fit on the device.
            BenchError: The model cannot encode a text.
        """
        groups = self._groups(texts, context)
        if len(groups) == 1:
            return self._batch(texts, context)
        found = np.empty((len(texts), self.profile.width), dtype=np.float32)
        for rows in groups:
            found[rows] = self._batch([texts[row] for row in rows], context)
        return found

    def _groups(self, texts: list[str], context: TextContext) -> list[list[int]]:
        """Rows of the texts that may be encoded together."""
        if context.batching == "any" or len(texts) == 1:
            return [list(range(len(texts)))]
        if context.batching == "single":
            return [[row] for row in range(len(texts))]
        by_length: dict[int, list[int]] = defaultdict(list)
        for row, tokens in enumerate(self.token_counts(texts, context)):
            by_length[int(tokens)].append(row)
        return list(by_length.values())

    def _batch(self, texts: list[str], context: TextContext) -> npt.NDArray[np.float32]:
        try:
            return self.forward(self.tokenize(texts, context), context)
        except BenchError:
            raise
        except Exception as error:
            if out_of_memory(error):
                raise
            raise self._cannot_encode(texts, context, error) from error

    def _cannot_encode(self, texts: list[str], context: TextContext, error: Exception) -> BenchError:
        """What a library raised over a batch, with the longest of its texts, which is mostly the one to blame."""
        text = max(texts, key=len)
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        try:
            tokens = f" of {int(self.token_counts([text], context)[0]):,} tokens"
        except Exception:  # noqa: BLE001 - the tokenizer may be what fails
            tokens = ""
        hint = "check that tokenizer and weights belong together"
        positions = getattr(getattr(self._model.transformers_model, "config", None), "max_position_embeddings", None)
        if isinstance(positions, int):
            hint = f"set `max_seq_length` (the model has {positions:,} positions), or " + hint
        if context.task is not None and f"'{context.task}'" in reason:
            hint = "name the model's own tasks in its entry, e.g. `task: {query: ..., document: ...}`"
        elif "pad" in reason.lower() and "token" in reason.lower():
            hint = "its tokenizer has no padding token: add `pad_token` to tokenizer_config.json"
        return BenchError(
            f"cannot encode a text{tokens} ({text[:60]!r}): {type(error).__name__}: {reason}",
            where=f"model `{self.name}`",
            hint=hint,
        )

    def tokenize(self, texts: list[str], context: TextContext) -> dict[str, Any]:
        """The first half of encoding a batch: what the model takes in, in main memory."""
        with self._tokenizing:
            features: dict[str, Any] = self._model.preprocess(
                texts, prompt=context.prompt or None, **_argument_of(context)
            )
        return features

    def forward(self, features: dict[str, Any], context: TextContext) -> npt.NDArray[np.float32]:
        """The second half: features to the device, through the model, and the vectors back."""
        import torch

        with torch.inference_mode():
            moved = {
                key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                for key, value in features.items()
            }
            with self._running:
                vectors = self._model(moved, **_argument_of(context))["sentence_embedding"]
            return np.ascontiguousarray(vectors.float().cpu().numpy())


def _argument_of(context: TextContext) -> dict[str, Any]:
    return {"task": context.task} if context.task else {}
