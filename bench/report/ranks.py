"""Ranks that carry their uncertainty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.results.index import Cell
from bench.results.items import ItemReader, as_columns, shared_clusters
from bench.statistics.paired import indistinguishable


@dataclass(frozen=True)
class Standing:
    """Where a cell stands among the cells of its task.

    Attributes:
        rank: 1 for the best and for what cannot be told from it; of the others one more than there are better scores.
        ties_best: Whether it cannot be told from the best, or is it; None where that could not be tested.
    """

    rank: int
    ties_best: bool | None


def standings(cells: Sequence[Cell], metric: str, reader: ItemReader) -> list[Standing]:
    """Rank cells of one task unit by a metric, each compared with the best by a paired test over its items.

    The tests are corrected by Holm for the number of cells (bench.statistics.paired).

    Args:
        cells: The cells; all are of the same data.
        metric: The metric that they are ranked by; more is better.
        reader: Reads their items.

    Returns:
        One standing a cell, in their order.
    """
    scores = np.array([cell.record.views[cell.position].metrics[metric].value for cell in cells])
    items = [reader.read(cell, metric) for cell in cells]
    known = [found for found in items if found is not None]
    tied: list[bool | None] = [None] * len(cells)
    if known and len(known) == len(items):
        values, clusters = as_columns(known), shared_clusters(known)
        # A single observation tells nothing of what differences are worth.
        if clusters.max() > 0:
            tied = list(map(bool, indistinguishable(scores, values, clusters)))
    return place(scores, tied)


def place(scores: Sequence[float] | npt.NDArray[np.float64], ties_best: Sequence[bool | None]) -> list[Standing]:
    """Rank scores, given which of them cannot be told from the best.

    Args:
        scores: More is better, shape (n,).
        ties_best: Of each score (see Standing), shape (n,).
    """
    better = len(scores) - np.searchsorted(np.sort(scores), scores, side="right")
    return [Standing(1 if same else int(above) + 1, same) for same, above in zip(ties_best, better, strict=True)]


def shared_ranks(placed: Iterable[Standing | None]) -> set[int]:
    """The ranks that several have."""
    count = Counter(standing.rank for standing in placed if standing is not None)
    return {rank for rank, times in count.items() if times > 1}
