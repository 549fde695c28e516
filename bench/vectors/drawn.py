"""Vectors drawn at random, to time the search of a model whose weights are random without encoding a corpus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.files import digest_bytes
from bench.models.profile import ModelProfile, TextContext


class DrawnVectors:
    """In place of an encoder: a text's vector is a random direction that follows from the text alone.

    What exact search costs does not depend on the numbers in the vectors, and those that random weights would give
    mean as little.

    Attributes:
        name: The model's name.
        device: The processor, which draws them.
        profile: The model's profile.
    """

    def __init__(self, profile: ModelProfile, name: str) -> None:
        self.profile = profile
        self.name = name
        self.device = "cpu"

    def token_counts(self, texts: list[str], context: TextContext) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """One each: no text is read, shape (n,)."""
        return np.ones(len(texts), dtype=np.int64)

    def embed(self, texts: list[str], context: TextContext) -> npt.NDArray[np.float32]:
        """Unit vectors, shape (n, width), float32."""
        drawn = np.stack([self._draw(context.prompt + text) for text in texts])
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)

    def _draw(self, text: str) -> npt.NDArray[np.float64]:
        seed = int(digest_bytes(text.encode("utf-8", "surrogatepass")), 16)
        return np.random.default_rng(seed).standard_normal(self.profile.width)
