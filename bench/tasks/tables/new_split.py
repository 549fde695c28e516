"""The `split` of a card that is being made: what `bench tasks add` is asked to divide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.errors import UsageError
from bench.tasks.tables.section import ALL, Shape
from bench.tasks.tables.split import TEST, TRAIN, Split

TEST_SHARE = 0.3
SEED = 0
_OPTIONS = {"test": "--test-share", "time": "--time-column", "folds": "--folds", "seed": "--seed"}


def asked_split(
    by: str | None, share: float | None, time: str | None, folds: int | None, seed: int | None
) -> Split | None:
    """The split that options ask for; None where they ask for none.

    Args:
        by: row, query or time; by default what the other options go with.
        share: Share of the rows or queries to test.
        time: The column that says when a row was made.
        folds: Number of folds.
        seed: What the order is drawn by.

    Raises:
        UsageError: The options do not go together.
    """
    given = {"test": share, "time": time, "folds": folds, "seed": seed}
    said = {name: value for name, value in given.items() if value is not None}
    if by is None:
        by = "time" if time is not None else "query" if folds is not None else None
    if by is None:
        if said:
            raise UsageError(f"{_OPTIONS[next(iter(said))]} goes with --split-by", hint="--split-by query, time or row")
        return None
    if by == "time" and time is None:
        raise UsageError("--split-by time needs --time-column", hint="name the column that says when a row was made")
    usual = {} if folds is not None else {"test": TEST_SHARE}
    usual |= {} if by == "time" else {"seed": SEED}
    try:
        return Split.model_validate({"by": by, **usual, **said})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        option = _OPTIONS.get(str(fault["loc"][0]), "--split-by") if fault["loc"] else "--split-by"
        raise UsageError(f"{option}: {fault['msg'].removeprefix('Value error, ')}") from error


def undivided(data: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The files of a table that is to be divided.

    Args:
        data: The file or folder.
        files: The name or pattern of the files of each split that was found.

    Raises:
        UsageError: There are several splits already.
    """
    if len(files) > 1:
        raise UsageError(
            f"it is divided already: {', '.join(f'{split} ({name})' for split, name in files.items())}",
            where=str(data),
            hint="leave --split-by out to use these splits, or name the one file to divide",
        )
    return dict.fromkeys([ALL], next(iter(files.values())))


def split_section(split: Split, shape: Shape) -> dict[str, Any]:
    """The keys of `table` that divide it; documents of rows to train with are searched too, as they will be in use."""
    keys: dict[str, Any] = {"split": split.model_dump(exclude_none=True)}
    if shape != "pairs" and split.by != "row" and split.folds is None:
        keys["corpus"] = [TRAIN, TEST]
    return keys
