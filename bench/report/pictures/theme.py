"""Colours: one name each, with a value on light and one on dark backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

# The pages that the colours are chosen for; a picture itself has no background.
LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#0d1117"
_PREFIX = "picture"


@dataclass(frozen=True)
class Color:
    """A colour by its name.

    Attributes:
        name: Part of its CSS classes.
        light: Its value on a light background.
        dark: Its value on a dark background.
    """

    name: str
    light: str
    dark: str

    def css_class(self, role: str) -> str:
        """The class that gives an element this colour; role is `fill` or `stroke`."""
        return f"{_PREFIX}-{role}-{self.name}"

    @property
    def stand_in(self) -> str:
        """What it is drawn in: a colour that nothing else has, which the class takes the place of."""
        return f"#01{COLORS.index(self):02x}f1"


INK = Color("ink", "#1f2328", "#e6edf3")
MUTED = Color("muted", "#59636e", "#9198a1")
GRID = Color("grid", "#d1d9e0", "#30363d")
REST = Color("rest", "#8a929b", "#6e7681")
# After Okabe and Ito (2008), each darker or lighter where a background asks for it; two neighbours differ in lightness.
HUES = (
    Color("blue", "#0072b2", "#4ea8de"),
    Color("vermillion", "#d55e00", "#ff8a4c"),
    Color("green", "#008f68", "#2bc79a"),
    Color("indigo", "#4b3f9e", "#a79cf2"),
    Color("sky", "#2f97d1", "#a5dcff"),
    Color("brown", "#7a4a2a", "#d0a37c"),
    Color("purple", "#b5558f", "#e69ac8"),
    Color("ochre", "#a87900", "#e6b400"),
)
TEXT_COLORS = (INK, MUTED)
COLORS = (INK, MUTED, GRID, REST, *HUES)


def by_stand_in() -> dict[str, Color]:
    """Every colour by what it is drawn in."""
    return {color.stand_in: color for color in COLORS}


def stylesheet() -> str:
    """The CSS of all classes: light, and dark where the reader's device asks for it."""
    roles = ("fill", "stroke")
    light = "".join(f".{color.css_class(role)}{{{role}:{color.light}}}" for color in COLORS for role in roles)
    dark = "".join(f".{color.css_class(role)}{{{role}:{color.dark}}}" for color in COLORS for role in roles)
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"
