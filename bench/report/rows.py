"""The rows of a leaderboard: what is shown of each model and view on one task unit in one environment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report.encoding import EncodingRow, encoding_row
from bench.report.ranks import Standing, standings
from bench.results.index import Cell, Cost, ResultIndex, UnitKey, unit_key
from bench.results.items import ItemReader
from bench.results.schema import AuditRecord, CostRecord, QualityRecord, Value, make_view
from bench.views import View, sort_key

RANDOM_WEIGHTS = "random weights"
LEAKAGE_MARK = "‡"
LEAKAGE_NOTE = f"{LEAKAGE_MARK} may have been trained on what it is tested on: its recipe allows leakage"

_ITEMS = {"retrieval": "queries", "sts": "pairs", "mteb": "items"}


def unit_title(unit: UnitKey) -> str:
    """A task unit in words."""
    task, split, subset = unit
    return f"{task} ({split})" if subset == "default" else f"{task} {subset} ({split})"


@dataclass(frozen=True)
class Row:
    """One model at one view on one task unit.

    Attributes:
        model: Name.
        kind: Kind.
        view: The view, None for a baseline.
        score: Main score with its interval; None of a model with random weights, which has none.
        share: Score over that of the full width in float32; None where that was not scored.
        reference: Whether this row is that full-width float32 one.
        noisy: Whether the cost figures were taken on a busy machine, or processes that measured them disagree.
        shown: Further metrics that the task shows, by name.
        rank: Among the rows with a score; those that cannot be told from the best share its rank.
        ties_best: Whether it cannot be told from the best row, or is it; None where that could not be tested.
        leakage: Whether the model may have been trained on what it is tested on.
        drawn: Whether its weights are random.
    """

    model: str
    kind: str
    view: View | None
    score: Value | None
    share: float | None
    reference: bool
    bytes_per_vector: float | None = None
    index_bytes: float | None = None
    search_ms: float | None = None
    search_p95_ms: float | None = None
    hnsw_ms: float | None = None
    hnsw_recall: float | None = None
    search_mib: float | None = None
    reranked: float | None = None
    noisy: bool = False
    shown: Mapping[str, float] = field(default_factory=dict)
    rank: int | None = None
    ties_best: bool | None = None
    leakage: bool = False
    drawn: bool = False

    @property
    def marked_kind(self) -> str:
        """The kind, marked where the scores are not to be trusted or cannot be."""
        if self.drawn:
            return f"{self.kind}, {RANDOM_WEIGHTS}"
        return f"{self.kind} {LEAKAGE_MARK}" if self.leakage else self.kind


@dataclass
class Table:
    """The leaderboard of one task unit in one environment.

    Attributes:
        unit: Task, split and subset.
        metric: The main metric.
        n: How many items were scored.
        items: What they are: queries, pairs, or whatever mteb's evaluator scores.
        environment: Fingerprint of the environment of the cost columns; None when no cost was measured.
        shown: Further metrics that the task shows.
        rows: Best model first, each model's views from wide to narrow.
        encoding: What encoding costs, a row a model, in the order of the models' rows.
        notes: What a reader should know.
        footnotes: What makes the scores worth less than they look.
    """

    unit: UnitKey
    metric: str
    n: int
    items: str
    environment: str | None
    shown: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    encoding: list[EncodingRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    footnotes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The unit in words."""
        return unit_title(self.unit)

    @property
    def best_score(self) -> float | None:
        """The best main score; None where no model has one."""
        return max((row.score.value for row in self.rows if row.score is not None), default=None)

    def is_best_score(self, row: Row) -> bool:
        """Whether a row has the best main score."""
        return row.score is not None and row.score.value == self.best_score


@dataclass(frozen=True)
class _Scored:
    """One cell with its view."""

    view: View | None
    cell: Cell

    @property
    def record(self) -> QualityRecord:
        """The record it stands in."""
        return self.cell.record

    @property
    def metrics(self) -> Mapping[str, Value]:
        """Its metrics by name."""
        return self.record.views[self.cell.position].metrics

    @property
    def reference(self) -> bool:
        """Whether this is the full width in float32."""
        return self.view is not None and self.view == View(self.record.model.width or 0, "float32")


def make_tables(index: ResultIndex, reader: ItemReader | None = None) -> list[Table]:
    """A table for each task unit and environment that its costs were measured in; superseded results are left out.

    Args:
        index: The results.
        reader: Reads the items that ranks need; without one rows have no rank.
    """
    quality: dict[UnitKey, list[_Scored]] = {}
    for (*_, view), cell in index.cells.items():
        if not index.superseded(cell.record):
            quality.setdefault(unit_key(cell.record), []).append(_Scored(view, cell))
    costs: dict[UnitKey, dict[str, dict[str, Cost]]] = {}
    for cost in index.costs.values():
        newest = cost.record
        if not index.superseded(newest):
            costs.setdefault(unit_key(newest), {}).setdefault(newest.environment, {})[newest.model.name] = cost
    drawn = {unit for unit, found in costs.items() if any(_drawn(measured) for measured in found.values())}
    tables = []
    for unit in sorted({*quality, *drawn}):
        environments: Sequence[str | None] = sorted(costs.get(unit, {})) or [None]
        for environment in environments:
            measured = costs.get(unit, {}).get(environment or "", {})
            if unit not in quality and not _drawn(measured):
                continue
            table = _table(unit, environment, quality.get(unit, []), measured, reader)
            table.footnotes += _audit_footnotes(index.audit(unit))
            tables.append(table)
    return tables


