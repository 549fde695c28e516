"""The records in results/, one JSON file each (docs/results.md explains every key)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field, FiniteFloat, model_validator

from bench.metrics import PAIR_METRICS, RETRIEVAL_METRICS
from bench.results import ranges
from bench.results.common import (
    SCHEMA_VERSION,
    Amount,
    Count,
    Dim,
    Finding,
    ModelInfo,
    RecordPart,
    TaskInfo,
    Value,
    Version,
)
from bench.results.study_records import ControlRecord, FidelityRecord, RerankRecord
from bench.views import Precision, View

# What the records have in common is known from here too.
__all__ = ["SCHEMA_VERSION", "ModelInfo", "TaskInfo", "Value"]

# The version from which on views have MTEB's values.
_MTEB_ORDER = 3
_SCORES = frozenset((*RETRIEVAL_METRICS, *PAIR_METRICS))


class ViewScores(RecordPart):
    """The scores of one view; a baseline has neither truncate_dim nor precision.

    Attributes:
        mteb: What MTEB's evaluator gives, by MTEB's names: the metrics whose values differ there, since it breaks ties
            by document id, and what it alone computes (nAUC). Empty in records from before version 3.
        folds: The main metric's mean over the queries of each fold; empty where a task has none.
    """

    truncate_dim: Dim | None
    precision: Precision | None
    metrics: dict[str, Value]
    mteb: dict[str, FiniteFloat] = Field(default_factory=dict, exclude_if=lambda values: not values)
    folds: dict[str, FiniteFloat] = Field(default_factory=dict, exclude_if=lambda values: not values)

    @property
    def view(self) -> View | None:
        """The view as a key."""
        return make_view(self.truncate_dim, self.precision)

    @model_validator(mode="after")
    def _in_range(self) -> ViewScores:
        ranges.check_estimates(self.metrics.items())
        ranges.check_scores(self.mteb)
        return self


class Encoding(RecordPart):
    """How the vectors were made. The seconds are a by-product of the run, not a cost figure."""

    texts: Count
    reused: Count
    encoded: Count
    tokens: Count
    seconds: Amount
    batch: str
    workers: Count
    device: str


class QualityRecord(Finding):
    """Quality of one model on one task unit, at the views scored together.

    Attributes:
        pooled: Where each query was scored by a model that was trained without its fold: the fingerprints of these
            models, in the order of the folds.
    """

    record: Literal["quality"] = "quality"
    encoding: Encoding | None
    views: list[ViewScores]
    items: str
    pooled: list[str] = Field(default_factory=list, exclude_if=lambda values: not values)

    @property
    def knows_mteb_order(self) -> bool:
        """Whether MTEB's order of ties was asked for too, or there are no rankings."""
        return self.schema_version >= _MTEB_ORDER or self.task.type == "sts"

    @model_validator(mode="after")
    def _means_something(self) -> QualityRecord:
        if self.model.drawn:
            raise ValueError("a model with random weights has no quality")
        return self

    @model_validator(mode="after")
    def _main_metric(self) -> QualityRecord:
        for scores in self.views:
            if self.task.main_metric not in scores.metrics:
                raise ValueError(f"a view lacks the main metric {self.task.main_metric}")
        return self


Detail = dict[str, str | int]
# Processes that measured the same thing should agree within this, by the spread of their medians.
STEADY_SPREAD = 0.1


class Figure(RecordPart):
    """One cost figure; one of a view names it.

    Attributes:
        name: What was measured, with its unit.
        value: The figure.
        n: Samples that it stands on.
        truncate_dim: Of the view that it belongs to.
        precision: Likewise.
        detail: What sets it apart from others of the name: `threads`, `role`, `tokens` (a range), `batch`, `index`,
            `corpus`; empty for the one that leaderboards show.
        spread: Largest less smallest of the processes that measured it, over their median; None of one process.
        computed: Whether it was worked out and not measured.
    """

    name: str
    value: FiniteFloat
    n: Count
    truncate_dim: Dim | None = None
    precision: Precision | None = None
    detail: Detail = Field(default_factory=dict)
    spread: Amount | None = None
    computed: bool = False

    @property
    def key(self) -> FigureKey:
        """What identifies it among the figures of a model on a task unit."""
        return figure_key(self.name, self.truncate_dim, self.precision, self.detail)

    @property
    def steady(self) -> bool:
        """Whether the processes that measured it agree, where there were several."""
        return self.spread is None or self.spread <= STEADY_SPREAD

    @model_validator(mode="after")
    def _in_range(self) -> Figure:
        ranges.check_figure(self.name, self.value)
        return self


