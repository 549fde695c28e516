"""How a model is made from another by training: the section `recipe` of an entry (docs/training.md)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from bench.config.names import HubId, PartName, inner_name

Shape = Literal["pairs", "triplets", "scored-pairs", "labelled-pairs"]
LossName = Literal[
    "MultipleNegativesRanking",
    "CachedMultipleNegativesRanking",
    "CoSENT",
    "AnglE",
    "CosineSimilarity",
    "Triplet",
    "Contrastive",
]

DEFAULT_LOSS: dict[Shape, LossName] = {
    "pairs": "MultipleNegativesRanking",
    "triplets": "MultipleNegativesRanking",
    "scored-pairs": "CoSENT",
    "labelled-pairs": "Contrastive",
}
LOSSES: dict[Shape, tuple[LossName, ...]] = {
    "pairs": ("MultipleNegativesRanking", "CachedMultipleNegativesRanking"),
    "triplets": ("MultipleNegativesRanking", "CachedMultipleNegativesRanking", "Triplet"),
    "scored-pairs": ("CoSENT", "AnglE", "CosineSimilarity"),
    "labelled-pairs": ("Contrastive", "CoSENT", "AnglE", "CosineSimilarity"),
}
CACHED: tuple[LossName, ...] = ("CachedMultipleNegativesRanking",)

# What the columns of each shape hold, in the order in which losses take them.
ROLES: dict[Shape, tuple[str, ...]] = {
    "pairs": ("query", "positive"),
    "triplets": ("query", "positive", "negative"),
    "scored-pairs": ("sentence1", "sentence2", "score"),
    "labelled-pairs": ("sentence1", "sentence2", "label"),
}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_data(value: Any) -> Any:
    """One data set is a list of one; a name is a task's."""
    values = value if isinstance(value, list) else [value]
    return [{"task": item} if isinstance(item, str) else item for item in values]


_Text = Annotated[str, StringConstraints(min_length=1)]
_Texts = Annotated[list[_Text], BeforeValidator(_listed), Field(min_length=1)]
_Positive = Annotated[int, Field(gt=0)]
_Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TrainingData(_Strict):
    """One data set to train on.

    Attributes:
        task: Name of a task, or a path to one: its queries with their relevant documents, or its scored pairs.
        split: The task's split.
        subset: The task's subset; by default the data without one.
        files: Names or glob patterns of files, from the registry's folder or $BENCH_DATA, or of the Hub data set.
        hub: Hub id of the data set that the files belong to.
        revision: Branch, tag or commit of the Hub data set.
        folder: Name of the Hub data set's folder in $BENCH_DATA; the repository's name by default.
        shape: What a row of the files is.
        columns: Which column of the files holds what, where it has another name.
        score_range: Scores of the files or the task that mean least and most similar; they are mapped to 0 and 1.
        loss: Instead of the recipe's.
        weight: Its share of the batches, relative to the other data sets' weights.
        limit: Rows to take, the first ones; all by default.
    """

    task: _Text | None = None
    split: _Text = "train"
    subset: _Text | None = None
    files: _Texts | None = None
    hub: HubId | None = None
    revision: _Text | None = None
    folder: PartName | None = None
    shape: Shape | None = None
    columns: dict[str, _Texts] = {}
    score_range: list[float] | None = Field(default=None, min_length=2, max_length=2)
    loss: LossName | None = None
    weight: _Weight | None = None
    limit: _Positive | None = None

    @model_validator(mode="after")
    def _whole(self) -> TrainingData:
        if (self.task is None) == (self.files is None):
            raise ValueError("name either a `task` or `files`")
        if self.task is not None:
            of_files = [name for name in ("hub", "shape", "columns") if name in self.model_fields_set]
            if of_files:
                raise ValueError(f"`{of_files[0]}` goes with `files`; a task says itself what it holds")
            return self
        if self.shape is None:
            raise ValueError(f"`files` need a `shape`: {', '.join(ROLES)}")
        of_tasks = [name for name in ("split", "subset") if name in self.model_fields_set]
        if of_tasks:
            raise ValueError(f"`{of_tasks[0]}` goes with `task`; name the files of the split in `files`")
        unknown = [role for role in self.columns if role not in ROLES[self.shape]]
        if unknown:
            raise ValueError(
                f"the shape {self.shape} has no column `{unknown[0]}`; it has {', '.join(ROLES[self.shape])}"
            )
        return self

    @model_validator(mode="after")
    def _of_hub(self) -> TrainingData:
        if self.hub is None:
            unused = [name for name in ("revision", "folder") if name in self.model_fields_set]
            if unused:
                raise ValueError(f"`{unused[0]}` is that of a Hub data set: `hub` is missing")
            return self
        for name in self.files or []:
            try:
                inner_name(name)
            except ValueError as error:
                raise ValueError(f"`files`: {name} {error}") from error
        return self

    @model_validator(mode="after")
    def _range(self) -> TrainingData:
        if self.score_range is not None and self.score_range[0] >= self.score_range[1]:
            raise ValueError("`score_range` is [least, most], for instance [0, 5]")
        return self

    @property
    def label(self) -> str:
        """What messages and tables call it."""
        if self.task is None:
            names = ", ".join(self.files or [])
            return f"{self.hub}: {names}" if self.hub else names
        subset = f" {self.subset}" if self.subset else ""
        return f"{self.task}{subset} ({self.split})"