def _drawn(costs: Mapping[str, Cost]) -> list[Cost]:
    """The costs of models with random weights, which stand in tables without a score."""
    return [cost for _, cost in sorted(costs.items()) if cost.record.model.drawn]


def _audit_footnotes(record: AuditRecord | None) -> list[str]:
    found = [finding.sentence for finding in record.findings if finding.weakens] if record else []
    return [f"audit: {'; '.join(found)}"] if found else []


def _table(
    unit: UnitKey, environment: str | None, cells: list[_Scored], costs: dict[str, Cost], reader: ItemReader | None
) -> Table:
    unscored = _drawn(costs)
    records: list[QualityRecord | CostRecord] = [cell.record for cell in cells]
    task = max(records or [cost.record for cost in unscored], key=lambda record: record.created).task
    table = Table(unit, task.main_metric, task.n, _ITEMS[task.type], environment, task.shown)
    # An older record may have been ranked by another metric; one table ranks by one.
    cells = [cell for cell in cells if table.metric in cell.metrics]
    searched = f"rerank_{table.metric}"
    full = {cell.record.model.name: cell.metrics[table.metric].value for cell in cells if cell.reference}
    placed: Sequence[Standing | None] = [None] * len(cells)
    if reader is not None and cells:
        placed = standings([cell.cell for cell in cells], table.metric, reader)
    for cell, standing in zip(cells, placed, strict=True):
        name = cell.record.model.name
        figures = _figures(costs.get(name), cell.view, searched)
        table.rows.append(_row(cell, table, full.get(name), standing, figures))
    top: dict[str, float] = {}
    for row in table.rows:
        top[row.model] = max(top.get(row.model, -math.inf), row.score.value if row.score else -math.inf)
    table.rows.sort(key=lambda row: (-top[row.model], row.model, sort_key(row.view) if row.view else (0, 0)))
    for cost in unscored:
        table.rows += [_unscored_row(cost, view, _figures(cost, view, "")) for view in _measured_views(cost)]
        table.notes.append(f"{cost.record.model.name}: {RANDOM_WEIGHTS}: cost only")
    ordered = [costs[name] for name in dict.fromkeys(row.model for row in table.rows) if name in costs]
    table.encoding = [found for cost in ordered if (found := encoding_row(cost)) is not None]
    table.notes += task.notes
    for name, cost in sorted(costs.items()):
        table.notes += [
            f"{name}: {probe} was not measured: {why}" for probe, why in sorted(cost.record.not_measured.items())
        ]
    return table


def _row(cell: _Scored, table: Table, full: float | None, standing: Standing | None, figures: dict[str, Any]) -> Row:
    model, score = cell.record.model, cell.metrics[table.metric]
    return Row(
        model=model.name,
        kind=model.kind,
        view=cell.view,
        score=score,
        share=score.value / full if full and full > 0 else None,
        reference=cell.reference,
        rank=standing.rank if standing else None,
        ties_best=standing.ties_best if standing else None,
        leakage=model.leakage,
        shown={name: cell.metrics[name].value for name in table.shown if name in cell.metrics},
        **figures,
    )


def _unscored_row(cost: Cost, view: View | None, figures: dict[str, Any]) -> Row:
    model = cost.record.model
    return Row(model.name, model.kind, view, None, None, reference=False, drawn=True, **figures)


def _measured_views(cost: Cost) -> list[View | None]:
    """The views that a cost has figures of, from wide to narrow; without any the full width."""
    found = {make_view(figure.truncate_dim, figure.precision) for figure, _ in cost.figures.values()} - {None}
    if not found and cost.record.model.width:
        found = {View(cost.record.model.width, "float32")}
    return sorted(found, key=lambda view: sort_key(view) if view else (0, 0)) or [None]


def _figures(cost: Cost | None, view: View | None, reranked: str) -> dict[str, Any]:
    """The cost columns of a row.

    Args:
        cost: The model's cost; None where none was measured.
        view: The row's view.
        reranked: The name of the figure that tells what reranking gives.
    """

    def figure(name: str, **detail: str | int) -> float | None:
        return cost.value(name, view, **detail) if cost else None

    return {
        "bytes_per_vector": view.bytes_per_vector if view else None,
        "index_bytes": figure("index_bytes"),
        "search_ms": figure("search_p50_ms"),
        "search_p95_ms": figure("search_p95_ms"),
        "hnsw_ms": figure("search_p50_ms", index="hnsw"),
        "hnsw_recall": figure("hnsw_recall_at_10"),
        "search_mib": figure("memory_search_mib"),
        "reranked": figure(reranked, shortlist=100),
        "noisy": cost.noisy_at(view) if cost else False,
    }
