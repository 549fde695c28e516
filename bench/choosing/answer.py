"""The answer as programs read it (docs/choose.md explains every key)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bench.choosing.constraints import Quantity
from bench.choosing.decide import Status
from bench.choosing.known import Verdict
from bench.index_layout import Kind
from bench.views import Precision


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(_Part):
    """What is known of one quantity of a view.

    Attributes:
        value: The figure, in the unit that the quantity's name ends in; None where there is none.
        documents: For how many documents it holds; None where that does not matter.
        computed: Whether it was worked out from a layout and not measured.
        at_least: What the quantity is known to be at least; None where nothing is.
        at_most: What it is known to be at most; equal to `at_least` where it is known.
        verdict: Whether its limit is met; None where it has none.
        why: Why it is not known; None where it is.
    """

    value: float | None
    documents: int | None
    computed: bool
    at_least: float | None
    at_most: float | None
    verdict: Verdict | None
    why: str | None


class Choosable(_Part):
    """A view of a model, with the index that it is searched by.

    Attributes:
        model: The model's name.
        kind: Its kind.
        truncate_dim: Of the view; None of a baseline.
        precision: Likewise.
        index: `flat` (exact) or `hnsw`; None of a baseline, and where nothing is searched.
        shortlist: Documents that it finds to be ranked again at full width in float32; None where none are.
        shortlist_recall: The share of the relevant documents that are on it.
        score: The main score, by exact search whatever the index.
        ci_low: Low end of its 95% interval.
        ci_high: High end.
        bytes_per_vector: Of the view; None of a baseline.
        hnsw_recall_at_10: HNSW's recall, with the number of documents that it holds for; None of another index.
        quantities: What may be limited, by name.
        status: How it stands to all constraints.
        noisy: Whether its cost figures were taken on a busy machine, or processes that measured them disagree.
        leakage: Whether the model may have been trained on what it is tested on.
        measure: Commands that measure what a constraint lacks.
    """

    model: str
    kind: str
    truncate_dim: int | None
    precision: Precision | None
    index: Kind | None
    shortlist: int | None
    shortlist_recall: float | None
    score: float
    ci_low: float | None
    ci_high: float | None
    bytes_per_vector: int | None
    hnsw_recall_at_10: Measure | None
    quantities: dict[Quantity, Measure]
    status: Status
    noisy: bool
    leakage: bool
    measure: list[str]


class Relaxation(_Part):
    """What another limit would give, all others kept.

    Attributes:
        limit: The new limit; None for none at all.
        view: The best view under it.
        gain: Its score less that of the answer; None where nothing fits.
        told_apart: Whether a paired test tells it from the answer, corrected by Holm for all relaxations; None where
            that could not be tested.
    """

    limit: float | None
    view: Choosable
    gain: float | None
    told_apart: bool | None


class Limit(_Part):
    """One constraint and what it costs.

    Attributes:
        name: As it was given, `max_storage`.
        quantity: What it limits.
        limit: In bytes, milliseconds, or a share or score.
        binds: Whether the answer would be better without it.
        broken_by: How many views break it, whatever the index.
        unknown_for: Of how many views it is not known whether they keep to it.
        step: The smallest loosening that admits a better view than the answer; None where no limit would.
        without: The answer without it; None where that is no better.
    """

    name: str
    quantity: Quantity
    limit: float
    binds: bool
    broken_by: int
    unknown_for: int
    step: Relaxation | None
    without: Relaxation | None


class Choice(_Part):
    """The answer to `bench choose`.

    Attributes:
        task: The task.
        split: Its split.
        subset: Its subset.
        metric: Its main metric.
        n: How many queries, pairs or items the scores are over.
        environment: Fingerprint of the environment of the cost figures; None where there are none.
        machine: What it is.
        environments: Further ones that costs of this task were measured in.
        corpus_size: How many documents costs are asked for; None for the task's own.
        documents: The task's own; None where it has none.
        views: How many views were considered.
        shortlists: How many shortlists that are ranked again were considered besides.
        accepted: How many of all these keep to the constraints as the best does.
        status: `fits`, `not known to fit` (no constraint is known to be broken, but what some need has yet to be
            measured) or `nothing fits`.
        best: The view with the best score that keeps to all constraints; None where nothing fits.
        other_index: The same view with the other index, where that keeps to them too.
        runners_up: Views that keep to them as the best does and cannot be told from it, best first; None where that
            could not be tested.
        cheapest: Of the best and these the one with the smallest storage; None where nothing fits.
        unproven: Views with a better score (any, where nothing fits) that may fit, but of which more is unknown, or
            nothing measures it.
        constraints: The constraints.
        top: The best view of all, whatever the constraints.
        closest: Where nothing fits, the view whose largest excess over a limit is the smallest.
        code: Python code that uses the best.
        notes: What else to know.
    """

    task: str
    split: str
    subset: str
    metric: str
    n: int
    environment: str | None
    machine: str | None
    environments: list[str]
    corpus_size: int | None
    documents: int | None
    views: int
    shortlists: int
    accepted: int
    status: Status
    best: Choosable | None
    other_index: Choosable | None
    runners_up: list[Choosable] | None
    cheapest: Choosable | None
    unproven: list[Choosable]
    constraints: list[Limit]
    top: Choosable
    closest: Choosable | None
    code: str | None
    notes: list[str]
