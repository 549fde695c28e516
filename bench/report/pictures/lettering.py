"""Text in pictures: what can be drawn of it, how wide it is, and how it is shortened."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.markdown import printable

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

_ELLIPSIS = "…"
_NO_GLYPH = "□"


def drawable(text: str) -> str:
    """One line in which a box stands for every character that the font lacks."""
    known = _characters()
    # Joiners have no glyph of their own.
    shown = (character for character in printable(text) if not unicodedata.category(character).startswith("C"))
    return "".join(character if ord(character) in known else _NO_GLYPH for character in shown)


def font(size: float, *, bold: bool = False) -> FontProperties:
    """The font that matplotlib brings along, whatever fonts the machine has.

    Args:
        size: In points.
        bold: Whether it is bold.
    """
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file(bold=bold), size=size)


def text_size(text: str, size: float, *, bold: bool = False) -> tuple[float, float, float]:
    """Width, height and descent of one drawn line, in points; a line is at least as high as its letters l and p."""
    from matplotlib.textpath import text_to_path

    properties = font(size, bold=bold)
    width, height, descent = text_to_path.get_text_width_height_descent(text, properties, False)
    _, usual_height, usual_descent = text_to_path.get_text_width_height_descent("lp", properties, False)
    descent = max(descent, usual_descent)
    return width, max(height - descent, usual_height - usual_descent) + descent, descent


def shorten(text: str, width: float, size: float) -> str:
    """Drawable text of at most a width in points, cut in the middle, since names differ at their ends."""
    text = drawable(text)
    kept = len(text)
    found = text
    while kept > 0 and (taken := text_size(found, size)[0]) > width:
        # The first cut is about right, so that a name of any length takes few of them.
        kept = min(kept - 1, int(kept * width / taken) + 1)
        head = (kept + 1) // 2
        found = text[:head].rstrip() + _ELLIPSIS + text[len(text) - (kept - head) :].lstrip()
    return found


def short_names(names: Iterable[str], width: float, size: float) -> dict[str, str]:
    """Names cut to a width in points (see shorten), by name; those that would become the same are numbered."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        short, number = shorten(name, width, size) or _NO_GLYPH, 1
        while short in taken:
            number += 1
            mark = f" ({number})"
            short = shorten(name, width - text_size(mark, size)[0], size) + mark
        taken.add(short)
        found[name] = short
    return found


def wrap(text: str, width: float, size: float) -> list[str]:
    """Drawable text as lines of at most a width in points."""
    lines: list[str] = []
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_size(longer, size)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return lines


def _font_file(*, bold: bool) -> Path:
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
def _characters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(_font_file(bold=False))).get_charmap())
