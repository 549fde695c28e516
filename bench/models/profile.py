"""What has to be known of a model to look its vectors up, kept so that looking does not load the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.models.settings import PaddingSide, Similarity

# How texts are encoded together: `any` in padded batches; `equal-lengths` only beside texts of as many tokens;
# `single` alone. The latter two are for models whose vectors would otherwise depend on the batch.
Batching = Literal["any", "equal-lengths", "single"]


# The pooling of a model that the package model2vec wrote: the mean of known tokens, of a text that is cut in its way.
MODEL2VEC = "model2vec"


class ModelProfile(BaseModel):
    """Facts of a loaded model; they follow from its files, so they are stored beside its vectors.

    Attributes:
        width: Dimensions of a full vector: those that its last module gives, before any `truncate_dim`.
        similarity: How its vectors are meant to be compared.
        prompts: The prompts that its folder states, by name.
        default_prompt: Name of the prompt that applies where no other does.
        role_matters: Whether queries and documents of the same words have different vectors.
        parameters: Number of weights; None of an export, which shows none.
        weight_bytes: Bytes of the weights in memory; of an export those of its files.
        max_seq_length: Tokens a text is cut to, where the model has such a limit.
        pooling: How vectors of tokens become one of a text; None where the model does that without a pooling module.
        padding_side: Where texts of a batch are padded; None of a model without a padding tokenizer.
        batching: How texts are encoded together.
    """

    model_config = ConfigDict(frozen=True)

    width: int
    similarity: Similarity
    prompts: dict[str, str]
    default_prompt: str | None
    role_matters: bool
    parameters: int | None
    weight_bytes: int
    max_seq_length: int | None
    pooling: str | None
    padding_side: PaddingSide | None
    batching: Batching = "any"

    @property
    def padding(self) -> str | None:
        """How texts of unequal lengths are encoded: padded on a side, or never together."""
        return self.padding_side if self.batching == "any" else self.batching


class TextContext(BaseModel):
    """What a text is encoded with.

    Attributes:
        prompt: Text put before it.
        task: The `task` argument of the model: a role, or one of the model's own; None where the model has no use
            for it.
        batching: As in the model's profile.
    """

    model_config = ConfigDict(frozen=True)

    prompt: str = ""
    task: str | None = None
    batching: Batching = "any"
