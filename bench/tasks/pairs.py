"""Reading an sts task from JSON Lines or CSV: sentence1, sentence2, score."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.files import read_jsonl, read_text
from bench.tasks.data import PairData, pair_ids

SUFFIXES = (".jsonl", ".csv")
_COLUMNS = ("sentence1", "sentence2", "score")


def read_pairs(path: Path, *, allow_empty: bool = False) -> PairData:
    """Read one file of scored pairs.

    Raises:
        BenchError: A line is broken, a column is missing, a text is empty, a score is no number, or the
            scores are all the same (no correlation is defined then).
    """
    first, second, gold = [], [], []
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        texts = []
        for column in _COLUMNS[:2]:
            text = row.get(column)
            if not isinstance(text, str):
                raise BenchError(f"the key `{column}` is missing or not a string", where=where)
            if not text.strip() and not allow_empty:
                raise BenchError(
                    f"`{column}` is empty",
                    where=where,
                    hint="give it a text, remove the line, or set `allow_empty: true` in the task card",
                )
            texts.append(text)
        first.append(texts[0])
        second.append(texts[1])
        gold.append(read_number(row.get("score"), "score", where))
    return make_pairs(first, second, gold, str(path))


def make_pairs(first: list[str], second: list[str], gold: list[float], where: str) -> PairData:
    """Scored pairs as data.

    Args:
        first: First sentences.
        second: Second sentences.
        gold: Gold scores.
        where: What they were read from, for messages.

    Raises:
        BenchError: There are fewer than two, or the scores are all the same (no correlation is defined then).
    """
    if len(gold) < 2:
        raise BenchError(f"{len(gold)} pairs; a correlation needs at least 2", where=where)
    if len(set(gold)) == 1:
        raise BenchError(
            f"every score is {gold[0]:g}: no correlation is defined", where=where, hint="check the column `score`"
        )
    return PairData(pair_ids(first, second, gold), first, second, np.array(gold, dtype=np.float64))


def read_number(value: Any, what: str, where: str) -> float:
    """A cell as a finite number.

    Args:
        value: The cell.
        what: What messages call it.
        where: Its place.

    Raises:
        BenchError: It is none.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BenchError(f"the {what} {str(value)[:40]!r} is not a number", where=where)
    return number


def is_number(text: str) -> bool:
    """Whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".jsonl":
        yield from read_jsonl(path)
        return
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        columns = reader.fieldnames or []
        missing = [column for column in _COLUMNS if column not in columns]
        if missing:
            raise BenchError(
                f"the column `{missing[0]}` is missing",
                where=f"{path}, line 1",
                hint=f"columns found: {', '.join(columns)[:200] or 'none'}",
            )
        for row in reader:
            if None in row:
                raise BenchError(
                    f"more cells than the {len(columns)} columns of the heading",
                    where=f"{path}, line {reader.line_num}",
                    hint='put texts that hold commas into quotes: "a, b"',
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise BenchError(f"broken CSV: {error}", where=f"{path}, line {reader.line_num + 1}") from error
