"""What cells of one task unit lose against one of them, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.results.common import TaskInfo
from bench.results.index import Cell, RerankCell
from bench.results.items import ItemReader, as_columns, shared_clusters
from bench.statistics.losses import LEVEL, Claim, LossBounds, loss_bounds
from bench.statistics.margins import DEFAULT_MARGIN, Margin, parse_margin
from bench.statistics.paired import paired_test

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Ends of names of metrics that lie between -1 and 1; the others lie between 0 and 1.
_SIGNED = ("spearman", "pearson", "p-MRR")


@dataclass(frozen=True)
class Loss:
    """What a score loses against a reference.

    Attributes:
        mean: The reference's score less this one.
        low: The true loss is at least this; wrong in at most 5% of samples, and at most 0 where the two scores are not
            significantly different.
        high: The true loss is at most this, likewise.
        margin: The loss that is allowed.
        claim: What is shown of the loss.
        needed: How many independent items would show that at most the margin is lost; None where no number would, or
            it is not known: these are as many, and not enough.
    """

    mean: float
    low: float
    high: float
    margin: float
    claim: Claim
    needed: int | None


def unit_margin(task: TaskInfo, asked: Margin | None = None) -> Margin:
    """The margin of a task unit: the one asked for, else its newest record's, else 0.01 of the main metric.

    Args:
        task: The task unit, of its newest record.
        asked: What the command line asked for.
    """
    if asked is not None:
        return asked
    return DEFAULT_MARGIN if task.max_loss is None else parse_margin(task.max_loss)


def largest_loss(metric: str) -> float:
    """The range of a metric, which is the most that an item can lose.

    Of a correlation it is 2: pairs that are as spread as all others, and on which 1 becomes -1, lose 2 times their
    share. What one pair contributes to a correlation has no such bound.
    """
    return 2.0 if metric.endswith(_SIGNED) else 1.0


def losses_against(
    reference: Cell | RerankCell,
    others: Sequence[Cell | RerankCell],
    metric: str,
    reader: ItemReader,
    *,
    together: bool,
) -> LossBounds | None:
    """What cells lose against a reference, item by item.

    Args:
        reference: What they are compared with.
        others: At least one cell of the same task unit and data.
        metric: The metric, of which more is better.
        reader: Reads their items.
        together: Whether the 5% hold for all of them together, or for each alone; alone, a cell's bounds do not depend
            on the others (bench.statistics.losses).

    Returns:
        Bounds, a column a cell; None where a score is no mean of items within the metric's range.

    Raises:
        BenchError: Tables of items cannot be read, or are not of the same items.
    """
    found = _read(reference, others, metric, reader)
    return None if found is None else loss_bounds(*found, most=largest_loss(metric), together=together)


def loss_alone(
    reference: Cell, other: Cell, metric: str, reader: ItemReader, margin: float, *, differs: bool | None = None
) -> Loss | None:
    """What one cell loses against another, whatever else was scored.

    Args:
        reference: As in losses_against, and so are None and errors.
        other: The other cell.
        metric: As in losses_against.
        reader: As in losses_against.
        margin: The loss that is allowed.
        differs: Whether the two differ significantly; by their own paired test where not given.
    """
    found = _read(reference, [other], metric, reader)
    if found is None:
        return None
    apart = bool(paired_test(*found).p[0] <= LEVEL) if differs is None else differs
    return shown_losses(loss_bounds(*found, most=largest_loss(metric)), margin, [apart])[0]


def shown_losses(bounds: LossBounds, margin: float, differs: Sequence[bool]) -> list[Loss]:
    """What is shown of each loss.

    Args:
        bounds: The losses.
        margin: The loss that is allowed.
        differs: Whether each score differs significantly from the reference's. Where it does not, the lower bound is
            taken down to 0, so that no two verdicts on a pair contradict each other.
    """
    low = np.where(differs, bounds.low, np.minimum(bounds.low, 0.0))
    bounds = replace(bounds, low=low)
    columns = bounds.mean.tolist(), low.tolist(), bounds.high.tolist(), bounds.claims(margin), bounds.needed(margin)
    return [
        Loss(mean, below, above, margin, claim, needed if needed is not None and needed > bounds.clusters else None)
        for mean, below, above, claim, needed in zip(*columns, strict=True)
    ]


def _read(
    reference: Cell | RerankCell, others: Sequence[Cell | RerankCell], metric: str, reader: ItemReader
) -> tuple[Float64, Int64] | None:
    """The losses of all items and their clusters; None where a score is no mean of items within the metric's range."""
    items = [reader.read(cell, metric) for cell in (reference, *others)]
    known = [found for found in items if found is not None]
    if len(known) < len(items):
        return None
    values = as_columns(known)
    losses = values[:, :1] - values[:, 1:]
    # What a pair contributes to a correlation has no bound.
    if reference.record.task.type != "sts" and np.abs(losses).max() > largest_loss(metric):
        return None
    return losses, shared_clusters(known)
