"""Sheets of panels of quality against a cost: styles, legend, notes and words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.report.pictures.legend import Entry
from bench.report.pictures.lettering import short_names
from bench.report.pictures.marks import SMALL_SIZE, TEXT_SIZE
from bench.report.pictures.panel import DOT_SIZE, draw_panel
from bench.report.pictures.points import Panel, highlighted, model_count
from bench.report.pictures.scales import linear_ticks, padded, short_number, tick_texts
from bench.report.pictures.sheet import Layout, compose
from bench.report.pictures.styles import POINT_STYLES, ModelStyle, model_styles
from bench.report.pictures.svg import Drawing
from bench.report.pictures.theme import INK, MUTED, REST
from bench.views import PRECISIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_WIDTH, _LEGEND_WIDTH = 96.0, 190.0
# Scores that differ by less than this share are not drawn as if they differed much.
_LEAST_SPAN = 0.05
# Points of each front that the description names.
_DESCRIBED = 8


def scatter_drawing(
    title: str,
    panels: Sequence[Panel],
    marks: Mapping[str, str],
    notes: Sequence[str],
    among: Iterable[str],
    *,
    columns: int,
    panel_height: float,
    one_scale: bool,
    with_tips: bool,
) -> Drawing:
    """A sheet of panels.

    Args:
        title: What they show together.
        panels: At least one.
        marks: What follows the names of models in the legend, by model.
        notes: What a reader should know, among it what the marks mean.
        among: All models of the report (see model_styles).
        columns: Panels side by side.
        panel_height: In points.
        one_scale: Whether all panels show the same scores, on the same scale.
        with_tips: Whether each point says under the pointer what it is, which doubles the size of the picture.
    """
    chosen = highlighted(panels)
    found = model_styles(chosen, among)
    styles = {model: found[model] for model in chosen}
    in_panels = short_names(styles, _LABEL_WIDTH, SMALL_SIZE)
    in_legend = short_names(styles, _LEGEND_WIDTH, TEXT_SIZE)
    in_legend = {model: f"{name} {marks.get(model, '')}".rstrip() for model, name in in_legend.items()}
    scores = {panel.key: panel.scores for panel in panels}
    if one_scale:
        scores = {key: [score for of_panel in scores.values() for score in of_panel] for key in scores}
    limits = {key: padded(of_panel, 0.06, 0.12, least=_LEAST_SPAN) for key, of_panel in scores.items()}
    tips: dict[str, list[str]] = {}

    def draw(axes: Axes, panel: Panel) -> None:
        tips.update(draw_panel(axes, panel, styles, in_panels, limits[panel.key]))

    layout = Layout(
        title=title,
        panels=panels,
        draw=draw,
        heading=lambda panel: panel.heading,
        columns=columns,
        panel_height=panel_height,
        tick_texts=[text for of_panel in limits.values() for text in tick_texts(linear_ticks(*of_panel))],
        legend=_legend(panels, styles, in_legend),
        notes=[*_rest_notes(panels, styles), *notes],
    )
    return Drawing(compose(layout), title, _description(panels), tips if with_tips else {})


def _legend(panels: Sequence[Panel], styles: Mapping[str, ModelStyle], names: Mapping[str, str]) -> list[list[Entry]]:
    """What front, models and precisions look like."""
    models = [Entry("Pareto front", INK, width=1.2)]
    models += [
        Entry(names[model], style.color, style.marker, width=0.9, dashes=style.dashes)
        for model, style in styles.items()
    ]
    shown = {point.precision for panel in panels for point in panel.points if point.model in styles}
    precisions = [
        Entry(str(precision), MUTED, "o", POINT_STYLES[precision].size, POINT_STYLES[precision].filled)
        for precision in PRECISIONS
        if precision in shown
    ]
    if model_count(panels) > len(styles):
        precisions.append(Entry("other models", REST, "o", DOT_SIZE))
    return [models, precisions]


def _rest_notes(panels: Sequence[Panel], styles: Mapping[str, ModelStyle]) -> list[str]:
    """How many models are grey, as a sentence; none where all are told apart."""
    models = model_count(panels)
    if models == len(styles):
        return []
    on_fronts = len({point.model for panel in panels for point in panel.front})
    told = f"the {len(styles)} of them" if on_fronts == len(styles) else f"{len(styles)} of the {on_fronts}"
    return [
        f"{models:,} models: {told} on a Pareto front in colour, the other {models - len(styles):,} as grey points."
    ]


def _description(panels: Sequence[Panel]) -> str:
    """The fronts in words."""
    sentences = []
    for panel in panels:
        front = panel.front
        told = [
            f"{point.model}{f' {point.view}' if point.view else ''} ({short_number(point.cost)}, {point.score:.4f})"
            for point in front[:_DESCRIBED]
        ]
        if len(front) > _DESCRIBED:
            told.append(f"and {len(front) - _DESCRIBED} more")
        heading = f"{panel.heading}: " if panel.heading else ""
        sentences.append(f"{heading}Pareto front of {panel.quality} and {panel.cost}: {'; '.join(told)}.")
    return " ".join(sentences)
