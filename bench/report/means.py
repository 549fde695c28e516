"""Means over a task's subsets, as MTEB ranks models on multilingual tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.report.rows import Table
from bench.views import View, sort_key


@dataclass(frozen=True)
class MeanRow:
    """One model at one view over a task's subsets.

    Attributes:
        model: Name.
        kind: Kind, with the mark of leakage.
        view: The view, None for a baseline.
        scores: Main score by subset, of those that it was scored on.
        mean: Unweighted mean over all subsets of the table; None where one is missing.
        headline: Whether it stands for its model: full width in float32, or a baseline.
    """

    model: str
    kind: str
    view: View | None
    scores: dict[str, float]
    mean: float | None
    headline: bool = False


@dataclass
class MeanTable:
    """The subsets of one task and split side by side.

    Attributes:
        task: The task's name.
        split: The split.
        metric: The main metric of all subsets.
        subsets: The subsets that have results.
        rows: Best mean first, models that lack a subset last, each model's views from wide to narrow.
    """

    task: str
    split: str
    metric: str
    subsets: list[str]
    rows: list[MeanRow] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What it shows, in words."""
        return f"{self.task} ({self.split}), mean over {len(self.subsets)} subsets"

    @property
    def best_mean(self) -> float | None:
        """The best mean, None where no model has one."""
        return max((row.mean for row in self.rows if row.mean is not None), default=None)


def make_means(tables: Sequence[Table]) -> list[MeanTable]:
    """A table of means for each task and split that has several subsets.

    Args:
        tables: Tables of task units; of those that differ in the environment alone, one is read.
    """
    groups: dict[tuple[str, str], dict[str, Table]] = {}
    for table in tables:
        task, split, subset = table.unit
        if table.best_score is not None:
            groups.setdefault((task, split), {})[subset] = table
    return [_mean_table(names, units) for names, units in groups.items() if len(units) > 1]


def _mean_table(names: tuple[str, str], units: dict[str, Table]) -> MeanTable:
    first = next(iter(units.values()))
    table = MeanTable(*names, first.metric, list(units))
    kinds: dict[str, str] = {}
    headlines: dict[tuple[str, View | None], bool] = {}
    scores: dict[tuple[str, View | None], dict[str, float]] = {}
    for subset, unit in units.items():
        # A mean over several metrics would be of nothing.
        for row in unit.rows if unit.metric == table.metric else []:
            if row.score is not None:
                kinds[row.model] = row.marked_kind
                headlines[row.model, row.view] = row.headline
                scores.setdefault((row.model, row.view), {})[subset] = row.score.value
    for (model, view), found in scores.items():
        # A mean over fewer subsets would be of another task.
        mean = sum(found.values()) / len(found) if len(found) == len(units) else None
        table.rows.append(MeanRow(model, kinds[model], view, found, mean, headlines[model, view]))
    top = dict.fromkeys(kinds, float("-inf"))
    for mean_row in table.rows:
        if mean_row.mean is not None:
            top[mean_row.model] = max(top[mean_row.model], mean_row.mean)
    table.rows.sort(key=lambda row: (-top[row.model], row.model, sort_key(row.view) if row.view else (0, 0)))
    return table
