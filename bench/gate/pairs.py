"""The pairs of cells that a rule on quality compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.gate.checks import Subject
from bench.gate.matching import covers_unit, covers_view
from bench.gate.rules import MAIN, MEAN, Rule
from bench.gate.sides import CellKey, Side
from bench.results.index import Cell, UnitKey
from bench.results.items import ItemReader, Items
from bench.views import View


@dataclass(frozen=True)
class Group:
    """The cells that one check is about: one, or all subsets of a task.

    Attributes:
        subject: What is checked.
        before: The cells that are compared with, of the baseline or at full width.
        after: The candidate's.
        absent: Subsets that only the baseline has.
    """

    subject: Subject
    before: tuple[Cell, ...]
    after: tuple[Cell, ...]
    absent: tuple[str, ...] = ()


def groups_of(rule: Rule, baseline: Side, candidate: Side, covered: frozenset[CellKey]) -> Iterator[Group]:
    """The groups of cells that a rule is about.

    Args:
        rule: The rule.
        baseline: What is compared with.
        candidate: What is judged.
        covered: Cells that a rule on coverage watches, so that their absence is told once.
    """
    sides = baseline, candidate
    groups: dict[tuple[str, UnitKey, View | None], dict[CellKey, None]] = {}
    for key in sorted({key for side in sides for key in side.cells}, key=lambda key: key.order):
        cells = [side.cells[key] for side in sides if key in side.cells]
        width = cells[-1].record.model.width
        measured = any(_metric(rule, cell) is not None for cell in cells)
        if not measured or not covers_unit(rule, key.model, key.unit) or not covers_view(rule, key.view, width):
            continue
        if rule.kind == "min_share" and (key.view is None or key.view == View(width or 0, "float32")):
            continue
        unit = (*key.unit[:2], MEAN) if rule.subsets == MEAN else key.unit
        groups.setdefault((key.model, unit, key.view), {})[key] = None
    for (model, unit, view), keys in groups.items():
        after = {key: candidate.cells[key] for key in keys if key in candidate.cells}
        before = {key: baseline.cells[key] for key in keys if key in baseline.cells}
        # A share is one of the candidate's own.
        if not after and (rule.kind == "min_share" or all(key in covered for key in keys)):
            continue
        absent = tuple(key.unit[2] for key in before if key not in after)
        # Subsets that the baseline lacks are no part of the mean that is compared.
        compared = [key for key in after if key in before or rule.kind != "max_drop" or not before]
        shown = (after or before)[next(iter(after or before))]
        subject = Subject(rule, model, unit, view, _metric(rule, shown) or rule.metric)
        if rule.kind == "min_share":
            full = [CellKey(key.model, key.unit, View(after[key].record.model.width or 0, "float32")) for key in after]
            reference = tuple(candidate.cells[key] for key in full if key in candidate.cells)
            yield Group(subject, reference, tuple(after.values()), absent)
        else:
            known = tuple(before[key] for key in compared if key in before)
            yield Group(subject, known or tuple(before.values()), tuple(after[key] for key in compared), absent)


def _metric(rule: Rule, cell: Cell) -> str | None:
    """The metric that a rule is about, None where the cell does not have it."""
    name = cell.record.task.main_metric if rule.metric == MAIN else rule.metric
    return name if name in cell.record.views[cell.position].metrics else None


def by_file(groups: Iterable[Group]) -> list[Group]:
    """Groups in an order in which cells of one file follow one another, so that each table is read once."""
    return sorted(groups, key=lambda group: (group.subject.model, group.subject.unit, group.subject.measure))


class KeptItems:
    """The items of cells, read once however many rules ask for them.

    Args:
        reader: Reads them.
    """

    def __init__(self, reader: ItemReader) -> None:
        self._reader = reader
        self._known: dict[tuple[Path, int, str], Items | None] = {}

    def read(self, cell: Cell, metric: str) -> Items | None:
        """As ItemReader.read."""
        key = cell.path, cell.position, metric
        if key not in self._known:
            self._known[key] = self._reader.read(cell, metric)
        return self._known[key]
