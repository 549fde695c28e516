"""What the scores of a task unit lose: models against the best one, views against their own model's full width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.results.claims import Loss, largest_loss, loss_alone, unit_margin
from bench.results.index import Cell
from bench.results.items import ItemReader
from bench.results.schema import TaskInfo
from bench.results.standings import Standing, Standings, rank_models
from bench.statistics.losses import unseen_needed
from bench.statistics.margins import Margin
from bench.views import View

_Key = tuple[str, View | None]


@dataclass(frozen=True)
class UnitLosses:
    """The standings and losses of one task unit.

    Attributes:
        margin: How much may be lost.
        standings: Where the models stand.
        losses: By model and view.
        limit: What the margin is of the best model's score.
        needed: How many independent items exclude a loss of the margin when none of them loses anything; None where
            there is no such number.
    """

    margin: Margin
    standings: Standings
    losses: Mapping[_Key, Loss]
    limit: float
    needed: int | None

    @property
    def too_few(self) -> bool:
        """Whether the items are too few to show the margin, whatever the scores."""
        least = self.standings.least_margin
        return least is not None and least >= self.limit

    def standing(self, cell: Cell) -> Standing | None:
        """Where a model stands, of the cell that stands for it; None of its other cells."""
        name = cell.record.model.name
        stands = self.standings.cells.get(name)
        return self.standings.standings[name] if stands is not None and stands.scores.view == cell.scores.view else None

    def loss(self, cell: Cell) -> Loss | None:
        """What a cell loses."""
        return self.losses.get((cell.record.model.name, cell.scores.view))


def unit_losses(
    task: TaskInfo, cells: Sequence[Cell], reader: ItemReader | None, max_loss: Margin | None = None
) -> UnitLosses:
    """The standings and losses of one task unit.

    Models are one family against the best model. Each view is on its own against its model's full width, so that its
    verdict does not depend on how many other views were scored.

    Args:
        task: The task unit.
        cells: Its cells.
        reader: Reads their items; without one nothing is tested.
        max_loss: The margin asked for.

    Raises:
        BenchError: Tables of items cannot be read, or are not of the same items.
    """
    metric, margin = task.main_metric, unit_margin(task, max_loss)
    standings = rank_models(cells, metric, reader)
    losses: dict[_Key, Loss] = {}
    limit = 0.0
    if standings.best is not None:
        limit = margin.absolute(_score(standings.cells[standings.best], metric))
        of_models = standings.losses(standings.best, limit)
        losses |= {(name, standings.cells[name].scores.view): loss for name, loss in of_models.items()}
    for cell in cells:
        full = standings.cells[cell.record.model.name]
        if reader is not None and cell.scores.view != full.scores.view:
            found = loss_alone(full, cell, metric, reader, margin.absolute(_score(full, metric)))
            losses |= {(cell.record.model.name, cell.scores.view): found} if found else {}
    needed = unseen_needed(limit, largest_loss(metric)) if limit > 0 else None
    return UnitLosses(margin, standings, losses, limit, needed)


def _score(cell: Cell, metric: str) -> float:
    return cell.scores.metrics[metric].value
