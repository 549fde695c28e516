"""What has to be known of a model to look its vectors up, kept so that looking does not load the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.models.registry import ModelEntry, Role

Similarity = Literal["cosine", "dot"]

# The prompt names that sentence-transformers' encode_query and encode_document look for, in order.
_PROMPT_NAMES: dict[Role, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
    "text": (),
}


class ModelProfile(BaseModel):
    """Facts of a loaded model; they follow from its files, so they are stored beside its vectors.

    Attributes:
        width: Dimensions of a full vector.
        similarity: How its vectors are meant to be compared.
        prompts: The prompts its configuration carries, by name.
        default_prompt: Name of the prompt that applies where no other does.
        routed: Whether queries and documents take different paths through it (a Router module).
        parameters: Number of weights; None of an export, which shows none.
        weight_bytes: Bytes of the weights in memory; of an export those of its files.
        max_seq_length: Tokens a text is cut to, where the model has such a limit.
    """

    model_config = ConfigDict(frozen=True)

    width: int
    similarity: Similarity
    prompts: dict[str, str]
    default_prompt: str | None
    routed: bool
    parameters: int | None
    weight_bytes: int
    max_seq_length: int | None

    def prompt(self, entry: ModelEntry, role: Role) -> str:
        """The prompt put before texts of a role: the entry's, else the model's own, else none."""
        override: str | None = getattr(entry.prompts, role)
        if override is not None:
            return override
        for name in _PROMPT_NAMES[role]:
            if name in self.prompts:
                return self.prompts[name]
        return self.prompts.get(self.default_prompt or "", "")

    def context(self, entry: ModelEntry, role: Role) -> TextContext:
        """All that decides a text's vector besides the text and the weights."""
        return TextContext(prompt=self.prompt(entry, role), route=role if self.routed and role != "text" else None)


class TextContext(BaseModel):
    """The prompt and, for a routed model, the path that a text is encoded with."""

    model_config = ConfigDict(frozen=True)

    prompt: str = ""
    route: Role | None = None
