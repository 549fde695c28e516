"""Lines, markers and text on a figure of 72 dots an inch, whose display is measured in points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.pictures.labels import Float64, Label
from bench.report.pictures.lettering import font
from bench.report.pictures.styles import Dashes
from bench.report.pictures.theme import INK, Color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

TITLE_SIZE, HEADING_SIZE, TEXT_SIZE, SMALL_SIZE = 10.5, 8.5, 8.5, 7.5
# What labels are called in the figure.
LABEL = "label"


def on_page(axes: Axes, places: Sequence[tuple[float, float]]) -> Float64:
    """Places in data as points on the page, shape (n, 2); the axes have their limits and scales."""
    return np.asarray(axes.transData.transform(np.reshape(places, (-1, 2))), dtype=np.float64)


def write(
    where: Figure | Axes,
    text: str,
    x: float,
    y: float,
    size: float,
    color: Color = INK,
    *,
    bold: bool = False,
    gid: str | None = None,
) -> None:
    """Write one drawable line whose baseline starts at a place in points, counted from the page's lower left corner."""
    from matplotlib.transforms import IdentityTransform

    where.text(
        x, y, text, transform=IdentityTransform(), color=color.stand_in, fontproperties=font(size, bold=bold),
        parse_math=False, ha="left", va="baseline", gid=gid,
    )  # fmt: skip


def write_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write labels of the axes where they have been placed."""
    for label in labels:
        write(axes, label.text, label.x, label.y, label.size, gid=LABEL)


def line_of(places: Sequence[tuple[float, float]], color: Color, width: float, dashes: Dashes = ()) -> Line2D:
    """A line without markers; it is not cut at the edges of the axes."""
    from matplotlib.lines import Line2D

    line = Line2D(*zip(*places, strict=True), color=color.stand_in, linewidth=width, clip_on=False)
    if dashes:
        line.set_linestyle((0, dashes))
    return line


def markers_of(
    places: Sequence[tuple[float, float]], color: Color, marker: str, size: float, *, filled: bool
) -> Line2D:
    """Markers without a line."""
    from matplotlib.lines import Line2D

    face = color.stand_in if filled else "none"
    return Line2D(
        *zip(*places, strict=True), linestyle="none", marker=marker, markersize=size, markerfacecolor=face,
        markeredgecolor=color.stand_in, markeredgewidth=0.0 if filled else 1.0, clip_on=False,
    )  # fmt: skip
