"""Tables for tests of pictures, and what their SVG says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

import numpy as np

from bench.report.encoding import EncodingRow
from bench.report.rows import Row, Table
from bench.results.schema import Value
from bench.views import PRECISIONS, View

SVG = "{http://www.w3.org/2000/svg}"
SHARES = {"float32": 1.0, "float16": 0.999, "int8": 0.99, "binary": 0.8}


def row(model, view, score, *, search=None, kind="pretrained", **more):
    """A row of a view; None is a baseline's."""
    return Row(
        model, kind, view, None if score is None else Value(value=score), None, reference=False,
        bytes_per_vector=view.bytes_per_vector if view else None, search_ms=search, **more,
    )  # fmt: skip


def encoding(model, p50=None, mib=None, *, noisy=False):
    """What encoding costs."""
    nothing = dict.fromkeys(set(EncodingRow.__dataclass_fields__) - {"model", "noisy", "p50_ms", "encode_mib"})
    return EncodingRow(model=model, noisy=noisy, p50_ms=p50, encode_mib=mib, **nothing)


def table(rows, encodings=(), *, unit=("shop", "test", "default"), metric="ndcg_at_10", environment=None):
    return Table(unit, metric, 2, "queries", environment, rows=list(rows), encoding=list(encodings))


def drawn_table(models, seed=0, dims=(384, 192, 96, 48), **more):
    """Models with all views and all costs; names of many are alike."""
    rng = np.random.default_rng(seed)
    rows, encodings = [], []
    for number in range(models):
        name, best = f"organisation/model-{number:03d}", rng.uniform(0.3, 0.8)
        for dim in dims:
            for precision in PRECISIONS:
                view = View(dim, precision)
                score = best * SHARES[precision] * (dim / max(dims)) ** 0.2 + rng.normal() * 0.002
                rows.append(row(name, view, score, search=view.bytes_per_vector**0.5 * rng.uniform(0.01, 0.012)))
        encodings.append(encoding(name, float(np.exp(rng.normal(2, 1))), float(rng.uniform(400, 9000))))
    return table(rows, encodings, **more)


def series(svg):
    """Places of markers on the page by the name of their series, shape (n, 2)."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - a picture of our own
    return {
        group.get("data-series"): np.array(
            [(float(use.get("x")), float(use.get("y"))) for use in group.iter(f"{SVG}use")]
        )
        for group in root.iter(f"{SVG}g")
        if group.get("data-series")
    }


def texts(figure) -> Iterable[str]:
    """All text of a figure: titles, legends and notes, labels, and what stands beside the axes."""
    from matplotlib.text import Text

    return [found.get_text() for found in figure.findobj(Text) if found.get_text()]


def check_svg(svg):
    """Hold an SVG to what all pictures promise: valid, of few kinds of elements, colours by class alone."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - a picture of our own
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "title", "desc", "style", "g", "defs", "path", "use"}, kinds
    keys = {key for element in root.iter() for key in element.attrib}
    known = {
        "d",
        "x",
        "y",
        "id",
        "href",
        "class",
        "style",
        "transform",
        "data-series",
        "viewBox",
        "width",
        "height",
        "role",
    }
    assert keys <= known, keys - known
    style = root.findtext(f"{SVG}style")
    for element in root.iter():
        for name in element.get("class", "").split():
            assert f".{name}{{" in style or name == "picture"
        assert not re.search(r"#|url|rgb", element.get("style", ""))
        assert element.get("href", "#").startswith("#")
    for paint in root.iter(f"{SVG}path"):
        assert paint.get("id") or "class" in paint.attrib
    assert "matplotlib" not in svg.lower()
    assert not re.search(r"20\d\d-\d\d", svg)
    assert svg.endswith("</svg>\n")
    return root
