"""One row a model over all tasks: its score and rank on each, and means over tasks that can be averaged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.report.means import MeanTable
from bench.report.rows import Row, Table
from bench.results.index import UnitKey
from bench.results.standings import Standing, place
from bench.views import View


@dataclass(frozen=True)
class SummaryCell:
    """What one model has on one task.

    Attributes:
        score: Main score; None where subsets are missing.
        standing: Among the models of the column; None where there is no score.
        missing: How many of the task's subsets were not scored.
        view: The view of the score where it is not the full width in float32, which was not scored.
    """

    score: float | None
    standing: Standing | None = None
    missing: int = 0
    view: View | None = None


@dataclass(frozen=True)
class SummaryColumn:
    """One task and split.

    Attributes:
        task: Name.
        split: Split.
        subset: Subset; None where it is the mean over several.
        metric: Main metric.
        subsets: How many subsets it is over.
        weakened: Whether an audit of its data found what makes scores worth less.
        cells: By model.
    """

    task: str
    split: str
    subset: str | None
    metric: str
    subsets: int
    weakened: bool
    cells: dict[str, SummaryCell] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is of, in words."""
        name = self.task if self.subset in {None, "default"} else f"{self.task} {self.subset}"
        inside = self.split if self.subset is not None else f"{self.split}, mean over {self.subsets} subsets"
        return f"{name} ({inside})"

    @property
    def best(self) -> float | None:
        """The best score."""
        return max((cell.score for cell in self.cells.values() if cell.score is not None), default=None)


@dataclass(frozen=True)
class GroupMean:
    """The unweighted mean over all columns of one metric and split.

    Attributes:
        metric: Main metric.
        split: Split.
        columns: What it is over.
        values: By model; a model that lacks a column is not there.
    """

    metric: str
    split: str
    columns: list[SummaryColumn]
    values: dict[str, float]

    def lacking(self, model: str) -> int:
        """How many of the columns a model has no score in."""
        return sum(score_of(column, model) is None for column in self.columns)


@dataclass(frozen=True)
class Summary:
    """The table over all tasks.

    Attributes:
        means: Of groups of two columns or more.
        columns: One a task and split.
        rows: The row that stands for each model, best first: by the first mean, or where there is none the first
            column, and models that have none of these by the next.
    """

    means: list[GroupMean]
    columns: list[SummaryColumn]
    rows: dict[str, Row]


def make_summary(units: Mapping[UnitKey, Sequence[Table]], means: Sequence[MeanTable]) -> Summary:
    """The summary of all task units.

    Args:
        units: The tables of each task unit, one an environment; scores are the same in all of them.
        means: Means over subsets.
    """
    groups: dict[tuple[str, str], list[Table]] = {}
    for (task, split, _), tables in units.items():
        if tables[0].best_score is not None:
            groups.setdefault((task, split), []).append(tables[0])
    of_subsets = {(mean.task, mean.split): mean for mean in means}
    columns: list[SummaryColumn] = []
    for names, members in groups.items():
        if names in of_subsets and len({table.metric for table in members}) == 1:
            columns.append(_mean_column(of_subsets[names], weakened=any(table.footnotes for table in members)))
        else:
            columns += [_unit_column(table) for table in members]
    rows: dict[str, Row] = {}
    for row in (row for tables in groups.values() for table in tables for row in table.rows if row.score is not None):
        if row.standing is not None and (row.model not in rows or (row.headline and not rows[row.model].headline)):
            rows[row.model] = row
    group_means = _group_means(columns)
    order = [mean.values for mean in group_means] + [_scores(column) for column in columns]
    ranked = sorted(rows, key=lambda model: ([-values.get(model, -math.inf) for values in order], model))
    return Summary(group_means, columns, {model: rows[model] for model in ranked})


def score_of(column: SummaryColumn, model: str) -> float | None:
    """A model's score in a column at full width in float32; None where it has none."""
    cell = column.cells.get(model)
    return cell.score if cell and cell.view is None else None


def _scores(column: SummaryColumn) -> dict[str, float]:
    return {model: score for model in column.cells if (score := score_of(column, model)) is not None}


def _unit_column(table: Table) -> SummaryColumn:
    task, split, subset = table.unit
    cells = {
        row.model: SummaryCell(row.score.value, row.standing, view=None if row.headline else row.view)
        for row in table.rows
        if row.standing is not None and row.score is not None
    }
    return SummaryColumn(task, split, subset, table.metric, 1, bool(table.footnotes), cells)


def _mean_column(mean: MeanTable, *, weakened: bool) -> SummaryColumn:
    rows = [row for row in mean.rows if row.headline]
    placed = place({row.model: row.mean for row in rows if row.mean is not None})
    count = len(mean.subsets)
    cells = {row.model: SummaryCell(row.mean, placed.get(row.model), count - len(row.scores)) for row in rows}
    return SummaryColumn(mean.task, mean.split, None, mean.metric, count, weakened, cells)


def _group_means(columns: Sequence[SummaryColumn]) -> list[GroupMean]:
    groups: dict[tuple[str, str], list[SummaryColumn]] = {}
    for column in columns:
        groups.setdefault((column.metric, column.split), []).append(column)
    found = []
    for (metric, split), members in groups.items():
        if len(members) < 2:
            continue
        scores = [_scores(column) for column in members]
        whole = set(scores[0]).intersection(*scores[1:])
        values = {model: math.fsum(of[model] for of in scores) / len(scores) for model in sorted(whole)}
        found.append(GroupMean(metric, split, members, values))
    return found
