"""What two models cost on one task unit, in the environments that both were measured in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.comparing.sides import Measured
from bench.results.cells import other_content
from bench.results.index import Cost, UnitKey, unit_title
from bench.results.schema import CostRecord, Figure, figure_key
from bench.views import View

# Figures of a model whatever the view, and those of a view, with their titles; less is better in all of them.
_OF_MODEL = {"encode_p50_ms": "encode p50 ms", "memory_encode_mib": "encode MiB"}
_OF_VIEW = {"search_p50_ms": "search p50 ms", "memory_search_mib": "search MiB", "index_bytes": "index bytes"}
_STORAGE = "bytes_per_vector"
TITLES = _OF_MODEL | _OF_VIEW | {_STORAGE: "bytes/vector"}


@dataclass(frozen=True)
class CostRow:
    """One cost figure on both sides.

    Attributes:
        unit: The task unit.
        environment: Fingerprint of the environment of both; None for what follows from the view alone.
        name: The figure.
        model_a: Model of one side.
        model_b: Of the other.
        view_a: View that the figure belongs to; None where it is the model's.
        view_b: Likewise.
        value_a: Its value on one side.
        value_b: On the other.
        noisy: Whether either was taken on a busy machine, or its processes disagree.
    """

    unit: UnitKey
    environment: str | None
    name: str
    model_a: str
    model_b: str
    view_a: View | None
    view_b: View | None
    value_a: float
    value_b: float
    noisy: bool = False

    @property
    def ratio(self) -> float | None:
        """B's value over A's; None where A's is 0."""
        return self.value_b / self.value_a if self.value_a else None


def cost_rows(
    unit: UnitKey,
    names: tuple[str, str],
    measured: tuple[Measured, Measured],
    views: Iterable[tuple[View | None, View | None]],
) -> tuple[list[CostRow], list[str]]:
    """The cost figures that both sides have, of one environment, device and data each.

    Args:
        unit: The task unit.
        names: The models.
        measured: What they have on it.
        views: The pairs of views compared.

    Returns:
        The rows, and why costs that both have are not compared.
    """
    first, second = measured
    rows: list[CostRow] = []
    views = list(views)
    for a, b in views:
        known = a in first.views and b in second.views
        if known and a is not None and b is not None and a.bytes_per_vector != b.bytes_per_vector:
            sizes = float(a.bytes_per_vector), float(b.bytes_per_vector)
            rows.append(CostRow(unit, None, _STORAGE, *names, a, b, *sizes))
    if not first.costs or not second.costs:
        return rows, []
    shared = sorted(first.costs.keys() & second.costs.keys())
    if not shared:
        places = " and ".join(", ".join(sorted(side.costs)) for side in measured)
        return rows, [f"{unit_title(unit)}: costs are not compared: they were measured in the environments {places}"]
    notes = []
    for environment in shared:
        costs = first.costs[environment], second.costs[environment]
        if costs[0].record.task.fingerprint != costs[1].record.task.fingerprint:
            notes.append(f"{unit_title(unit)}: costs are not compared: they were measured on other data")
            continue
        devices = [cost.record.setup.get("device") for cost in costs]
        if None not in devices and devices[0] != devices[1]:
            notes.append(
                f"{unit_title(unit)}: costs are not compared: they were measured on {devices[0]} and {devices[1]}"
            )
            continue
        rows += _figures(unit, environment, names, costs, views)
        notes += [f"{unit_title(unit)}: {note}" for note in _of_other_content(names, measured, costs)]
    return rows, list(dict.fromkeys(notes))


def _of_other_content(
    names: tuple[str, str], measured: tuple[Measured, Measured], costs: tuple[Cost, Cost]
) -> Iterator[str]:
    for name, side, cost in zip(names, measured, costs, strict=True):
        if note := other_content(cost, side.record):
            yield f"{name}: {note}"


def _figures(
    unit: UnitKey,
    environment: str,
    names: tuple[str, str],
    costs: tuple[Cost, Cost],
    views: Iterable[tuple[View | None, View | None]],
) -> Iterator[CostRow]:
    wanted: list[tuple[str, View | None, View | None]] = [(name, None, None) for name in _OF_MODEL]
    wanted += [(name, a, b) for a, b in views for name in _OF_VIEW]
    for name, a, b in wanted:
        one, other = _figure(costs[0], name, a), _figure(costs[1], name, b)
        if one is None or other is None or (one == other and names[0] == names[1]):
            # A measurement beside itself tells nothing.
            continue
        noisy = any(record.noise.noisy or not figure.steady for figure, record in (one, other))
        yield CostRow(unit, environment, name, *names, a, b, one[0].value, other[0].value, noisy)


def _figure(cost: Cost, name: str, view: View | None) -> tuple[Figure, CostRecord] | None:
    return cost.figures.get(figure_key(name, view.truncate_dim if view else None, view.precision if view else None, {}))
