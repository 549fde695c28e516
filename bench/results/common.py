"""What the records in results/ have in common: whose they are, of what, when and where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

from bench.models.keys import Role
from bench.models.registry import Backend, Kind, Weights
from bench.statistics.margins import parse_margin
from bench.tasks.card import TaskType

# 2: cost figures have details, spread and computed; noise has reasons.
# 3: models state pooling, padding and settings; findings state what texts were encoded with; views have mteb's values.
# 4: records and tables have digests. Records of earlier versions may have them too.
SCHEMA_VERSION: Literal[4] = 4
Version = Literal[1, 2, 3, 4]

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


# How many leading dimensions are kept.
Dim = Annotated[int, Field(ge=1)]


class RecordPart(BaseModel):
    """An object of a record; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelInfo(RecordPart):
    """The model that a record is about.

    Attributes:
        leakage: Whether it may have been trained on what it is tested on, since its recipe allows that.
        backend: What ran it; None of a baseline, and in records from before there was a choice.
        weights: Whether its weights were stored or random; None likewise.
        tokenizer: `stand-in` where a model with random weights came without a tokenizer; else None.
        pooling: How vectors of tokens became one of a text; None where the model has no such module.
        pooling_assumed: Whether the model's files left that open.
        padding: How texts of unequal lengths were encoded: padded on the `left` or `right`, or never together
            (`equal-lengths`, `single`) since their vectors would have depended on each other.
        settings: Further settings of its entry that decide its vectors, such as `layer_norm`.
        trust_remote_code: Whether Python code that the model brings ran.
    """

    name: str
    kind: Kind
    fingerprint: str
    source: str
    revision: str | None = None
    width: Count | None = None
    parameters: Count | None = None
    max_seq_length: Count | None = None
    dtype: str | None = None
    similarity: str | None = None
    leakage: bool = False
    backend: Backend | None = None
    weights: Weights | None = None
    tokenizer: Literal["stand-in"] | None = None
    pooling: str | None = None
    pooling_assumed: bool = False
    padding: str | None = None
    settings: dict[str, str | int | bool] = {}
    trust_remote_code: bool = False

    @property
    def drawn(self) -> bool:
        """Whether its weights are random, so that it has a cost and no quality."""
        return self.weights == "random"


class TaskInfo(RecordPart):
    """The task unit that a record is about.

    Attributes:
        mteb: The MTEB task that it is, by its name there.
        mteb_type: MTEB's type of a task that mteb's own evaluator scores.
        dataset: Hub id of the data set, where it has one.
        revision: Commit of that data set; None where the data came from another place.
        shown: Metrics that leaderboards show beside the main one.
        fold_of: The split whose queries it is a fold of; None of what is no fold. Reports show the split alone.
        max_loss: The margin of its card, such as `0.01` or `2%` (bench.statistics.margins); None where it has none.
    """

    name: str
    type: TaskType
    split: str
    subset: str
    fingerprint: str
    main_metric: str
    n: Count
    documents: Count | None = None
    mteb: str | None = None
    mteb_type: str | None = None
    dataset: str | None = None
    revision: str | None = None
    shown: list[str] = []
    notes: list[str] = []
    fold_of: str | None = Field(default=None, exclude_if=lambda value: value is None)
    max_loss: str | None = Field(default=None, exclude_if=lambda value: value is None)

    @field_validator("max_loss")
    @classmethod
    def _margin(cls, text: str | None) -> str | None:
        return None if text is None else str(parse_margin(text))


class Value(RecordPart):
    """A metric's value with the ends of its 95% interval."""

    value: FiniteFloat
    ci_low: FiniteFloat | None = None
    ci_high: FiniteFloat | None = None


class TextInput(RecordPart):
    """What texts of a role were encoded with.

    Attributes:
        prompt: Text put before each.
        origin: Whose prompt it is: the `entry`'s, or that of the `model`'s folder; None where there is none.
        task: The `task` argument of the model; None where it takes none.
        instruction: The instruction in the prompt, where it holds one.
        instruction_origin: Where that comes from: `card`, `mteb`, or `default` (mteb's own for the type of task).
    """

    prompt: str
    origin: Literal["entry", "model"] | None = None
    task: str | None = None
    instruction: str | None = None
    instruction_origin: Literal["card", "mteb", "default"] | None = None


class Finding(RecordPart):
    """What quality and cost records have in common: whose they are, of what, when and where.

    Attributes:
        inputs: What texts of each role were encoded with; None of a baseline and in records from before version 3.
        table_digest: Of the bytes of its Parquet file; None in records from before there were digests.
    """

    schema_version: Version = SCHEMA_VERSION
    bench_version: str
    created: str
    environment: str
    model: ModelInfo
    task: TaskInfo
    inputs: dict[Role, TextInput] | None = None
    table_digest: str | None = None
