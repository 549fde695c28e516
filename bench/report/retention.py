"""Retention: the share of its full-width score that a model keeps at each dimension, beside controls.

Shares are of the main score at full width in float32, and of cuts in float32. A control's share is of the same score of
the same model, so that all lines of a model start from one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from bench.markdown import escape, pipe_table
from bench.report.rows import LEAKAGE_MARK
from bench.results.index import ControlCell, Current, ResultIndex, UnitKey, unit_title
from bench.views import CONTROLS, ControlledView

# What the dimensions that a view keeps are called beside those of controls.
FIRST = "first"


@dataclass(frozen=True)
class RetentionLine:
    """What one model keeps of its score at full width in float32.

    Attributes:
        model: Name.
        kind: Kind.
        shares: The main score of the leading dimensions over that of all, by dimension, widest first; 1 at full width.
        controls: Of each method (`pca`, `last`, `random`), by dimension, widest first: mean, lowest and highest share
            of its draws, which are the same where there is one draw.
        leakage: Whether the model may have been trained on what it is tested on.
    """

    model: str
    kind: str
    shares: dict[int, float]
    controls: dict[str, dict[int, tuple[float, float, float]]]
    leakage: bool = False


@dataclass
class Retention:
    """What models keep on one task unit.

    Attributes:
        unit: Task, split and subset.
        title: The unit in words.
        metric: The main metric.
        lines: A model each, the best at full width first.
    """

    unit: UnitKey
    title: str
    metric: str
    lines: list[RetentionLine] = field(default_factory=list)


def make_retentions(index: ResultIndex) -> list[Retention]:
    """The retention on each task unit that has any, of current results.

    A model has a line where it was scored at full width, above 0, and at a cut, both in float32.

    Args:
        index: The results.
    """
    found = [_retention(unit, current) for unit, current in index.ranked.items()]
    return [retention for retention in found if retention.lines]


def retention_table(retention: Retention) -> str:
    """The retention on one task unit as a Markdown table: a row a model and way to cut, a column a dimension.

    Args:
        retention: What models keep.
    """
    cuts = {dim for line in retention.lines for dim in list(line.shares)[1:]}
    dims = sorted(cuts | {dim for line in retention.lines for ranges in line.controls.values() for dim in ranges})[::-1]
    rows = []
    for line in retention.lines:
        name = [escape(line.model), f"{line.kind} {LEAKAGE_MARK}" if line.leakage else line.kind]
        rows.append([*name, FIRST, *(f"{line.shares[dim]:.1%}" if dim in line.shares else "" for dim in dims)])
        for method, ranges in line.controls.items():
            rows.append([*name, method, *(_range_text(ranges.get(dim)) for dim in dims)])
    return pipe_table(rows, ["model", "kind", "dimensions", *map(str, dims)], text_columns=3)


def _retention(unit: UnitKey, current: Current) -> Retention:
    metric = current.task.main_metric
    lines: list[tuple[float, RetentionLine]] = []
    for name, cells in current.cells.items():
        model = next(iter(cells.values())).record.model
        found = [cell.scores for view, cell in cells.items() if view is not None and view.precision == "float32"]
        scores = {cut.truncate_dim: cut.metrics[metric].value for cut in found}
        full = scores.get(model.width, 0.0)
        if full > 0 and len(scores) > 1:
            shares = {dim: scores[dim] / full for dim in _widest_first(scores)}
            controls = _controls(current.controls.get(name, {}), metric, full)
            lines.append((full, RetentionLine(model.name, model.kind, shares, controls, model.leakage)))
    lines.sort(key=lambda line: (-line[0], line[1].model))
    return Retention(unit, unit_title(unit), metric, [line for _, line in lines])


def _controls(
    cells: Mapping[ControlledView, ControlCell], metric: str, full: float
) -> dict[str, dict[int, tuple[float, float, float]]]:
    """Mean, lowest and highest share of each method's draws, by dimension."""
    shares: dict[str, dict[int, list[float]]] = {}
    for control in CONTROLS:
        for cut, cell in cells.items():
            metrics = cell.scores.metrics
            if cut.control == control:
                draws = shares.setdefault(control.method, {}).setdefault(cut.truncate_dim, [])
                draws.append(metrics[metric].value / full)
    return {
        method: {dim: (fmean(by_dim[dim]), min(by_dim[dim]), max(by_dim[dim])) for dim in _widest_first(by_dim)}
        for method, by_dim in shares.items()
    }


def _range_text(shares: tuple[float, float, float] | None) -> str:
    if shares is None:
        return ""
    mean, low, high = shares
    return f"{mean:.1%}" if low == high else f"{mean:.1%} [{low:.1%}, {high:.1%}]"


def _widest_first(dims: Iterable[int | None]) -> list[int]:
    return sorted((dim for dim in dims if dim is not None), reverse=True)
