"""The key `split` of a card's `table`: how the rows of one file become several splits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

TRAIN = "train"
TEST = "test"

SplitBy = Literal["row", "query", "time"]
_FOLD = "fold-"
_WITHOUT = "without-"


class Split(BaseModel):
    """Dividing the rows of `files.all` into splits.

    By row, they are put into the order of NumPy's `default_rng(seed).permutation`, as the library `datasets` shuffles
    and splits. With `rows`, that many are drawn in such an order first. By query, the groups of rows with the same
    query are put into such an order instead, so that no query is on two sides. By time, the latest rows are `test`.

    Attributes:
        by: What is kept apart: rows, queries, or what is later than an instant.
        rows: How many rows to draw; all by default.
        test: Share of the rows (by query, of the queries) that is the split `test`, rounded up; the others are `train`.
        seed: Seed of the orders.
        time: The column that says when a row was made.
        folds: How many folds queries are divided into: `test` is all of them, `fold-1` the first, and `without-fold-1`
            the rows of all others, to train with.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    by: SplitBy = "row"
    rows: int | None = Field(default=None, ge=2)
    test: float | None = Field(default=None, gt=0, lt=1)
    seed: int | None = Field(default=None, ge=0)
    time: Annotated[str, StringConstraints(min_length=1)] | None = None
    folds: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _whole(self) -> Split:
        needed = {"row": ("test", "seed"), "query": ("test", "seed"), "time": ("test", "time")}[self.by]
        allowed = {"row": ("test", "seed", "rows"), "query": ("test", "seed", "folds"), "time": ("test", "time")}
        if self.folds is not None:
            needed = ("folds", "seed")
        for name in ("rows", "test", "seed", "time", "folds"):
            given = getattr(self, name) is not None
            if given and name not in allowed[self.by]:
                raise ValueError(f"a split by {self.by} has no `{name}`")
            if given and self.folds is not None and name not in needed:
                raise ValueError(f"`folds` and `{name}` exclude each other: of folds, each is tested once")
            if not given and name in needed:
                raise ValueError(f"a split by {self.by} needs the key `{name}`")
        return self

    def fold_of(self, name: str) -> str | None:
        """The split whose queries a split is a fold of; None where it is no fold."""
        return TEST if self.folds is not None and name in self.names and name.startswith(_FOLD) else None

    @property
    def names(self) -> list[str]:
        """The splits that it makes."""
        if self.folds is None:
            return [TRAIN, TEST]
        folds = [fold_name(number) for number in range(1, self.folds + 1)]
        return [TEST, *folds, *map(without, folds)]


def fold_name(number: int) -> str:
    """The split of a fold, from 1."""
    return f"{_FOLD}{number}"


def without(fold: str) -> str:
    """The split to train with for a fold: the rows of all others."""
    return f"{_WITHOUT}{fold}"


def fold_left_out(split: str) -> str | None:
    """The fold that a split to train with leaves out; None of any other split."""
    return split.removeprefix(_WITHOUT) if split.startswith(f"{_WITHOUT}{_FOLD}") else None


def apart(one: str, other: str) -> bool:
    """Whether two splits of a task with folds have no query in common."""
    if one in {other, TEST} or other == TEST:
        return False
    left_out = {fold_left_out(one), fold_left_out(other)}
    return left_out == {None} or one in left_out or other in left_out


def is_training(split: str) -> bool:
    """Whether a split holds pairs to train with."""
    return split == TRAIN or fold_left_out(split) is not None