class Matryoshka(_Strict):
    """Applying the loss at several dimensions at once.

    Attributes:
        dims: The dimensions, descending.
        weights: The weight of the loss at each; 1 by default.
        dims_per_step: How many of them, drawn anew each step; all by default.
        adaptive_layers: Whether to apply it at a drawn earlier layer too (two-dimensional Matryoshka).
    """

    dims: list[_Positive] = Field(min_length=1)
    weights: list[_Weight] | None = None
    dims_per_step: _Positive | None = None
    adaptive_layers: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Matryoshka:
        if any(wide <= narrow for wide, narrow in pairwise(self.dims)):
            raise ValueError(f"`dims` must descend, as in {sorted(set(self.dims), reverse=True)}")
        if self.weights is not None and len(self.weights) != len(self.dims):
            raise ValueError(f"{len(self.weights)} weights for {len(self.dims)} dims")
        if self.dims_per_step is not None and self.dims_per_step > len(self.dims):
            raise ValueError(f"dims_per_step is {self.dims_per_step}, but there are {len(self.dims)} dims")
        return self


class Evaluation(_Strict):
    """Choosing the best checkpoint while training.

    Attributes:
        task: Name of a task, or a path to one.
        split: Its split.
        subset: Its subset; by default the data without one.
        metric: What is looked at; by default the task's main metric.
        dim: At how many leading dimensions; the full width by default.
        every: Steps between two evaluations; by default one an epoch.
        patience: Evaluations without a new best after which training ends; never by default.
    """

    task: _Text
    split: _Text = "dev"
    subset: _Text | None = None
    metric: _Text | None = None
    dim: _Positive | None = None
    every: _Positive | None = None
    patience: _Positive | None = None


class Recipe(_Strict):
    """What is trained, on what, and how.

    Attributes:
        base: The model to start from: the name of another entry, or a source as in `source`, or several of them.
        data: The data sets: names of tasks, or mappings.
        loss: The loss; by default it follows from the shape of the data.
        matryoshka: Dimensions that the loss is applied at.
        epochs: Passes over the data; part of one is allowed.
        batch_size: Rows a step.
        mini_batch_size: Rows that a cached loss has in memory at once.
        learning_rate: The highest learning rate.
        warmup: Share of the steps during which the learning rate rises.
        scheduler: How it falls after that.
        max_seq_length: Tokens a text is cut to, in training and after; the base's own by default.
        sampler: `no-duplicates`: no text stands twice in a batch, where it would be its own wrong answer; `random`.
        seed: Seed of everything that is drawn.
        precision: Type that is computed in; weights stay float32.
        evaluate: How the best checkpoint is found; without it the last one counts.
        limit: Rows to take of each data set that does not say it itself, the first ones.
        allow_leakage: Whether training on what a chosen task tests is allowed; leaderboards mark the model then.
        folds: Whether to train a model for each fold of a task that has folds, without the rows of that fold.
    """

    base: _Texts
    data: Annotated[list[TrainingData], BeforeValidator(_as_data), Field(min_length=1)]
    loss: LossName | None = None
    matryoshka: Matryoshka | None = None
    epochs: float = Field(default=1, gt=0, allow_inf_nan=False)
    batch_size: int = Field(default=16, gt=0)
    mini_batch_size: _Positive | None = None
    learning_rate: float = Field(default=5e-5, gt=0, allow_inf_nan=False)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    scheduler: Literal["linear", "cosine", "constant"] = "linear"
    max_seq_length: _Positive | None = None
    sampler: Literal["no-duplicates", "random"] = "no-duplicates"
    seed: int = Field(default=42, ge=0, lt=2**32)
    precision: Literal["fp32", "bf16"] = "fp32"
    evaluate: Evaluation | None = None
    limit: _Positive | None = None
    allow_leakage: bool = False
    folds: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Recipe:
        weighted = [data.weight is not None for data in self.data]
        if any(weighted) and not all(weighted):
            raise ValueError("give every data set a `weight`, or none")
        losses = {data.loss or self.loss for data in self.data}
        cached = any(loss in CACHED for loss in losses)
        if cached and self.matryoshka is not None and self.matryoshka.adaptive_layers:
            raise ValueError("`adaptive_layers` does not go with a cached loss; use MultipleNegativesRanking")
        if self.mini_batch_size is not None and not cached:
            raise ValueError("`mini_batch_size` belongs to the loss CachedMultipleNegativesRanking")
        return self
