"""A figure measured in points: a title, panels in a grid, a legend and notes below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bench.report.pictures.legend import Entry, flow, write_entries
from bench.report.pictures.lettering import drawable, font, shorten, text_size, wrap
from bench.report.pictures.marks import HEADING_SIZE, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, on_page, write
from bench.report.pictures.theme import GRID, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 648.0

_MARGIN = 8.0
# Room of a panel for its tick labels and axis label below, and for its heading.
_BELOW, _HEADING = 30.0, 15.0
_COLUMN_GAP, _ROW_GAP = 8.0, 8.0
_LINE = 12.0
# Room for the label of a vertical axis, right of the axes for half a number, and between two numbers.
_AXIS_LABEL, _RIGHT, _NUMBER_GAP = 20.0, 8.0, 5.0

PanelT = TypeVar("PanelT")


@dataclass(frozen=True)
class Scale:
    """One axis: its label, its limits, and its ticks with their texts."""

    label: str
    limits: tuple[float, float]
    ticks: list[float]
    texts: list[str]


@dataclass(frozen=True)
class Layout(Generic[PanelT]):
    """What stands on a sheet.

    Attributes:
        title: In a few words.
        panels: Whatever `draw` draws.
        draw: Draws one panel in its axes.
        heading: What stands above a panel; none of them has one where all are empty.
        columns: Panels side by side, at most.
        panel_height: Height of the axes, in points.
        tick_texts: What stands beside the vertical axes, in all panels.
        legend: Groups of entries, each of which starts a line.
        notes: Sentences at the foot.
    """

    title: str
    panels: Sequence[PanelT]
    draw: Callable[[Axes, PanelT], None]
    heading: Callable[[PanelT], str]
    columns: int
    panel_height: float
    tick_texts: Sequence[str]
    legend: Sequence[Sequence[Entry]]
    notes: Sequence[str]


def compose(layout: Layout[PanelT]) -> Figure:
    """The figure of a layout, on no background."""
    from matplotlib.figure import Figure

    columns = min(layout.columns, len(layout.panels))
    rows = -(-len(layout.panels) // columns)
    left_room = _AXIS_LABEL + max(text_size(text, SMALL_SIZE)[0] for text in layout.tick_texts)
    headings = [layout.heading(panel) for panel in layout.panels]
    heading_room = _HEADING if any(headings) else 0.0
    row_height = heading_room + layout.panel_height + _BELOW + _ROW_GAP
    legend = [line for group in layout.legend for line in flow(group, WIDTH - 2 * _MARGIN)]
    notes = [line for note in layout.notes for line in wrap(note, WIDTH - 2 * _MARGIN, SMALL_SIZE)]
    title_room = _LINE * 1.5
    height = 2 * _MARGIN + title_room + rows * row_height + _LINE * (len(legend) + len(notes))
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    top = height - _MARGIN
    write(
        figure, shorten(layout.title, WIDTH - 2 * _MARGIN, TITLE_SIZE), _MARGIN, top - TITLE_SIZE, TITLE_SIZE, bold=True
    )
    top -= title_room
    slot = (WIDTH - 2 * _MARGIN - (columns - 1) * _COLUMN_GAP) / columns
    for place, (panel, heading) in enumerate(zip(layout.panels, headings, strict=True)):
        row, column = divmod(place, columns)
        left = _MARGIN + column * (slot + _COLUMN_GAP) + left_room
        axes_top = top - row * row_height - heading_room
        bottom = axes_top - layout.panel_height
        axes = figure.add_axes(
            (left / WIDTH, bottom / height, (slot - left_room - _RIGHT) / WIDTH, layout.panel_height / height)
        )
        write(figure, shorten(heading, slot - left_room - _RIGHT, HEADING_SIZE), left, axes_top + 4, HEADING_SIZE)
        dress(axes)
        layout.draw(axes, panel)
    top -= rows * row_height
    for line in legend:
        top -= _LINE
        write_entries(figure, line, _MARGIN, top)
    for note in notes:
        top -= _LINE
        write(figure, note, _MARGIN, top, SMALL_SIZE, MUTED)
    return figure


def dress(axes: Axes) -> None:
    """Axes without a background, with a grid in place of tick marks."""
    axes.patch.set_visible(False)
    for name, spine in axes.spines.items():
        spine.set_visible(name in {"left", "bottom"})
        spine.set_color(GRID.stand_in)
    axes.grid(visible=True, color=GRID.stand_in, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)


def set_axes(axes: Axes, x: Scale, y: Scale) -> None:
    """Set limits, ticks and labels; of horizontal ticks those whose numbers would run together are left out."""
    from matplotlib.ticker import NullLocator

    axes.set_xlim(*x.limits)
    axes.set_ylim(*y.limits)
    shown = _with_room(axes, x)
    for axis, scale in ((axes.xaxis, Scale(x.label, x.limits, *shown)), (axes.yaxis, y)):
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(
            scale.ticks, labels=scale.texts, fontproperties=font(SMALL_SIZE), color=MUTED.stand_in, parse_math=False
        )
        axis.set_label_text(
            drawable(scale.label), fontproperties=font(TEXT_SIZE), color=MUTED.stand_in, parse_math=False
        )
        axis.labelpad = 3


def _with_room(axes: Axes, x: Scale) -> tuple[list[float], list[str]]:
    """The ticks whose numbers have room, and the numbers; the rightmost always has."""
    places = on_page(axes, [(tick, axes.get_ylim()[0]) for tick in x.ticks])[:, 0]
    found: list[tuple[float, str]] = []
    free = math.inf
    for tick, text, middle in sorted(zip(x.ticks, x.texts, places, strict=True), reverse=True):
        half = text_size(text, SMALL_SIZE)[0] / 2
        if middle + half + _NUMBER_GAP <= free:
            found.append((tick, text))
            free = middle - half
    return [tick for tick, _ in reversed(found)], [text for _, text in reversed(found)]
