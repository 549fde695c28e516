"""From a matplotlib figure to an SVG that is the same bytes for the same figure and fits light and dark pages."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from bench.markdown import printable
from bench.report.pictures.theme import Color, by_stand_in, stylesheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The attribute that names a series of points; a `gid` that starts with it becomes it.
SERIES = "data-series"
_ROOT_CLASS = "picture"
_ROLES = ("fill", "stroke")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_TRANSLATE = re.compile(r"translate\([^)]*\)")
_DOT = re.compile(r"M ([-\d.]+) ([-\d.]+) L \1 \2(?: |$)")
_FONT_IDS = (("DejaVuSans-Bold-", "dvb"), ("DejaVuSans-", "dv"))
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "bench",
    "path.simplify": False,
    "text.parse_math": False,
    "axes.formatter.use_locale": False,
    "lines.scale_dashes": True,
}


@dataclass
class Drawing:
    """A figure and what is said about it in words.

    Attributes:
        figure: In points; colours are stand-ins of the theme's.
        title: What it shows, in a few words.
        description: What a reader who cannot see it should know.
        tips: What is shown of each point under the pointer, by the `gid` of the line whose markers the points are.
    """

    figure: Figure
    title: str
    description: str = ""
    tips: Mapping[str, Sequence[str]] = field(default_factory=dict)


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's own defaults, whatever the user's matplotlibrc says; figures are made and written within."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def to_svg(drawing: Drawing) -> str:
    """The drawing as SVG: no date, no version, classes for colours, text as paths; ends with a newline."""
    written = io.StringIO()
    drawing.figure.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())  # noqa: S314 - what matplotlib has just written
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {_plain_key(key): value for key, value in element.attrib.items()}
        element.text = element.tail = None
    for child in [child for child in root if child.tag in {"metadata", "defs"}]:
        root.remove(child)
    colors = by_stand_in()
    _share_styles(root)
    for element in root.iter():
        # Nothing is drawn beyond its axes.
        element.attrib.pop("clip-path", None)
        _color(element, colors)
        _compact(element)
        _name_series(element, drawing.tips)
    _remove_empty(root)
    _frame(root, drawing)
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>") + "\n"


def _plain_key(key: str) -> str:
    return key.rpartition("}")[2]


def _style(element: ElementTree.Element) -> dict[str, str]:
    declarations = (part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    return {key.strip(): value.strip() for key, value in declarations}


def _share_styles(root: ElementTree.Element) -> None:
    """Give a group of markers the style that each of them has; the marker's own shape inherits it."""
    for group in root.iter("g"):
        styles = {child.get("style") for child in group}
        if len(styles) == 1 and None not in styles and all(child.tag == "use" for child in group):
            group.set("style", styles.pop() or "")
            for child in group:
                del child.attrib["style"]
    for defs in root.iter("defs"):
        for shape in defs:
            shape.attrib.pop("style", None)


def _color(element: ElementTree.Element, colors: Mapping[str, Color]) -> None:
    style = _style(element)
    found = [colors[style.pop(role)].css_class(role) for role in _ROLES if style.get(role) in colors]
    element.attrib.pop("style", None)
    if found:
        element.set("class", " ".join(found))
    if style:
        element.set("style", ";".join(f"{key}:{value}" for key, value in style.items()))


def _compact(element: ElementTree.Element) -> None:
    """Round places to hundredths of a point, which also hides the last bits in which two processors differ."""
    for key in ("d", "x", "y"):
        if key in element.attrib:
            element.set(key, _rounded(" ".join(element.get(key, "").split())))
    if "transform" in element.attrib:
        element.set("transform", _TRANSLATE.sub(lambda found: _rounded(found[0]), element.get("transform", "")))
    for key in ("id", "href"):
        for long, short in _FONT_IDS:
            if key in element.attrib:
                element.set(key, element.get(key, "").replace(long, short))
    if element.tag == "path":
        element.set("d", _dots(element.get("d", "")))
    shift = _TRANSLATE.fullmatch(element.get("transform", ""))
    if element.tag == "use" and shift:
        del element.attrib["transform"]
        element.attrib |= {key: place for key, place in zip("xy", shift[0][10:-1].split(), strict=True) if place != "0"}


def _dots(path: str) -> str:
    """A path of dots alone, lines of no length, as steps from one to the next; another as it is."""
    places = [(round(float(x) * 100), round(float(y) * 100)) for x, y in _DOT.findall(path)]
    if not places or _DOT.sub("", path):
        return path
    steps = [(x - left, y - below) for (left, below), (x, y) in itertools.pairwise([(0, 0), *places])]
    return "".join(f"m{x / 100:g} {y / 100:g}h0" for x, y in steps)


def _rounded(text: str) -> str:
    return _NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)


def _name_series(element: ElementTree.Element, tips: Mapping[str, Sequence[str]]) -> None:
    if element.tag != "g":
        return
    name = element.attrib.pop("id", "")
    if not name.startswith(SERIES):
        return
    element.set(SERIES, name.removeprefix(SERIES))
    for point, tip in zip(element.iter("use"), tips.get(name, []), strict=name in tips):
        ElementTree.SubElement(point, "title").text = printable(tip)


def _remove_empty(parent: ElementTree.Element) -> None:
    for child in list(parent):
        _remove_empty(child)
        if child.tag in {"g", "defs"} and not len(child):
            parent.remove(child)


def _frame(root: ElementTree.Element, drawing: Drawing) -> None:
    _, _, width, height = root.get("viewBox", "").split()
    # A CSS pixel is 3/4 of a point.
    pixels = {key: f"{float(points) * 4 / 3:.0f}" for key, points in (("width", width), ("height", height))}
    body = list(root)
    for child in body:
        root.remove(child)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.get("viewBox", ""),
        **pixels,
        "class": _ROOT_CLASS,
        "role": "img",
        "style": "stroke-linejoin:round",
    }
    ElementTree.SubElement(root, "title").text = printable(drawing.title)
    if drawing.description:
        ElementTree.SubElement(root, "desc").text = printable(drawing.description)
    ElementTree.SubElement(root, "style").text = stylesheet()
    root.extend(body)
