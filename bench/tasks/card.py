"""Task cards: the YAML file that declares a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bench.config.names import HubId, PartName
from bench.errors import did_you_mean
from bench.metrics import PAIR_METRICS, RETRIEVAL_METRICS
from bench.statistics.margins import parse_margin
from bench.tasks.tables.section import Table

# `mteb` stands for every other type of the installed mteb, scored by its own evaluator.
TaskType = Literal["retrieval", "sts", "mteb"]
# What else a run finds out from a task's stored vectors.
StudyName = Literal["controls", "fidelity", "rerank"]
MAIN_METRICS = {"retrieval": "ndcg_at_10", "sts": "cosine_spearman"}
_METRICS = {"retrieval": RETRIEVAL_METRICS, "sts": PAIR_METRICS}
# What MTEB calls the types of tasks that bench scores itself.
MTEB_TYPES = {"retrieval": "Retrieval", "sts": "STS", "mteb": ""}
CARD_NAME = "task.yaml"

_Text = Annotated[str, StringConstraints(min_length=1)]
_Subset = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+ -]*$")]


class Instructions(BaseModel):
    """An instruction for queries and one for documents; an absent one is none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    query: str = ""
    document: str = ""


class TaskCard(BaseModel):
    """What a task is and where its data lies.

    Attributes:
        name: What tables call it.
        type: retrieval (queries, documents, judgements), sts (scored pairs) or mteb (see `mteb`).
        description: One sentence for people.
        path: Folder or file of the data, relative to the card; the card's own folder where no Hub data set is named.
        hub: Hub id of the data set, asked when neither $BENCH_DATA nor `path` has the data.
        revision: Branch, tag or commit of the Hub data set.
        mteb: The task of the installed mteb that this is: its data's layout, and its published numbers.
        folder: Name of the data's folder in $BENCH_DATA; the card's name by default.
        splits: Splits to score.
        subsets: Subsets to score, such as language pairs.
        language: ISO code, for people.
        licence: Licence of the data, for people.
        ignore_identical_ids: For retrieval, leave a document with the query's own id out (as MTEB does for ArguAna).
        allow_empty: Whether texts may be empty, however many.
        strip_html: Whether texts are read as plain text, without their HTML (bench.tasks.markup).
        strict: Whether oddities that MTEB tolerates are refused, however few, such as judged documents that the corpus
            lacks (beir.md).
        shown: Metrics that leaderboards show beside the main one.
        instruction: What models that take instructions are asked to do, for all inputs or by role; mteb's for the task
            by default.
        main_metric: The metric that ranks models; the type's own by default, which the type mteb does not have.
        max_loss: The margin: how much of the main metric may be lost, such as 0.01, or `2%` of the reference's score.
        studies: What a run finds out besides scores, unless its options say otherwise (controls.md, fidelity.md,
            rerank.md).
        labels: Files with further judgements, merged over the data's own; relative to the card.
        table: For data that are rows of a table: which columns of which files are the task.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: _Text
    type: TaskType
    description: str = ""
    path: Path = Field(default=Path(), strict=False)
    hub: HubId | None = None
    revision: _Text | None = None
    mteb: _Text | None = None
    folder: PartName | None = None
    splits: list[PartName] = Field(default=["test"], min_length=1)
    subsets: list[_Subset] | None = Field(default=None, min_length=1)
    language: str | None = None
    licence: str | None = None
    ignore_identical_ids: bool = False
    allow_empty: bool = False
    strip_html: bool = False
    strict: bool = False
    shown: list[_Text] = []
    instruction: str | Instructions | None = None
    main_metric: _Text | None = None
    max_loss: float | str | None = None
    studies: list[StudyName] = []
    labels: list[_Text] = []
    table: Table | None = None

    @field_validator("path")
    @classmethod
    def _possible(cls, path: Path) -> Path:
        if "\x00" in str(path):
            raise ValueError("a path cannot hold a NUL character")
        return path

    @field_validator("splits", "subsets", "shown", "studies", "labels")
    @classmethod
    def _unique(cls, values: list[str] | None) -> list[str] | None:
        for value in values or []:
            if (values or []).count(value) > 1:
                raise ValueError(f"`{value}` stands twice")
        return values

    @field_validator("main_metric", "shown")
    @classmethod
    def _computed(cls, value: str | list[str] | None, info: ValidationInfo) -> str | list[str] | None:
        known = _METRICS.get(info.data.get("type", ""))
        for name in [value] if isinstance(value, str) else value or []:
            # What mteb's evaluator computes is known once it has.
            if known is not None and name not in known:
                close = did_you_mean(name, known) or f"known: {', '.join(known)}"
                raise ValueError(f"no metric `{name}` of this type; {close}")
        return value

    @field_validator("max_loss")
    @classmethod
    def _margin(cls, value: float | str | None) -> str | None:
        return None if value is None else str(parse_margin(value))

    @model_validator(mode="after")
    def _whole(self) -> TaskCard:
        if self.revision is not None and self.hub is None:
            raise ValueError("`revision` is that of a Hub data set: `hub` is missing")
        if self.type == "mteb" and self.mteb is None:
            raise ValueError("a task of type mteb needs the key `mteb`: the task's name there")
        if self.type == "mteb" and self.main_metric is None:
            raise ValueError(
                "a task of type mteb needs the key `main_metric`: mteb's name of the metric that ranks models"
            )
        if self.type == "mteb" and self.studies:
            raise ValueError("a task of type mteb has no `studies`: its scores are mteb's own")
        if self.type == "mteb" and self.strip_html:
            raise ValueError("a task of type mteb has no `strip_html`: its texts are mteb's own")
        if self.type != "retrieval" and "rerank" in self.studies:
            raise ValueError(f"a task of type {self.type} has no documents to rank again, as the study `rerank` does")
        if self.labels and self.type != "retrieval":
            raise ValueError(f"a task of type {self.type} has no documents to label: `labels` is for retrieval")
        if self.labels and self.mteb is not None:
            raise ValueError(f"`labels` make it another task than mteb's {self.mteb}: remove `mteb`")
        if self.table is not None and self.type != self.table.task_type:
            raise ValueError(f"a table of shape {self.table.shape} makes a task of type {self.table.task_type}")
        return self
