"""The rows of a leaderboard: what is shown of each model and view on one task unit in one environment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report.costs import cost_columns, measured_views
from bench.report.encoding import EncodingRow, encoding_row
from bench.report.folds import fold_notes, pooled_text
from bench.report.inputs import input_rows
from bench.report.losing import UnitLosses, unit_losses
from bench.report.ties import tie_notes
from bench.results.cells import other_content
from bench.results.claims import Loss
from bench.results.index import Cell, Cost, Current, ResultIndex, UnitKey, unit_title
from bench.results.items import ItemReader
from bench.results.schema import AuditRecord, QualityRecord, TaskInfo, Value
from bench.results.standings import Standing
from bench.statistics.margins import Margin
from bench.views import View, sort_key

RANDOM_WEIGHTS = "random weights"
LEAKAGE_MARK = "‡"
LEAKAGE_NOTE = f"{LEAKAGE_MARK} may have been trained on what it is tested on: its recipe allows leakage"

_ITEMS = {"retrieval": "queries", "sts": "pairs", "mteb": "items"}


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
        standing: Where its model stands, in the row that stands for the model alone; None in all others.
        loss: What it loses, in that row against the best model, in others against that row; None where there is
            nothing to lose against, or that could not be tested.
        leakage: Whether the model may have been trained on what it is tested on.
        drawn: Whether its weights are random.
        pooled: That several models were trained for it, one a fold of the queries; empty where one was.
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
    standing: Standing | None = None
    loss: Loss | None = None
    leakage: bool = False
    drawn: bool = False
    pooled: str = ""

    @property
    def rank(self) -> int | None:
        """The rank of its model, in the row that stands for it; None in all others."""
        return self.standing.rank if self.standing else None

    @property
    def headline(self) -> bool:
        """Whether it is a score at full width in float32, or a baseline's."""
        return self.score is not None and (self.reference or self.view is None)

    @property
    def whole_kind(self) -> str:
        """The kind, with the number of models where the score is pooled."""
        return f"{self.kind}, {self.pooled}" if self.pooled else self.kind

    @property
    def marked_kind(self) -> str:
        """The kind, marked where the scores are not to be trusted or cannot be."""
        if self.drawn:
            return f"{self.kind}, {RANDOM_WEIGHTS}"
        return f"{self.whole_kind} {LEAKAGE_MARK}" if self.leakage else self.whole_kind


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
        rows: Best model first, by the score that stands for it, each model's views from wide to narrow.
        encoding: What encoding costs, a row a model, in the order of the models' rows.
        notes: What a reader should know.
        model_notes: Those of the notes that are about one model's costs, by its name.
        footnotes: What makes the scores worth less than they look.
        documents: How many documents are searched; None where nothing is.
        inputs: What texts were encoded with, names and facts in Markdown by model, where records say so.
        losses: What the losses of the rows are against, and whether so few items can show the margin.
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
    model_notes: dict[str, list[str]] = field(default_factory=dict)
    footnotes: list[str] = field(default_factory=list)
    documents: int | None = None
    inputs: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    losses: UnitLosses | None = None

    @property
    def title(self) -> str:
        """The unit in words."""
        return unit_title(self.unit)

    @property
    def best_score(self) -> float | None:
        """The best main score; None where no model has one."""
        return max((row.score.value for row in self.rows if row.score is not None), default=None)


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


def make_tables(
    index: ResultIndex,
    reader: ItemReader | None = None,
    max_loss: Margin | None = None,
    units: Collection[UnitKey] | None = None,
) -> list[Table]:
    """A table for each task unit and environment that its costs were measured in, of current results.

    Args:
        index: The results.
        reader: Reads the items that tests need; without one ranks are by the score alone.
        max_loss: The margin of all task units; their own by default (bench.results.claims).
        units: Only these; all by default.
    """
    tables = []
    for unit, current in index.ranked.items():
        if (units is not None and unit not in units) or not (current.cells or current.costs):
            continue
        scored = _scored_unit(unit, current, reader, max_loss)
        environments: Sequence[str | None] = sorted(current.costs) or [None]
        for environment in environments:
            table = _table(scored, environment, current.costs.get(environment or "", {}))
            table.footnotes += _audit_footnotes(index.audit(unit))
            tables.append(table)
    return tables


