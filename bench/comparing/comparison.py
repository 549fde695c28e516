"""Two sides of results, compared: which cells face each other, and what is left over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from bench.comparing.costs import CostRow, cost_rows
from bench.comparing.operands import Side
from bench.comparing.rows import Point, Row, RowMaker
from bench.comparing.sides import Measured, measured
from bench.comparing.verdicts import Judge
from bench.errors import UsageError, did_you_mean
from bench.results.index import UnitKey, unit_title
from bench.results.left_out import find_left_out, left_out_lines
from bench.statistics.margins import Margin
from bench.views import View, sort_key

_Views = list[tuple[View | None, View | None]]


@dataclass(frozen=True)
class Selection:
    """What of both sides is compared.

    Attributes:
        tasks: Only these tasks; all where empty.
        subsets: Only these subsets.
        metric: Instead of each task's main metric.
        all_views: At every view that both have, instead of the whole vectors in float32.
        queries: How many of the items that changed most each row keeps.
        max_loss: The margin; the tasks' own by default.
    """

    tasks: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    metric: str | None = None
    all_views: bool = False
    queries: int = 5
    max_loss: Margin | None = None

    def takes(self, unit: UnitKey) -> bool:
        """Whether a task unit is compared."""
        return (not self.tasks or unit[0] in self.tasks) and (not self.subsets or unit[2] in self.subsets)


@dataclass
class Comparison:
    """Two sides, compared.

    Attributes:
        a: One side.
        b: The other.
        rows: Differences of scores, by task unit, model and view.
        costs: Cost figures that both have.
        notes: What is not compared, and why.
        margins: The margins of the rows' losses.
    """

    a: Side
    b: Side
    rows: list[Row] = field(default_factory=list)
    costs: list[CostRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    margins: list[Margin] = field(default_factory=list)

    @property
    def telling(self) -> list[Row]:
        """The first row of each task unit and pair of models in which any item changed."""
        first: dict[tuple[UnitKey, str, str], Row] = {}
        for row in self.rows:
            if row.paired is not None and row.paired.changed:
                first.setdefault((row.unit, row.a.model, row.b.model), row)
        return list(first.values())

    @property
    def empty(self) -> bool:
        """Whether nothing could be compared."""
        measured = any(row.environment is not None for row in self.costs)
        return not measured and all(row.difference is None for row in self.rows)


def compare(a: Side, b: Side, selection: Selection) -> Comparison:
    """Compare two sides.

    Both name a model: those face each other, whatever their names. One does: the other's model of that name. Neither
    does: all models that both have, at every view that both have.

    Raises:
        UsageError: A side has no such model, or neither has the tasks, subsets or metric asked for.
    """
    found = Comparison(a, b)
    _check_known("task", selection.tasks, {unit[0] for side in (a, b) for unit in side.index.units})
    _check_known("subset", selection.subsets, {unit[2] for side in (a, b) for unit in side.index.units})
    maker = RowMaker(selection.queries)
    whole = a.model is None and b.model is None
    for names in _models(a, b, found.notes):
        both = measured(a.index, names[0]), measured(b.index, names[1])
        units = [unit for unit in sorted({*both[0], *both[1]}) if selection.takes(unit)]
        label = names[0] if names[0] == names[1] else ""
        for text, side, other in (("A", *both), ("B", *both[::-1])):
            only = [unit_title(unit) for unit in units if unit in side and unit not in other]
            if only:
                found.notes.append(f"only {text} has {f'{label} on ' if label else ''}{', '.join(only)}")
        for unit in units:
            if unit in both[0] and unit in both[1]:
                pair = both[0][unit], both[1][unit]
                views = _views(a, b, pair, every=whole or selection.all_views)
                found.rows += _rows(maker, unit, names, pair, views, selection.metric)
                costs, notes = cost_rows(unit, names, pair, views)
                found.costs += costs
                found.notes += notes
    if selection.metric is not None:
        _check_metric(selection.metric, found.rows)
    judge = Judge(a, b, selection.max_loss)
    found.rows = judge.judged(found.rows)
    margins = {str(margin): margin for row in found.rows if row.loss and (margin := judge.margin(row))}
    found.margins = [*margins.values()]
    found.notes += _left_out(a, b, selection)
    return found


def _left_out(a: Side, b: Side, selection: Selection) -> list[str]:
    """What is not current and therefore not compared, each once where both sides are of the same results."""
    sides = {"A: ": a, "B: ": b} if a.index is not b.index else {"": a}
    wanted = {side.model for side in (a, b)} - {None}
    return [
        f"{mark}{line}"
        for mark, side in sides.items()
        for line in left_out_lines(
            entry
            for entry in find_left_out(side.index, ranked=False)
            if (not wanted or entry.model in wanted) and any(selection.takes(lost.unit) for lost in entry.parts)
        )
    ]


def _models(a: Side, b: Side, notes: list[str]) -> Iterator[tuple[str, str]]:
    """The models that face each other."""
    if a.model is not None and b.model is not None:
        yield a.model, b.model
        return
    if a.model is None and b.model is None:
        for text, side, other in (("A", a, b), ("B", b, a)):
            only = sorted(side.index.models.keys() - other.index.models.keys())
            if only:
                notes.append(f"only {text} has the models {', '.join(only)}")
        for name in sorted(a.index.models.keys() & b.index.models.keys()):
            yield name, name
        return
    name = a.model or b.model or ""
    for side in (a, b):
        if name not in side.index.models:
            raise UsageError(
                f"no results of a model `{name}` in {side.text}",
                hint=did_you_mean(name, side.index.models)
                or f"there are: {', '.join(sorted(side.index.models)) or 'none'}",
            )
    yield name, name


def _views(a: Side, b: Side, pair: tuple[Measured, Measured], *, every: bool) -> _Views:
    """The views that face each other on one task unit."""
    named = a.view, b.view
    if a.model is None or b.model is None:
        # A source without a model takes the other's view with its model.
        named = (a.view or b.view,) * 2
    if every and named == (None, None):
        shared = [side.views for side in pair]
        if None in shared[0] or None in shared[1]:
            # A baseline has no views: it faces each of the other's.
            return [(one, other) for one in _in_order(shared[0]) for other in _in_order(shared[1])]
        return [(view, view) for view in _in_order(shared[0] & shared[1])]
    first, second = (view or side.full for view, side in zip(named, pair, strict=True))
    return [(first, second)]


def _in_order(views: Collection[View | None]) -> list[View | None]:
    return sorted(views, key=lambda view: sort_key(view) if view else (0, 0))


def _rows(
    maker: RowMaker,
    unit: UnitKey,
    names: tuple[str, str],
    pair: tuple[Measured, Measured],
    views: _Views,
    metric: str | None,
) -> Iterator[Row]:
    if not pair[0].cells and not pair[1].cells:
        # Random weights have costs alone.
        return
    newest = max((side.record for side in pair), key=lambda record: record.created).task
    metric = metric or newest.main_metric
    for one, other in views:
        a, b = Point(names[0], one, pair[0].cells.get(one)), Point(names[1], other, pair[1].cells.get(other))
        lacking = [f"{text} has no score at {point.view}" for text, point in (("A", a), ("B", b)) if point.cell is None]
        if lacking:
            yield Row(unit, newest.type, metric, a, b, reason=f"not comparable: {', '.join(lacking)}")
        else:
            yield maker.row(unit, metric, a, b)
    if not views:
        have = [", ".join(map(str, _in_order(side.cells))) for side in pair]
        reason = f"not comparable: no view that both have (A: {have[0]}; B: {have[1]})"
        yield Row(unit, newest.type, metric, Point(names[0], None), Point(names[1], None), reason=reason)


def _check_known(what: str, wanted: Sequence[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"--{what}: no results with {what} `{name}`",
                hint=did_you_mean(name, known) or f"there are: {', '.join(sorted(known)) or 'none'}",
            )


def _check_metric(metric: str, rows: Sequence[Row]) -> None:
    cells = [point.cell for row in rows for point in (row.a, row.b) if point.cell is not None]
    known = {name for cell in cells for name in cell.record.views[cell.position].metrics}
    if cells and metric not in known:
        raise UsageError(
            f"--metric: no results with metric `{metric}`",
            hint=did_you_mean(metric, sorted(known)) or f"there are: {', '.join(sorted(known))}",
        )
