"""How models and precisions are told apart: by hue, marker and dashes; by size and filling."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bench.report.pictures.theme import HUES, Color
from bench.views import PRECISIONS, Precision

# Lengths of ink and gap in units of the line's width; empty is a solid line.
Dashes = tuple[float, ...]

_MARKERS = ("o", "s", "^", "D", "P", "v", "X", ">")
_DASHES: tuple[Dashes, ...] = (
    (),
    (6, 2),
    (1, 1.5),
    (6, 2, 1, 2),
    (10, 3),
    (3, 1.5),
    (8, 2, 1, 2, 1, 2),
    (2, 3),
)


@dataclass(frozen=True)
class ModelStyle:
    """What tells one model from another, three times over: no two styles share any of the three."""

    color: Color
    marker: str
    dashes: Dashes


@dataclass(frozen=True)
class PointStyle:
    """What tells one precision from another.

    Attributes:
        size: Of the marker, in points.
        filled: Whether the marker is filled.
    """

    size: float
    filled: bool


MODEL_STYLES = tuple(map(ModelStyle, HUES, _MARKERS, _DASHES))
POINT_STYLES: dict[Precision | None, PointStyle] = {
    None: PointStyle(5.6, filled=True),
    **dict(
        zip(
            PRECISIONS,
            (PointStyle(5.6, True), PointStyle(5.6, False), PointStyle(3.4, True), PointStyle(3.4, False)),
            strict=True,
        )
    ),
}


def model_styles(shown: Collection[str], among: Iterable[str] = ()) -> dict[str, ModelStyle]:
    """A style for each model.

    Args:
        shown: The models, at most as many as there are styles.
        among: All models of a report. A model keeps its style in all pictures that name the same ones, as far as two
            shown ones do not want the same.
    """
    wanted = {name: place % len(MODEL_STYLES) for place, name in enumerate(sorted({*among, *shown}))}
    free = dict(enumerate(MODEL_STYLES))
    found = {}
    for name in sorted(shown):
        place = wanted[name] if wanted[name] in free else min(free)
        found[name] = free.pop(place)
    return found
