"""What the records in results/ have in common: whose they are, of what, when and where."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.models.registry import Backend, Kind, Weights
from bench.tasks.card import TaskType

# 2: cost figures have details, spread and computed; noise has reasons.
SCHEMA_VERSION: Literal[2] = 2
Version = Literal[1, 2]


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
    """

    name: str
    kind: Kind
    fingerprint: str
    source: str
    revision: str | None = None
    width: int | None = None
    parameters: int | None = None
    max_seq_length: int | None = None
    dtype: str | None = None
    similarity: str | None = None
    leakage: bool = False
    backend: Backend | None = None
    weights: Weights | None = None
    tokenizer: Literal["stand-in"] | None = None

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
    """

    name: str
    type: TaskType
    split: str
    subset: str
    fingerprint: str
    main_metric: str
    n: int
    documents: int | None = None
    mteb: str | None = None
    mteb_type: str | None = None
    dataset: str | None = None
    revision: str | None = None
    shown: list[str] = []
    notes: list[str] = []


class Value(RecordPart):
    """A metric's value with the ends of its 95% interval."""

    value: float
    ci_low: float | None = None
    ci_high: float | None = None


class Finding(RecordPart):
    """What quality and cost records have in common: whose they are, of what, when and where."""

    schema_version: Version = SCHEMA_VERSION
    bench_version: str
    created: str
    environment: str
    model: ModelInfo
    task: TaskInfo
