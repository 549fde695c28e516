"""Searching measured on corpora of other sizes than the task's own, which the other pages leave out."""

from __future__ import annotations

from typing import TypeAlias

from bench.results.index import ResultIndex, UnitKey, unit_key
from bench.results.schema import make_view
from bench.views import View

# By task unit and environment; by documents; by the key of a column; by model and view.
Sizes: TypeAlias = dict[tuple[UnitKey, str], dict[int, dict[str, dict[tuple[str, View | None], float]]]]

# The columns that a budget limits and that grow with the documents, by the name of the figure.
_COLUMNS = {"search_p95_ms": "search_p95_ms", "memory_search_mib": "search_mib"}


def other_sizes(index: ResultIndex) -> Sizes:
    """The figures of exact search in synthetic corpora (`bench cost --corpus-size`), of current results."""
    found: Sizes = {}
    costs = [models for current in index.current.values() for models in current.costs.values()]
    for cost in (cost for models in costs for cost in models.values()):
        place = unit_key(cost.record), cost.record.environment
        for figure, _ in cost.figures.values():
            if figure.name in _COLUMNS and list(figure.detail) == ["corpus"]:
                sizes = found.setdefault(place, {}).setdefault(int(figure.detail["corpus"]), {})
                view = make_view(figure.truncate_dim, figure.precision)
                sizes.setdefault(_COLUMNS[figure.name], {})[cost.record.model.name, view] = figure.value
    return found
