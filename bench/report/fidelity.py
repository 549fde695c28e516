"""Fidelity of a model's views beside the share of its score that they really keep, and how the two go together.

Shares are of the main score at full width in float32, which is also what fidelity is measured against. Of the measures
docs/fidelity.md has the definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.markdown import escape, pipe_table
from bench.report.cells import view_text
from bench.results.index import Cell, Current, ResultIndex, UnitKey
from bench.views import View, sort_key

# The measures, as headings.
HEADINGS = {
    "overlap_at_10": "overlap@10",
    "overlap_at_100": "overlap@100",
    "rbo": "RBO",
    "kendall_tau": "tau",
    "similarity_correlation": "correlation",
    "similarity_change": "change",
    "similarity_absolute_change": "absolute change",
    "variance_kept": "variance",
    "norm_kept": "norm",
}
_SIGNED = "similarity_change"


@dataclass(frozen=True)
class FidelityRow:
    """One view.

    Attributes:
        view: The view.
        measures: By name, those that are defined.
        kept: The main score over that at full width in float32; None where it is not known or that is not above 0.
    """

    view: View
    measures: dict[str, float]
    kept: float | None


@dataclass(frozen=True)
class ModelFidelity:
    """The views of one model on one task unit.

    Attributes:
        model: Name.
        kind: Kind.
        metric: The main metric.
        rows: Views, widest first.
    """

    model: str
    kind: str
    metric: str
    rows: list[FidelityRow]


@dataclass(frozen=True)
class Association:
    """How a measure goes with the share of the score that is kept, over views.

    Attributes:
        measure: The measure.
        n: Views for which both are known.
        spearman: Rank correlation; None where there are fewer than three views, or one side does not vary.
        pearson: Likewise.
    """

    measure: str
    n: int
    spearman: float | None
    pearson: float | None


def make_fidelities(index: ResultIndex) -> dict[UnitKey, list[ModelFidelity]]:
    """The fidelity of models on each task unit that has any, models by name, of current results.

    Args:
        index: The results.
    """
    return {
        unit: [_of_model(current, name) for name in sorted(current.fidelity)]
        for unit, current in index.ranked.items()
        if current.fidelity
    }


def fidelity_table(model: ModelFidelity) -> str:
    """A model's views as a Markdown table: the share of the score that each keeps, and its measures.

    Args:
        model: The model's views.
    """
    measures = [name for name in HEADINGS if any(name in row.measures for row in model.rows)]
    lines = [
        [
            *view_text(row.view),
            "" if row.kept is None else f"{row.kept:.1%}",
            *(_number(name, row.measures.get(name)) for name in measures),
        ]
        for row in model.rows
    ]
    headings = ["dim", "precision", f"{escape(model.metric)} kept", *(HEADINGS[name] for name in measures)]
    return pipe_table(lines, headings, text_columns=2)


def fidelity_against_quality(models: Iterable[ModelFidelity], *, truncations: bool = False) -> list[Association]:
    """How each measure goes with the share of the score that is really kept, over views of one or more models.

    Args:
        models: The models, of one task unit or several.
        truncations: Whether only cuts in float32 count, so that precision plays no part.
    """
    rows = [row for model in models for row in model.rows if not truncations or row.view.precision == "float32"]
    return [_associate(name, rows) for name in HEADINGS]


def association_table(all_views: Sequence[Association], cuts: Sequence[Association]) -> str:
    """Correlations over all views, and over truncations alone, as a Markdown table.

    Args:
        all_views: Those over all views.
        cuts: Those over truncations, of the same measures.
    """
    lines = [
        [HEADINGS[found.measure], *_association_text(found), *_association_text(cut)]
        for found, cut in zip(all_views, cuts, strict=True)
        if found.n
    ]
    headings = ["measure", "views", "Spearman", "Pearson", "cuts", "Spearman", "Pearson"]
    return pipe_table(lines, headings, text_columns=1)


def _of_model(current: Current, name: str) -> ModelFidelity:
    cells, metric = current.fidelity[name], current.task.main_metric
    record = max((cell.record for cell in cells.values()), key=lambda record: record.created)
    scores: Mapping[View | None, Cell] = current.cells.get(name, {})

    def score(view: View) -> float | None:
        return scores[view].scores.metrics[metric].value if view in scores else None

    full = score(View(record.model.width)) if record.model.width else None
    rows = []
    for view in sorted(cells, key=sort_key):
        value = score(view)
        kept = value / full if value is not None and full is not None and full > 0 else None
        measures = cells[view].record.views[cells[view].position].measures
        rows.append(FidelityRow(view, {name: estimate.value for name, estimate in measures.items()}, kept))
    return ModelFidelity(record.model.name, record.model.kind, metric, rows)


def _associate(measure: str, rows: Sequence[FidelityRow]) -> Association:
    points = [(row.measures[measure], row.kept) for row in rows if row.kept is not None and measure in row.measures]
    values, kept = np.array(points, dtype=np.float64).reshape(-1, 2).T
    # Two points always lie on a line.
    if len(points) < 3 or np.ptp(values) == 0 or np.ptp(kept) == 0:
        return Association(measure, len(points), None, None)
    spearman, pearson = stats.spearmanr(values, kept).statistic, stats.pearsonr(values, kept).statistic
    return Association(measure, len(points), float(spearman), float(pearson))


def _association_text(found: Association) -> list[str]:
    return [str(found.n), *("" if value is None else f"{value:+.3f}" for value in (found.spearman, found.pearson))]


def _number(measure: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.4f}" if measure == _SIGNED else f"{value:.4f}"
