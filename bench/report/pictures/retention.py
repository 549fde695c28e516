"""What models keep of their score at each dimension, beside controls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.report.pictures.labels import Box, Wish, along, place
from bench.report.pictures.legend import Entry
from bench.report.pictures.lettering import drawable, short_names
from bench.report.pictures.marks import SMALL_SIZE, TEXT_SIZE, line_of, markers_of, on_page, write_labels
from bench.report.pictures.scales import linear_ticks, padded, tick_texts
from bench.report.pictures.sheet import Layout, Scale, compose, set_axes
from bench.report.pictures.styles import MODEL_STYLES, Dashes, ModelStyle, model_styles
from bench.report.pictures.svg import SERIES, Drawing, own_settings, to_svg
from bench.report.pictures.theme import MUTED, REST
from bench.report.retention import Retention, RetentionLine
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_WIDTH, _LEGEND_WIDTH = 96.0, 190.0
_METHOD_DASHES: tuple[Dashes, ...] = ((5, 2), (1, 1.3), (6, 1.5, 1, 1.5), (2, 2))
_BAND_OPACITY = 0.2
_MARKER_SIZE = 5.0
# By columns of panels: a single one is as wide as the page.
_HEIGHTS = {1: 220.0, 2: 170.0, 3: 130.0}


@dataclass(frozen=True)
class _Panel:
    """All models without their controls, or one with its own.

    Attributes:
        model: The one; None of all.
        lines: What is drawn.
        controls: Whether controls are drawn too.
    """

    model: str | None
    lines: tuple[RetentionLine, ...]
    controls: bool


@dataclass(frozen=True)
class _Scene:
    """What all panels of a picture share."""

    styles: Mapping[str, ModelStyle]
    names: Mapping[str, str]
    methods: Mapping[str, Dashes]
    dims: tuple[int, ...]
    limits: tuple[float, float]


def retention_svg(retention: Retention, among: Iterable[str] = ()) -> str | None:
    """The share of the full-width score against dimensions, a model a line, as SVG.

    The first panel has every model; each model that was compared with controls has a panel of its own besides.

    Args:
        retention: One task unit.
        among: All models of the report (see model_styles).

    Returns:
        The picture; None where no model has a share.
    """
    with own_settings():
        drawing = retention_drawing(retention, among)
        return to_svg(drawing) if drawing else None


def retention_drawing(retention: Retention, among: Iterable[str] = ()) -> Drawing | None:
    """The drawing behind retention_svg; to be made and written within own_settings."""
    lines = [clean for line in retention.lines if (clean := _finite(line)).shares]
    if not lines:
        return None
    chosen = [line.model for line in lines[: len(MODEL_STYLES)]]
    found = model_styles(chosen, among)
    styles = {model: found[model] for model in chosen}
    controlled = [line for line in lines if line.controls and line.model in styles]
    panels = [_Panel(line.model, (line,), controls=True) for line in controlled]
    if len(lines) > 1 or not controlled:
        panels.insert(0, _Panel(None, tuple(lines), controls=False))
    methods = sorted({method for line in controlled for method in line.controls})
    shares = [1.0]
    for line in lines:
        shares += line.shares.values()
    for line in controlled:
        shares += [share for draws in line.controls.values() for three in draws.values() for share in three]
    scene = _Scene(
        styles,
        short_names(styles, _LABEL_WIDTH, SMALL_SIZE),
        {method: _METHOD_DASHES[place % len(_METHOD_DASHES)] for place, method in enumerate(methods)},
        tuple(sorted({dim for line in lines for dim in _dims(line)})),
        padded(shares, 0.06, 0.1),
    )
    tips: dict[str, list[str]] = {}
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    layout = Layout(
        title=f"{retention.title}: share of {retention.metric} kept at each dimension",
        panels=panels,
        draw=lambda axes, panel: tips.update(_draw(axes, panel, scene, panels.index(panel))),
        heading=lambda panel: "" if len(panels) == 1 else panel.model or "all models",
        columns=columns,
        panel_height=_HEIGHTS[columns],
        tick_texts=_percents(linear_ticks(*scene.limits)),
        legend=_legend(scene, {line.model for line in lines if line.leakage}),
        notes=_notes(lines, scene),
    )
    return Drawing(compose(layout), layout.title, _description(lines), tips)


def _finite(line: RetentionLine) -> RetentionLine:
    """The line with finite shares alone, from narrow to wide."""
    shares = {dim: share for dim, share in sorted(line.shares.items()) if math.isfinite(share)}
    controls = {
        method: {dim: three for dim, three in sorted(draws.items()) if all(map(math.isfinite, three))}
        for method, draws in line.controls.items()
    }
    return replace(line, shares=shares, controls={method: draws for method, draws in controls.items() if draws})


def _dims(line: RetentionLine) -> set[int]:
    return {*line.shares, *(dim for draws in line.controls.values() for dim in draws)}


def _draw(axes: Axes, panel: _Panel, scene: _Scene, number: int) -> dict[str, list[str]]:
    axes.set_xscale("log", base=2)
    low, high = padded(scene.dims, 0.06, 0.06, log=True)
    shares = linear_ticks(*scene.limits)
    set_axes(
        axes,
        Scale("dimensions", (low, high), list(scene.dims), [f"{dim}" for dim in scene.dims]),
        Scale("share kept", scene.limits, shares, _percents(shares)),
    )
    axes.add_line(line_of([(low, 1.0), (high, 1.0)], MUTED, 0.8))
    tips: dict[str, list[str]] = {}
    for line in panel.lines:
        kept = list(line.shares.items())
        style = scene.styles.get(line.model)
        if style is None:
            axes.add_line(line_of(kept, REST, 0.7))
            continue
        if panel.controls:
            _draw_controls(axes, line, style, scene)
        axes.add_line(line_of(kept, style.color, 1.6, () if panel.controls else style.dashes))
        markers = markers_of(kept, style.color, style.marker, _MARKER_SIZE, filled=True)
        gid = f"{SERIES}{number}.{list(scene.styles).index(line.model)}"
        markers.set_gid(gid)
        axes.add_line(markers)
        tips[gid] = [f"{line.model} {dim}: {share:.1%}" for dim, share in line.shares.items()]
    if not panel.controls:
        _draw_labels(axes, [line for line in panel.lines if line.model in scene.styles], scene.names)
    return tips


def _draw_controls(axes: Axes, line: RetentionLine, style: ModelStyle, scene: _Scene) -> None:
    for method, draws in sorted(line.controls.items()):
        means, lows, highs = zip(*draws.values(), strict=True)
        if lows != highs:
            axes.fill_between(
                list(draws), lows, highs, facecolor=style.color.stand_in, edgecolor="none", alpha=_BAND_OPACITY,
                linewidth=0, clip_on=False,
            )  # fmt: skip
        axes.add_line(line_of(list(zip(draws, means, strict=True)), style.color, 1.0, scene.methods[method]))


def _draw_labels(axes: Axes, lines: Sequence[RetentionLine], names: Mapping[str, str]) -> None:
    """Name each line once, at its narrowest dimension if there is room."""
    if not lines:
        return
    places = [on_page(axes, list(line.shares.items())) for line in lines]
    labels = place(
        [Wish(names[line.model], anchors, SMALL_SIZE) for line, anchors in zip(lines, places, strict=True)],
        Box(*axes.bbox.extents),
        np.concatenate(places),
        np.concatenate([along(*corners.T) for corners in places]),
        np.zeros((0, 2)),
    )
    write_labels(axes, labels)


def _percents(shares: Iterable[float]) -> list[str]:
    return [f"{text}%" for text in tick_texts([100 * share for share in shares])]


def _legend(scene: _Scene, leaking: Set[str]) -> list[list[Entry]]:
    names = {
        model: f"{name} {LEAKAGE_MARK}" if model in leaking else name
        for model, name in short_names(scene.styles, _LEGEND_WIDTH, TEXT_SIZE).items()
    }
    models = [
        Entry(names[model], style.color, style.marker, _MARKER_SIZE, width=1.6, dashes=style.dashes)
        for model, style in scene.styles.items()
    ]
    controls = [
        Entry(f"control: {drawable(method)}", MUTED, width=1.0, dashes=dashes)
        for method, dashes in scene.methods.items()
    ]
    return [models, controls]


def _notes(lines: Sequence[RetentionLine], scene: _Scene) -> list[str]:
    notes = [f"{LEAKAGE_NOTE}."] if any(line.leakage for line in lines) else []
    if len(lines) > len(scene.styles):
        notes.append(
            f"{len(lines):,} models: the {len(scene.styles)} best at full width in colour, "
            f"the other {len(lines) - len(scene.styles):,} as grey lines."
        )
    draws = [draws for line in lines for draws in line.controls.values()]
    if any(low != high for found in draws for _, low, high in found.values()):
        notes.append("Bands reach from the lowest to the highest draw of a control, its line is their mean.")
    return notes


def _description(lines: Sequence[RetentionLine]) -> str:
    told = [
        f"{line.model}: {', '.join(f'{share:.1%} at {dim}' for dim, share in reversed(line.shares.items()))}."
        for line in lines[: len(MODEL_STYLES)]
    ]
    return " ".join(told)