FigureKey = tuple[str, int | None, str | None, tuple[tuple[str, str | int], ...]]


def detail_text(detail: Detail) -> str:
    """A detail as one word a key."""
    return " ".join(f"{key}={value}" for key, value in sorted(detail.items()))


def figure_key(name: str, truncate_dim: int | None, precision: str | None, detail: Detail) -> FigureKey:
    """The key of a figure (see Figure.key)."""
    return name, truncate_dim, precision, tuple(sorted(detail.items()))


class Noise(RecordPart):
    """How busy other processes kept the machine, as a share of all cores, 0 to 1.

    Attributes:
        busy_before: In the second before the probes.
        busy_during: While they ran, their own time taken out; the largest of the probes.
        busy_after: In the second after.
        load_before: One-minute load average before.
        load_after: One-minute load average after.
        steal: Share of all cores that the hypervisor gave to others while the probes ran; the largest of them.
        mhz_before: Mean clock rate of the cores before; None where it cannot be read.
        mhz_after: After.
        throttled: Times that cores were slowed down for their heat while the probes ran; None likewise.
        noisy: Whether it was too busy to trust the figures.
        reasons: Why.
    """

    busy_before: Amount
    busy_during: Amount
    busy_after: Amount
    load_before: Amount
    load_after: Amount
    steal: Amount | None = None
    mhz_before: Amount | None = None
    mhz_after: Amount | None = None
    throttled: Count | None = None
    noisy: bool
    reasons: list[str] = Field(default_factory=list)


class CostRecord(Finding):
    """Cost of one model on the texts of one task unit, in one environment."""

    record: Literal["cost"] = "cost"
    setup: dict[str, Any]
    settings: dict[str, Any]
    noise: Noise
    figures: list[Figure]
    not_measured: dict[str, str] = Field(default_factory=dict)
    samples: str | None = None

    @model_validator(mode="after")
    def _cost_alone(self) -> CostRecord:
        scores = [figure.name for figure in self.figures if figure.name.removeprefix("rerank_") in _SCORES]
        if self.model.drawn and scores:
            raise ValueError(f"a model with random weights has no {scores[0]}")
        return self


class EnvironmentRecord(RecordPart):
    """The facts behind an environment's fingerprint."""

    record: Literal["environment"] = "environment"
    schema_version: Version = SCHEMA_VERSION
    fingerprint: str
    facts: dict[str, Any]


class TaskRef(RecordPart):
    """A split and subset of a task by name and content."""

    name: str
    split: str
    subset: str
    fingerprint: str


class AuditFinding(RecordPart):
    """One thing that an audit of a task's data looked for.

    Attributes:
        kind: A name that does not change.
        count: How many were found; None where it was not checked.
        of: Of how many.
        sentence: The finding for people.
        weakens: Whether it makes scores worth less, so that leaderboards show it.
        examples: A few of them, cut short.
    """

    kind: str
    count: Count | None
    of: Count
    sentence: str
    weakens: bool = False
    examples: list[str] = Field(default_factory=list)


class AuditRecord(RecordPart):
    """What makes scores on one task unit worth less than they look, whatever the model."""

    record: Literal["audit"] = "audit"
    schema_version: Version = SCHEMA_VERSION
    bench_version: str
    created: str
    task: TaskRef
    training: TaskRef | None
    thresholds: dict[str, FiniteFloat]
    findings: list[AuditFinding]


# What is known of one model on one task unit, and of a task unit whatever the model.
ModelRecord: TypeAlias = QualityRecord | CostRecord | ControlRecord | FidelityRecord | RerankRecord
UnitRecord: TypeAlias = ModelRecord | AuditRecord
AnyRecord: TypeAlias = UnitRecord | EnvironmentRecord


def make_view(truncate_dim: int | None, precision: Precision | None) -> View | None:
    """The view of a record's two keys, None for a baseline."""
    return None if truncate_dim is None or precision is None else View(truncate_dim, precision)
