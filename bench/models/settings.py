"""The settings of an entry in models.yaml that `defaults` may set for all entries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from bench.models.keys import check_key, check_one_key_a_role
from bench.views import Precision

DType = Literal["float32", "float16", "bfloat16"]
Similarity = Literal["cosine", "dot"]
PoolingMode = Literal["mean", "cls", "lasttoken", "max", "weightedmean", "mean_sqrt_len_tokens"]
PaddingSide = Literal["left", "right"]

_Dim = Annotated[int, Field(gt=0)]
_Tokens = Annotated[int, Field(gt=0)]


def _keyed(values: dict[str, str]) -> dict[str, str]:
    for key in values:
        check_key(key)
    check_one_key_a_role(values)
    return values


# A text for each role, type of task or task (bench.models.keys).
Keyed = Annotated[dict[str, str], AfterValidator(_keyed)]


class Strict(BaseModel):
    """A part of models.yaml: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Settings(Strict):
    """What `defaults` may set for all entries and an entry for itself.

    Attributes:
        truncate_dims: Leading dimensions to evaluate; None means the full width, and the `truncate_dim` that the
            model's own configuration states.
        precisions: Precisions to evaluate at every dimension.
        prompts: Texts put before inputs, in place of the model's own, by role, type of task or task; a value may hold
            `{instruction}`.
        instruct_documents: Whether a prompt that holds `{instruction}` is put before documents too.
        task: The `task` argument that the model's own code takes, by role, type of task or task.
        similarity: How vectors are compared; None means what the model's configuration states, else cosine.
        pooling: How a plain transformers folder makes one vector of those of its tokens.
        layer_norm: Whether vectors are brought to mean 0 and variance 1 over their full width, then to length 1, before
            any cut.
        padding_side: Where the tokenizer pads; None means its own setting.
        add_eos_token: Whether the tokenizer's end token is put after every text.
        max_seq_length: Tokens a text is cut to; None means the model's own setting.
        query_length: Tokens a query is cut to; None means the model's own setting.
        document_length: Tokens a document is cut to; None means the model's own setting.
        dtype: Type of the weights while encoding.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        batch_size: Texts a batch, or `auto`: the size in tokens that this machine encodes fastest with.
        trust_remote_code: Whether Python code that the model brings may run.
    """

    truncate_dims: list[_Dim] | None = Field(default=None, min_length=1)
    precisions: list[Precision] = Field(default=["float32"], min_length=1)
    prompts: Keyed = {}
    instruct_documents: bool = False
    task: Keyed = {}
    similarity: Similarity | None = None
    pooling: PoolingMode | None = None
    layer_norm: bool = False
    padding_side: PaddingSide | None = None
    add_eos_token: bool = False
    max_seq_length: _Tokens | None = None
    query_length: _Tokens | None = None
    document_length: _Tokens | None = None
    dtype: DType = "float32"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")
    batch_size: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"
    trust_remote_code: bool = False

    @field_validator("truncate_dims", "precisions")
    @classmethod
    def _unique(cls, values: list[Any] | None) -> list[Any] | None:
        for value in values or []:
            if (values or []).count(value) > 1:
                raise ValueError(f"duplicate value: {value}")
        return values
