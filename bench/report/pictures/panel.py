"""One panel of quality against a cost, each point a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.pictures.labels import Box, Wish, along, place
from bench.report.pictures.marks import SMALL_SIZE, line_of, markers_of, on_page, write_labels
from bench.report.pictures.points import Panel, Point, front_of
from bench.report.pictures.scales import linear_ticks, log_ticks, number_text, padded, short_number, tick_texts
from bench.report.pictures.sheet import Scale, set_axes
from bench.report.pictures.styles import POINT_STYLES, ModelStyle
from bench.report.pictures.svg import SERIES
from bench.report.pictures.theme import INK, REST
from bench.views import PRECISIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOT_SIZE = 2.6
# What parts of a panel are called in the figure.
FRONT, REST_DOTS = "front", "rest"
# Costs that differ by less than this share are not drawn as if they differed much.
_LEAST_SPAN = 0.25


def draw_panel(
    axes: Axes,
    panel: Panel,
    styles: Mapping[str, ModelStyle],
    names: Mapping[str, str],
    y_limits: tuple[float, float],
) -> dict[str, list[str]]:
    """Draw one panel.

    Args:
        axes: Empty axes.
        panel: What to draw.
        styles: Of the models that are told apart; the others are grey dots.
        names: What these models are called in labels, drawable.
        y_limits: Limits of the quality axis.

    Returns:
        What each point is, by the `gid` of its series: SERIES, then `panel.model.precision`, the model as its place
        among the styles.
    """
    log = panel.log
    costs = [point.cost for point in panel.points]
    low, high = padded(costs, 0.06, 0.1, log=log, least=_LEAST_SPAN)
    low = max(low, 0.0) if min(costs) >= 0 else low
    if log:
        axes.set_xscale("log")
    ticks = log_ticks(low, high) if log else linear_ticks(low, high)
    x = Scale(panel.cost, (low, high), ticks, list(map(number_text, ticks)) if log else tick_texts(ticks))
    ticks = linear_ticks(*y_limits)
    set_axes(axes, x, Scale(panel.quality, y_limits, ticks, tick_texts(ticks)))
    _draw_rest(axes, [point for point in panel.points if point.model not in styles])
    for model in sorted(panel.levels.keys() - styles):
        axes.add_line(line_of([(low, panel.levels[model]), (high, panel.levels[model])], REST, 0.7))
    _draw_front(axes, panel.front, high)
    tips: dict[str, list[str]] = {}
    for number, (model, style) in enumerate(styles.items()):
        own = [point for point in panel.points if point.model == model]
        if model in panel.levels:
            axes.add_line(
                line_of(
                    [(low, panel.levels[model]), (high, panel.levels[model])], style.color, 1.0, style.dashes or (12, 3)
                )
            )
        if own:
            axes.add_line(line_of(_own_line(panel, model), style.color, 0.9, style.dashes))
        for precision in (*PRECISIONS, None):
            series = [point for point in own if point.precision == precision]
            if series:
                gid = f"{SERIES}{panel.key}.{number}.{precision or 'none'}"
                _draw_series(axes, series, style, gid)
                tips[gid] = [_tip(point, panel) for point in series]
    _draw_labels(axes, panel, styles, names)
    return tips


def _tip(point: Point, panel: Panel) -> str:
    view = f" {point.view}" if point.view else ""
    return f"{point.model}{view}: {panel.quality} {point.score:.4f}, {panel.cost} {short_number(point.cost)}"


def _draw_rest(axes: Axes, points: Sequence[Point]) -> None:
    """Grey dots as one path, one for all that fall on the same point of the page."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not points:
        return
    places = on_page(axes, [(point.cost, point.score) for point in points])
    places = np.unique(np.round(places), axis=0)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(places)).astype(np.uint8)
    dots = PathPatch(
        Path(np.repeat(places, 2, axis=0), codes), transform=None, facecolor="none", edgecolor=REST.stand_in,
        linewidth=DOT_SIZE, capstyle="round", clip_on=False, gid=REST_DOTS,
    )  # fmt: skip
    axes.add_artist(dots)


def _draw_front(axes: Axes, front: Sequence[Point], end: float) -> None:
    """The best score that can be had at each cost."""
    line = line_of(_steps(front, end), INK, 1.2)
    line.set_gid(FRONT)
    axes.add_line(line)


def _draw_series(axes: Axes, series: Sequence[Point], style: ModelStyle, gid: str) -> None:
    look = POINT_STYLES[series[0].precision]
    places = [(point.cost, point.score) for point in series]
    markers = markers_of(places, style.color, style.marker, look.size, filled=look.filled)
    markers.set_gid(gid)
    markers.set_zorder(3)
    axes.add_line(markers)


def _draw_labels(axes: Axes, panel: Panel, styles: Mapping[str, ModelStyle], names: Mapping[str, str]) -> None:
    """Name each model once, at its best point, then the views on the front."""
    (low, high), front = axes.get_xlim(), panel.front
    page_low, page_high = axes.bbox.x0, axes.bbox.x1
    wishes: list[Wish] = []
    for model in styles:
        # At the cheapest of its best points, which is on the front if any of them is; otherwise at the next.
        own = sorted((p for p in panel.points if p.model == model), key=lambda p: (-p.score, p.cost))
        anchors = on_page(axes, [(point.cost, point.score) for point in own])
        if model in panel.levels:
            height = on_page(axes, [(low, panel.levels[model])])[0, 1]
            anchors = np.column_stack([np.linspace(page_high, page_low, 7)[:-1], np.full(6, height)])
        wishes.append(Wish(names[model], anchors, SMALL_SIZE))
    if not panel.of_model:
        # Two models may have one view in one place.
        views = {(str(point.view), point.cost, point.score): None for point in reversed(front) if point.view}
        wishes += [Wish(text, on_page(axes, [(cost, score)]), SMALL_SIZE) for text, cost, score in views]
    colored = [point for point in panel.points if point.model in styles]
    levels = [[(low, level), (high, level)] for level in panel.levels.values()]
    nameable = [on_page(axes, [(point.cost, point.score) for point in colored])]
    nameable += [along(*on_page(axes, line).T) for line in levels]
    clutter = [on_page(axes, [(point.cost, point.score) for point in panel.points])]
    clutter += [along(*on_page(axes, _own_line(panel, model)).T) for model in {point.model for point in colored}]
    labels = place(
        wishes,
        Box(*axes.bbox.extents),
        np.concatenate(nameable),
        along(*on_page(axes, _steps(front, high)).T),
        np.concatenate(clutter),
    )
    write_labels(axes, labels)


def _steps(front: Sequence[Point], end: float) -> list[tuple[float, float]]:
    """The corners of a front: at each point a step up, and at last the edge of the panel."""
    corners = [(front[0].cost, front[0].score)]
    for point in front[1:]:
        corners += [(point.cost, corners[-1][1]), (point.cost, point.score)]
    return [*corners, (end, corners[-1][1])]


def _own_line(panel: Panel, model: str) -> list[tuple[float, float]]:
    """The line that holds a model's points together: through its own front, or from its lowest to its highest."""
    own = [point for point in panel.points if point.model == model]
    places = [(point.cost, point.score) for point in (own if panel.of_model else front_of(own))]
    return [min(places), max(places)] if panel.of_model else places