@dataclass(frozen=True)
class _Unit:
    """What of a task unit does not depend on the environment."""

    key: UnitKey
    task: TaskInfo
    cells: list[_Scored]
    losses: UnitLosses


def _scored_unit(key: UnitKey, current: Current, reader: ItemReader | None, max_loss: Margin | None) -> _Unit:
    cells = [_Scored(view, cell) for views in current.cells.values() for view, cell in views.items()]
    losses = unit_losses(current.task, [cell.cell for cell in cells], reader, max_loss)
    return _Unit(key, current.task, cells, losses)


def _audit_footnotes(record: AuditRecord | None) -> list[str]:
    found = [finding.sentence for finding in record.findings if finding.weakens] if record else []
    return [f"audit: {'; '.join(found)}"] if found else []


def _table(unit: _Unit, environment: str | None, costs: Mapping[str, Cost]) -> Table:
    task = unit.task
    table = Table(
        unit.key, task.main_metric, task.n, _ITEMS[task.type], environment, task.shown, documents=task.documents
    )
    searched = f"rerank_{table.metric}"
    full = {cell.record.model.name: cell.metrics[table.metric].value for cell in unit.cells if cell.reference}
    table.losses = unit.losses if unit.cells else None
    for cell in unit.cells:
        name = cell.record.model.name
        figures = cost_columns(costs.get(name), cell.view, searched)
        figures |= {"standing": unit.losses.standing(cell.cell), "loss": unit.losses.loss(cell.cell)}
        table.rows.append(_row(cell, table, full.get(name), figures))
    top = {row.model: row.score.value for row in table.rows if row.standing is not None and row.score is not None}
    table.rows.sort(key=lambda row: (-top[row.model], row.model, sort_key(row.view) if row.view else (0, 0)))
    for name, cost in sorted(costs.items()):
        if name not in top:
            table.rows += [_unscored_row(cost, view, cost_columns(cost, view, "")) for view in measured_views(cost)]
            why = RANDOM_WEIGHTS if cost.record.model.drawn else "not scored"
            table.model_notes.setdefault(name, []).append(f"{why}: cost only")
    newest = {cell.record.model.name: cell.record for cell in sorted(unit.cells, key=lambda cell: cell.record.created)}
    for name, cost in sorted(costs.items()):
        if name in newest and (apart := other_content(cost, newest[name])):
            table.model_notes.setdefault(name, []).append(apart)
    models = dict.fromkeys(row.model for row in table.rows)
    table.inputs = input_rows([newest[name] for name in models if name in newest])
    table.notes = [f"{name}: {note}" for name, notes in table.model_notes.items() for note in notes]
    ordered = [costs[name] for name in models if name in costs]
    table.encoding = [found for cost in ordered if (found := encoding_row(cost)) is not None]
    table.notes += task.notes
    scored = [(cell.record.model.name, cell.view, cell.cell.scores) for cell in unit.cells]
    table.notes += tie_notes(scored, [table.metric, *table.shown])
    full_width = [(cell.record, cell.cell.scores) for cell in unit.cells if cell.reference or cell.view is None]
    table.notes += fold_notes(full_width)
    for name, cost in sorted(costs.items()):
        missing = [f"{probe} was not measured: {why}" for probe, why in sorted(cost.record.not_measured.items())]
        table.notes += [f"{name}: {note}" for note in missing]
        if missing:
            table.model_notes.setdefault(name, []).extend(missing)
    return table


def _row(cell: _Scored, table: Table, full: float | None, figures: dict[str, Any]) -> Row:
    model, score = cell.record.model, cell.metrics[table.metric]
    return Row(
        model=model.name,
        kind=model.kind,
        view=cell.view,
        score=score,
        share=score.value / full if full and full > 0 else None,
        reference=cell.reference,
        leakage=model.leakage,
        pooled=pooled_text(cell.record),
        shown={name: cell.metrics[name].value for name in table.shown if name in cell.metrics},
        **figures,
    )


def _unscored_row(cost: Cost, view: View | None, figures: dict[str, Any]) -> Row:
    model = cost.record.model
    return Row(model.name, model.kind, view, None, None, reference=False, drawn=model.drawn, **figures)
