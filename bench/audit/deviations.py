"""How much models and views differ query by query, from results: what the margin of a comparison depends on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from bench.results.index import Cell, ResultIndex, UnitKey
from bench.results.items import ItemReader, Items, as_columns, shared_clusters
from bench.statistics.paired import paired_test
from bench.views import View


@dataclass(frozen=True)
class Deviation:
    """How much two cells of a task unit differ.

    Attributes:
        comparison: What kind of cells they are, in words, such as `int8 against float32`.
        value: Standard deviation of the paired differences of independent items: the clustered standard error of their
            mean times the square root of the number of clusters.
        score: The better score of the two.
    """

    comparison: str
    value: float
    score: float


@dataclass(frozen=True)
class Spread:
    """The standard deviations of several comparisons of one kind.

    Attributes:
        pairs: How many comparisons there are.
        median: Their median.
        largest: The largest.
    """

    pairs: int
    median: float
    largest: float


def deviations(index: ResultIndex, unit: UnitKey, fingerprint: str, metric: str) -> list[Deviation]:
    """The deviations of the comparisons that the results of a task unit allow.

    They are each view against its model's whole vectors in float32, at another precision or number of dimensions (not
    both), and each two models at their whole vectors. Only the current content of a model counts.

    Args:
        index: The results.
        unit: The task unit.
        fingerprint: Of its data: results of other data do not count.
        metric: What is compared.

    Raises:
        BenchError: A record's table is missing or damaged.
    """
    cells = [
        cell
        for (model, content, names, data, _), cell in index.cells.items()
        if (names, data) == (unit, fingerprint)
        and index.models[model].fingerprint == content
        and metric in cell.scores.metrics
    ]
    reader = ItemReader()
    items = {id(cell): reader.read(cell, metric) for cell in cells}
    found = []
    for comparison, first, second in _comparisons(cells):
        sides = items[id(first)], items[id(second)]
        if sides[0] is None or sides[1] is None:
            continue
        value = _deviation(sides[0], sides[1])
        if math.isfinite(value):
            score = max(cell.scores.metrics[metric].value for cell in (first, second))
            found.append(Deviation(comparison, value, score))
    return found


def spreads(found: Iterable[Deviation]) -> dict[str, Spread]:
    """Deviations by what is compared."""
    values: dict[str, list[float]] = defaultdict(list)
    for deviation in found:
        values[deviation.comparison].append(deviation.value)
    return {kind: Spread(len(those), median(those), max(those)) for kind, those in values.items()}


def _comparisons(cells: list[Cell]) -> Iterator[tuple[str, Cell, Cell]]:
    """What is compared with what, and the kind of the comparison."""
    whole = {cell.record.model.name: cell for cell in cells if cell.scores.view == _whole_view(cell)}
    for cell in cells:
        full, view = whole.get(cell.record.model.name), cell.scores.view
        if full is None or view is None or cell is full:
            continue
        width = cell.record.model.width or view.truncate_dim
        if view.truncate_dim == width:
            yield f"{view.precision} against float32", full, cell
        elif view.precision == "float32":
            yield f"{100 * view.truncate_dim / width:.3g}% of dimensions against all", full, cell
    for first, second in combinations(sorted(whole), 2):
        yield _models(*(whole[name].record.model.kind for name in (first, second))), whole[first], whole[second]


def _models(*kinds: str) -> str:
    """Two kinds of models in words."""
    if "baseline" in kinds:
        return "embedding model against BM25"
    trained = sum(kind != "pretrained" for kind in kinds)
    return ("two pretrained models", "fine-tuned against pretrained", "two fine-tuned models")[trained]


def _whole_view(cell: Cell) -> View | None:
    """The whole vectors of a cell's model in float32; None of a baseline."""
    width = cell.record.model.width
    return View(width, "float32") if width else None


def _deviation(first: Items, second: Items) -> float:
    columns = as_columns([first, second])
    test = paired_test(columns[:, [1]] - columns[:, [0]], shared_clusters([first, second]))
    return float(test.error[0]) * math.sqrt(test.freedom + 1)
