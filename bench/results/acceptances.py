"""Records of what was accepted on purpose though the gate does not pass it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat

from bench.results.common import SCHEMA_VERSION, Dim, Version
from bench.views import Precision


class AcceptedCheck(BaseModel):
    """One check of the gate whose verdict was accepted on purpose.

    Attributes:
        rule: The rule's name.
        model: The model's name.
        model_fingerprint: Of the model as it was accepted; None where its results are gone.
        task: The task's name.
        split: Its split.
        subset: Its subset; `mean` of a rule on the mean over subsets.
        task_fingerprint: Of the data as it was accepted; None where its results are gone.
        truncate_dim: Of the view.
        precision: Likewise.
        measure: The metric or cost figure.
        environment: The environment of a cost figure.
        measured: When a cost figure was measured; another measurement is judged anew.
        verdict: What the gate said.
        score: The value as it was accepted; None where there was none to compare.
        drop: By how much it had got worse; None likewise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    model: str
    model_fingerprint: str | None
    task: str
    split: str
    subset: str
    task_fingerprint: str | None
    truncate_dim: Dim | None
    precision: Precision | None
    measure: str
    environment: str | None = None
    measured: str | None = None
    verdict: str
    score: FiniteFloat | None
    drop: FiniteFloat | None


class AcceptanceRecord(BaseModel):
    """Verdicts of the gate that were accepted on purpose, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: Literal["acceptance"] = "acceptance"
    schema_version: Version = SCHEMA_VERSION
    bench_version: str
    created: str
    message: str
    accepted: list[AcceptedCheck]
