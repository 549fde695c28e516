"""The records of studies, which find out from a job's stored vectors what scores do not tell (docs/results.md)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bench.metrics import FidelityMeasure
from bench.results import ranges
from bench.results.common import Count, Dim, Finding, RecordPart, Share, Value
from bench.views import Control, ControlledView, ControlMethod, Precision, Shortlist, View


class ControlScores(RecordPart):
    """The scores of one cut under a control, in float32.

    Attributes:
        method: The control.
        draw: Number of the draw, of `random` alone.
        truncate_dim: Dimensions kept.
        metrics: The main metric and those shown beside it.
    """

    method: ControlMethod
    draw: int | None = None
    truncate_dim: Dim
    metrics: dict[str, Value]

    @property
    def cut(self) -> ControlledView:
        """The cut as a key."""
        return ControlledView(Control(self.method, self.draw), self.truncate_dim)

    @model_validator(mode="after")
    def _drawn(self) -> ControlScores:
        if (self.method == "random") != (self.draw is not None):
            raise ValueError("the control `random` has a draw, and no other has")
        ranges.check_estimates(self.metrics.items())
        return self


class ControlRecord(Finding):
    """Quality of one model on one task unit under controls for truncation."""

    record: Literal["control"] = "control"
    controls: list[ControlScores]
    items: str

    @model_validator(mode="after")
    def _means_something(self) -> ControlRecord:
        if self.model.drawn:
            raise ValueError("a model with random weights has no quality")
        for scores in self.controls:
            if self.task.main_metric not in scores.metrics:
                raise ValueError(f"a control lacks the main metric {self.task.main_metric}")
        return self


class ShortlistScores(RecordPart):
    """The scores of one shortlist that is ranked again at full width in float32.

    Attributes:
        truncate_dim: Of the view that the shortlist is found at.
        precision: Likewise.
        shortlist: Documents on it.
        metrics: The main metric after ranking again.
        recall: The share of a query's relevant documents that are on it.
    """

    truncate_dim: Dim
    precision: Precision
    shortlist: int = Field(ge=1)
    metrics: dict[str, Value]
    recall: Value

    @property
    def key(self) -> Shortlist:
        """The shortlist as a key."""
        return Shortlist(View(self.truncate_dim, self.precision), self.shortlist)

    @model_validator(mode="after")
    def _in_range(self) -> ShortlistScores:
        ranges.check_estimates([*self.metrics.items(), ("shortlist_recall", self.recall)])
        return self


class RerankRecord(Finding):
    """Quality of one model on one task unit where shortlists of its views are ranked again at full width in float32."""

    record: Literal["rerank"] = "rerank"
    shortlists: list[ShortlistScores]
    items: str

    @model_validator(mode="after")
    def _means_something(self) -> RerankRecord:
        if self.model.drawn:
            raise ValueError("a model with random weights has no quality")
        for scores in self.shortlists:
            if self.task.main_metric not in scores.metrics:
                raise ValueError(f"a shortlist lacks the main metric {self.task.main_metric}")
        return self


class FidelityScores(RecordPart):
    """How far one view does what the same model does at full width in float32; what is not defined is left out."""

    truncate_dim: Dim
    precision: Precision
    measures: dict[FidelityMeasure, Value]

    @property
    def view(self) -> View:
        """The view as a key."""
        return View(self.truncate_dim, self.precision)

    @model_validator(mode="after")
    def _in_range(self) -> FidelityScores:
        ranges.check_estimates(self.measures.items())
        return self


class LeadingShares(RecordPart):
    """Shares that the first 1, 2, ... width dimensions hold, of the documents or sentences.

    Attributes:
        variance: Of the variance; None where all vectors are the same.
        norm: Of the length.
    """

    variance: list[Share] | None
    norm: list[Share]


class FidelitySettings(RecordPart):
    """What the measures depend on besides model, task and view.

    Attributes:
        depth: Places of a ranking that are compared.
        rbo_p: Persistence of the rank-biased overlap.
        sample: Documents at most whose similarities are compared.
    """

    depth: Count
    rbo_p: Share
    sample: Count


class FidelityRecord(Finding):
    """Fidelity of one model's views on one task unit, without labels."""

    record: Literal["fidelity"] = "fidelity"
    settings: FidelitySettings
    views: list[FidelityScores]
    leading: LeadingShares
    items: str

    @model_validator(mode="after")
    def _means_something(self) -> FidelityRecord:
        if self.model.drawn:
            raise ValueError("a model with random weights has no fidelity")
        return self
