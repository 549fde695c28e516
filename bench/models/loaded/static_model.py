"""model2vec's StaticModel as a module of sentence-transformers; imports torch, so it is imported late."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from sentence_transformers.models import InputModule
from tokenizers import Tokenizer

from bench.errors import BenchError


class StaticModel(InputModule):  # type: ignore[misc]
    """The mean of the embeddings of a text's tokens, as model2vec 0.10 computes it.

    Unknown tokens are left out. A text is cut to `max_length` times the median length of a token in characters, and
    then to `max_length` tokens. A text without tokens gets zeros.

    Args:
        tokenizer: Its tokenizer; padding and truncation are reset.
        embeddings: The rows, of any type that numpy has, shape (rows, width).
        mapping: Row of each token, shape (tokens,); None for its own number.
        weights: Factor of each token, shape (tokens,); None for 1.
        max_length: Tokens a text is cut to; None for all.
        normalize: Whether vectors get unit length.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        embeddings: torch.Tensor,
        mapping: torch.Tensor | None,
        weights: torch.Tensor | None,
        *,
        max_length: int | None,
        normalize: bool,
    ) -> None:
        super().__init__()
        self.embedding = torch.nn.Parameter(embeddings, requires_grad=False)
        self.register_buffer("mapping", None if mapping is None else mapping.long())
        self.register_buffer("weights", weights)
        self.normalize = normalize
        self.tokenizer = tokenizer
        tokenizer.no_padding()
        self._unknown = _unknown_token(tokenizer)
        self._characters = int(np.median([len(token) for token in tokenizer.get_vocab()]))
        self.max_seq_length = max_length

    @property
    def max_seq_length(self) -> int | None:
        """Tokens a text is cut to."""
        return self._max_length

    @max_seq_length.setter
    def max_seq_length(self, value: int | None) -> None:
        self._max_length = value
        if value is None:
            self.tokenizer.no_truncation()
        else:
            self.tokenizer.enable_truncation(value)

    def preprocess(self, inputs: list[str], prompt: str | None = None, **_: Any) -> dict[str, torch.Tensor]:
        """The tokens of texts, one after the other, and where each text begins."""
        limit = None if self._max_length is None else self._max_length * self._characters
        texts = [((prompt or "") + text)[:limit] for text in inputs]
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        ids = [[token for token in encoding.ids if token != self._unknown] for encoding in encoded]
        starts = np.cumsum([0, *(len(tokens) for tokens in ids[:-1])])
        flat = [token for tokens in ids for token in tokens]
        return {
            "input_ids": torch.tensor(flat, dtype=torch.long),
            "offsets": torch.from_numpy(starts.astype(np.int64)),
        }

    def forward(self, features: dict[str, torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        """Set `sentence_embedding`, shape (texts, width)."""
        ids = features["input_ids"]
        rows = self.embedding[ids if self.mapping is None else self.mapping[ids]].float()
        if self.weights is not None:
            rows = rows * self.weights[ids].float()[:, None]
        own = torch.arange(len(rows), device=rows.device)
        vectors = torch.nn.functional.embedding_bag(own, rows, features["offsets"], mode="mean")
        # model2vec rounds to the type that it stores, except whole numbers.
        stored = self.embedding.dtype if self.embedding.dtype.is_floating_point else torch.float32
        vectors = vectors.to(stored)
        if self.normalize:
            wide = vectors.float()
            vectors = (wide / (wide.norm(dim=1, keepdim=True) + 1e-32)).to(stored)
        features["sentence_embedding"] = vectors
        return features

    def get_embedding_dimension(self) -> int:
        """The width of a vector."""
        return int(self.embedding.shape[1])

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse: no module of sentence-transformers encodes in this way."""
        raise BenchError(
            "a model of model2vec cannot be saved for sentence-transformers, which would encode otherwise",
            hint="use the model's own files with model2vec",
        )


def _unknown_token(tokenizer: Tokenizer) -> int | None:
    """The number of the token that stands for what the vocabulary lacks."""
    if hasattr(tokenizer.model, "unk_token"):
        token = tokenizer.model.unk_token
        return None if token is None else tokenizer.token_to_id(token)
    # A Unigram model names it by number, and shows it in its file alone.
    number: int | None = json.loads(tokenizer.to_str())["model"].get("unk_id")
    return number
