"""What shortlists that are ranked again keep of the full width's score, by their length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.funnel import Funnel
from bench.report.pictures.legend import Entry
from bench.report.pictures.lettering import drawable
from bench.report.pictures.marks import line_of, markers_of
from bench.report.pictures.scales import linear_ticks, padded, tick_texts
from bench.report.pictures.sheet import Layout, Scale, compose, set_axes
from bench.report.pictures.styles import Dashes
from bench.report.pictures.svg import SERIES, Drawing, own_settings, to_svg
from bench.report.pictures.theme import HUES, MUTED, REST, Color
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE
from bench.views import PRECISIONS, Precision, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More panels make a picture that nobody sees at once.
MOST_PANELS = 9
_DASHES: Mapping[Precision, Dashes] = dict(zip(PRECISIONS, ((), (5, 1.5), (3, 2), (1, 1.3)), strict=True))
_MARKERS: Mapping[Precision, str] = dict(zip(PRECISIONS, "os^D", strict=True))
_MARKER_SIZE = 3.5
# By columns of panels: a single one is as wide as the page.
_HEIGHTS = {1: 220.0, 2: 170.0, 3: 130.0}


@dataclass(frozen=True)
class _Scene:
    """What all panels of a picture share."""

    colors: Mapping[int, Color]
    lengths: tuple[int, ...]
    limits: tuple[float, float]


def funnel_svg(funnels: Sequence[Funnel]) -> str | None:
    """The share of the full width's score against the length of the shortlist, a view a line, as SVG.

    Args:
        funnels: The models of one task unit, a panel each, the best first.

    Returns:
        The picture; None where no model has a share.
    """
    with own_settings():
        drawing = funnel_drawing(funnels)
        return to_svg(drawing) if drawing else None


def funnel_drawing(funnels: Sequence[Funnel]) -> Drawing | None:
    """The drawing behind funnel_svg; to be made and written within own_settings."""
    panels = [funnel for funnel in funnels if any(_line(funnel, view) for view in funnel.views)]
    shown = panels[:MOST_PANELS]
    if not shown:
        return None
    dims = sorted({view.truncate_dim for funnel in shown for view in funnel.views}, reverse=True)
    points = [point for funnel in shown for view in funnel.views for point in _line(funnel, view)]
    scene = _Scene(
        dict(zip(dims, HUES, strict=False)),
        tuple(sorted({length for length, _ in points})),
        padded([1.0, *(share for _, share in points)], 0.06, 0.06),
    )
    tips: dict[str, list[str]] = {}
    columns = 2 if len(shown) == 4 else min(len(shown), 3)
    layout = Layout(
        title=f"{shown[0].title}: share of {shown[0].metric} kept after ranking shortlists again",
        panels=shown,
        draw=lambda axes, funnel: tips.update(_draw(axes, funnel, scene, shown.index(funnel))),
        heading=lambda funnel: f"{funnel.model} {LEAKAGE_MARK}" if funnel.leakage else funnel.model,
        columns=columns,
        panel_height=_HEIGHTS[columns],
        tick_texts=_percents(linear_ticks(*scene.limits)),
        legend=_legend(shown, scene),
        notes=_notes(panels, dims),
    )
    return Drawing(compose(layout), layout.title, _description(shown), tips)


def _line(funnel: Funnel, view: View) -> list[tuple[int, float]]:
    """Length and share of each shortlist of a view whose share is finite."""
    return [
        (shortlist.length, kept.share)
        for shortlist, kept in funnel.shortlists.items()
        if shortlist.view == view and math.isfinite(kept.share)
    ]


def _draw(axes: Axes, funnel: Funnel, scene: _Scene, number: int) -> dict[str, list[str]]:
    axes.set_xscale("log")
    low, high = padded(scene.lengths, 0.06, 0.06, log=True)
    shares = linear_ticks(*scene.limits)
    set_axes(
        axes,
        Scale("documents of the shortlist", (low, high), list(scene.lengths), [f"{n:,}" for n in scene.lengths]),
        Scale("share kept", scene.limits, shares, _percents(shares)),
    )
    axes.add_line(line_of([(low, 1.0), (high, 1.0)], MUTED, 0.8))
    tips = {}
    for place, view in enumerate(funnel.views):
        points = _line(funnel, view)
        if not points:
            continue
        color = scene.colors.get(view.truncate_dim, REST)
        axes.add_line(line_of(points, color, 1.2, _DASHES[view.precision]))
        markers = markers_of(points, color, _MARKERS[view.precision], _MARKER_SIZE, filled=True)
        gid = f"{SERIES}{number}.{place}"
        markers.set_gid(gid)
        axes.add_line(markers)
        tips[gid] = [f"{view}, {length:,} ranked again: {share:.1%}" for length, share in points]
    return tips


def _percents(shares: Iterable[float]) -> list[str]:
    return [f"{text}%" for text in tick_texts([100 * share for share in shares])]


def _legend(funnels: Sequence[Funnel], scene: _Scene) -> list[list[Entry]]:
    precisions = {view.precision for funnel in funnels for view in funnel.views}
    dims = [Entry(f"{dim} dimensions", color, width=1.6) for dim, color in scene.colors.items()]
    ways = [
        Entry(drawable(precision), MUTED, _MARKERS[precision], _MARKER_SIZE, width=1.2, dashes=_DASHES[precision])
        for precision in PRECISIONS
        if precision in precisions
    ]
    return [dims, ways]


def _notes(funnels: Sequence[Funnel], dims: Sequence[int]) -> list[str]:
    notes = [f"{LEAKAGE_NOTE}."] if any(funnel.leakage for funnel in funnels[:MOST_PANELS]) else []
    if len(funnels) > MOST_PANELS:
        notes.append(f"The {MOST_PANELS} best at full width of {len(funnels):,} models.")
    if len(dims) > len(HUES):
        notes.append(f"The {len(HUES)} widest of {len(dims):,} dimensions in colour, the others grey.")
    return notes


def _description(funnels: Sequence[Funnel]) -> str:
    told = []
    for funnel in funnels:
        view = min(funnel.views, key=lambda view: view.bytes_per_vector)
        shares = ", ".join(f"{share:.1%} with {length:,}" for length, share in _line(funnel, view))
        told.append(f"{funnel.model} at {view}: {shares}.")
    return " ".join(told)
