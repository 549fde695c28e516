"""Task cards: the YAML file that declares a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

# `mteb` stands for every other type of the installed mteb, scored by its own evaluator.
TaskType = Literal["retrieval", "sts", "mteb"]
MAIN_METRICS = {"retrieval": "ndcg_at_10", "sts": "cosine_spearman"}
CARD_NAME = "task.yaml"

_Text = Annotated[str, StringConstraints(min_length=1)]
_Part = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class TaskCard(BaseModel):
    """What a task is and where its data lies.

    Attributes:
        name: What tables call it.
        type: retrieval (a BEIR folder) or sts (files of scored pairs).
        description: One sentence for people.
        path: Folder or file of the data, relative to the card; the card's own folder by default.
        splits: Splits to score.
        subsets: For sts, subsets to score (files <subset>.jsonl of a task that has no splits).
        language: ISO code, for people.
        licence: Licence of the data, for people.
        ignore_identical_ids: For retrieval, leave a document with the query's own id out (as MTEB does for ArguAna).
        allow_empty: Whether texts may be empty.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: _Text
    type: TaskType
    description: str = ""
    path: Path = Field(default=Path(), strict=False)
    splits: list[_Part] = Field(default=["test"], min_length=1)
    subsets: list[_Part] | None = Field(default=None, min_length=1)
    language: str | None = None
    licence: str | None = None
    ignore_identical_ids: bool = False
    allow_empty: bool = False

    @field_validator("path")
    @classmethod
    def _possible(cls, path: Path) -> Path:
        if "\x00" in str(path):
            raise ValueError("a path cannot hold a NUL character")
        return path

    @field_validator("splits", "subsets")
    @classmethod
    def _unique(cls, values: list[str] | None) -> list[str] | None:
        for value in values or []:
            if (values or []).count(value) > 1:
                raise ValueError(f"`{value}` stands twice")
        return values
