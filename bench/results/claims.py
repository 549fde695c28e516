"""What cells of one task unit lose against one of them, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.results.common import TaskInfo
from bench.results.index import Cell, RerankCell
from bench.results.items import ItemReader, as_columns, shared_clusters
from bench.statistics.losses import LossBounds, loss_bounds
from bench.statistics.margins import DEFAULT_MARGIN, Margin, parse_margin

# Ends of names of metrics that lie between -1 and 1; the others lie between 0 and 1.
_SIGNED = ("spearman", "pearson", "p-MRR")


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
    items = [reader.read(cell, metric) for cell in (reference, *others)]
    known = [found for found in items if found is not None]
    if len(known) < len(items):
        return None
    values, most = as_columns(known), largest_loss(metric)
    losses = values[:, :1] - values[:, 1:]
    if reference.record.task.type != "sts" and np.abs(losses).max() > most:
        return None
    return loss_bounds(losses, shared_clusters(known), most=most, together=together)
