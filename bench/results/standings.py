"""Where the models of a task unit stand: ranks, groups of no significant difference, and losses against one of them.

Every verdict on two models of one task unit comes from here, so that leaderboards and comparisons agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.results.claims import Loss, largest_loss, shown_losses
from bench.results.index import Cell, ResultIndex, UnitKey
from bench.results.items import ItemReader, as_columns, shared_clusters
from bench.statistics.clusters import cluster_sums
from bench.statistics.letters import group_letters
from bench.statistics.losses import LEVEL, equal_clusters, loss_bounds, unseen_loss
from bench.statistics.paired import holm, pairwise_p
from bench.views import View, sort_key

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """Where a model stands among the models of its task.

    Attributes:
        rank: One more than there are better scores.
        shared: Whether another model has the same score.
        group: Its letters: models that share one are not significantly different; empty where it was not tested.
        ties_best: Whether it is not significantly different from the best model, or is it; None where not tested.
    """

    rank: int
    shared: bool = False
    group: str = ""
    ties_best: bool | None = None


@dataclass(frozen=True)
class PairTests:
    """The paired t tests of pairs of models, corrected by Holm for the number of pairs.

    Attributes:
        p: P-values by pair, not corrected.
    """

    p: Mapping[Pair, float]

    def corrected(self, first: str, second: str, p: float | None = None) -> float:
        """The corrected p-value of a pair.

        Args:
            first: One model.
            second: The other.
            p: In place of the pair's own, such as that of the two models at other views.
        """
        key = make_pair(first, second)
        family = dict(self.p) if p is None else {**self.p, key: p}
        adjusted = holm(np.array([*family.values()]))
        return float(adjusted[[*family].index(key)])


@dataclass(frozen=True)
class Standings:
    """The models of a task unit.

    Attributes:
        metric: What they are ranked by; more is better.
        cells: The cell that stands for each model, best first.
        standings: Where each stands.
        tests: Of the pairs of models that could be tested.
        known: The models with items, in the order of values' columns.
        values: What each item contributes to each of their scores, shape (n, m).
        clusters: Of the items, shape (n,).
    """

    metric: str
    cells: Mapping[str, Cell]
    standings: Mapping[str, Standing] = field(default_factory=dict)
    tests: PairTests = field(default_factory=lambda: PairTests({}))
    known: tuple[str, ...] = ()
    values: Float64 | None = None
    clusters: Int64 | None = None

    @property
    def best(self) -> str | None:
        """The best model; of equal scores the first by name. None where there is none."""
        return next(iter(self.cells), None)

    @property
    def least_margin(self) -> float | None:
        """The largest margin that so few items cannot show, whatever the scores; None where there are no items."""
        if self.values is None:
            return None
        _, sizes = cluster_sums(self.values[:, :1], self.clusters)
        return unseen_loss(equal_clusters(sizes), largest_loss(self.metric))

    def losses(self, reference: str, margin: float) -> dict[str, Loss]:
        """What the other models lose against one of them, bounds that hold for all of them together.

        Args:
            reference: Name of a model.
            margin: The loss that is allowed.

        Returns:
            By model; empty where that was not tested.
        """
        others = [name for name in self.known if name != reference]
        if self.values is None or reference not in self.known or not others:
            return {}
        columns = [self.known.index(name) for name in (reference, *others)]
        losses = self.values[:, columns[:1]] - self.values[:, columns[1:]]
        most = largest_loss(self.metric)
        if self.cells[reference].record.task.type != "sts" and np.abs(losses).max() > most:
            return {}
        corrected = self._corrected()
        differs = [corrected.get(make_pair(reference, name), 1.0) <= LEVEL for name in others]
        bounds = loss_bounds(losses, self.clusters, most=most)
        return dict(zip(others, shown_losses(bounds, margin, differs), strict=True))

    def _corrected(self) -> dict[Pair, float]:
        return dict(zip(self.tests.p, holm(np.array([*self.tests.p.values()])).tolist(), strict=True))


def make_pair(first: str, second: str) -> Pair:
    """The key of a pair of models, whichever comes first."""
    return (first, second) if first <= second else (second, first)


def headline_view(views: Collection[View | None], width: int | None) -> View | None:
    """The view that stands for a model: full width in float32; without its score the widest that was scored.

    Args:
        views: Those that were scored, at least one; a baseline's is None.
        width: The model's width.
    """
    full = View(width, "float32") if width else None
    return full if full in views else min(views, key=lambda view: sort_key(view) if view else (0, 0))


def unit_standings(index: ResultIndex, unit: UnitKey, metric: str, reader: ItemReader) -> Standings:
    """The standings of a task unit by a metric; superseded results are left out. Errors as rank_models."""
    current = (cell for (_, _, of, _, _), cell in index.cells.items() if of == unit)
    return rank_models((cell for cell in current if not index.superseded(cell.record)), metric, reader)


def place(scores: Mapping[str, float]) -> dict[str, Standing]:
    """Ranks by the score alone, by model; more is better."""
    ordered = np.sort([*scores.values()])
    above = {name: len(ordered) - int(np.searchsorted(ordered, score, side="right")) for name, score in scores.items()}
    return {name: Standing(above[name] + 1, shared=int((ordered == score).sum()) > 1) for name, score in scores.items()}


def rank_models(cells: Iterable[Cell], metric: str, reader: ItemReader | None) -> Standings:
    """Rank the models of one task unit by a metric.

    Args:
        cells: Their cells at all views; those without the metric are left out.
        metric: The metric; more is better.
        reader: Reads their items; without one nothing is tested.

    Raises:
        BenchError: Tables of items cannot be read, or are not of the same items.
    """
    by_model: dict[str, dict[View | None, Cell]] = {}
    for cell in cells:
        if metric in cell.scores.metrics:
            by_model.setdefault(cell.record.model.name, {})[cell.scores.view] = cell
    chosen = {
        name: views[headline_view(views, next(iter(views.values())).record.model.width)]
        for name, views in by_model.items()
    }
    scores = {name: cell.scores.metrics[metric].value for name, cell in chosen.items()}
    chosen = {name: chosen[name] for name in sorted(chosen, key=lambda name: (-scores[name], name))}
    found = Standings(metric, chosen, place({name: scores[name] for name in chosen}))
    return found if reader is None else _tested(found, reader)


def _tested(found: Standings, reader: ItemReader) -> Standings:
    """Standings with the tests of all pairs of models that can be tested."""
    items = {name: reader.read(cell, found.metric) for name, cell in found.cells.items()}
    known = {name: of_model for name, of_model in items.items() if of_model is not None}
    if not known:
        return found
    values, clusters = as_columns([*known.values()]), shared_clusters([*known.values()])
    # A single observation tells nothing of what differences are worth.
    if clusters.max(initial=0) == 0:
        return found
    names, p = tuple(known), pairwise_p(values, clusters)
    places = [(first, second) for first in range(len(names)) for second in range(first + 1, len(names))]
    tests = PairTests({make_pair(names[first], names[second]): float(p[first, second]) for first, second in places})
    tested = Standings(found.metric, found.cells, found.standings, tests, names, values, clusters)
    same = np.ones(p.shape, dtype=bool)
    for (first, second), corrected in zip(places, tested._corrected().values(), strict=True):
        same[first, second] = same[second, first] = corrected > LEVEL
    placed = dict(found.standings)
    ties = same[names.index(found.best)] if found.best in known else None
    for at, (name, letters) in enumerate(zip(names, group_letters(same), strict=True)):
        of_best = None if ties is None else bool(ties[at])
        placed[name] = Standing(placed[name].rank, placed[name].shared, letters, of_best)
    return Standings(found.metric, found.cells, placed, tests, names, values, clusters)
