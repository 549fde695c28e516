from __future__ import annotations

import numpy as np
import pytest
from drawn_tables import SVG, check_svg, series, texts

from bench.report.funnel import Funnel, Kept
from bench.report.pictures.funnel import funnel_drawing, funnel_svg
from bench.report.pictures.svg import own_settings, to_svg
from bench.views import PRECISIONS, Shortlist, View

UNIT = ("shop", "test", "default")


def funnel(model="mini", shares=None, **more):
    shares = shares or {
        Shortlist(View(dim, precision), length): 1 - 5 / dim / length
        for dim in (384, 48)
        for precision in ("float32", "binary")
        for length in (10, 100, 500)
    }
    shortlists = {place: Kept(share, share, 0.9) for place, share in shares.items()}
    return Funnel(UNIT, "shop (test)", "ndcg_at_10", model, "mrl", 1.0, shortlists, **more)


def drawn(*funnels):
    with own_settings():
        drawing = funnel_drawing(funnels)
        return drawing.figure, to_svg(drawing)


def test_every_share_stands_at_its_length_a_panel_a_model():
    figure, svg = drawn(funnel(), funnel("other"))
    check_svg(svg)
    assert len(figure.axes) == 2
    height = figure.get_size_inches()[1] * 72
    for number, axes in enumerate(figure.axes):
        for place, view in enumerate(funnel().views):
            page = series(svg)[f"{number}.{place}"]
            back = axes.transData.inverted().transform(np.column_stack([page[:, 0], height - page[:, 1]]))
            kept = [(s.length, kept.share) for s, kept in funnel().shortlists.items() if s.view == view]
            np.testing.assert_allclose(back, kept, rtol=1e-3)


def test_dimensions_have_colours_and_precisions_dashes_that_the_legend_names():
    figure, _ = drawn(funnel())
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3 and line.get_linestyle() != "None"]
    assert len({line.get_color() for line in lines}) == 2
    assert [line.is_dashed() for line in lines] == [False, True, False, True]
    found = texts(figure)
    assert {"384 dimensions", "48 dimensions", "float32", "binary", "mini"} <= set(found)
    assert not {"int8", "float16"} & set(found)


@pytest.mark.parametrize("count", [1, 4, 12, 40])
def test_many_models_and_many_dimensions(count):
    shares = {
        Shortlist(View(dim, precision), length): 0.5 + length / 2000
        for dim in range(1, 12)
        for precision in PRECISIONS
        for length in (10, 1000)
    }
    figure, svg = drawn(*(funnel("<b>" + "x" * 80 + str(number), shares) for number in range(count)))
    check_svg(svg)
    assert len(figure.axes) == min(count, 9)
    found = texts(figure)
    assert any("The 8 widest of 11 dimensions" in text for text in found)
    assert any(f"of {count:,} models" in text for text in found) == (count > 9)


def test_extreme_shares_and_none():
    assert funnel_svg([]) is None
    assert funnel_svg([funnel(shares={Shortlist(View(4), 10): float("nan")})]) is None
    for share in (0.0, 1.0, 40.0, -3.0):
        check_svg(drawn(funnel(shares={Shortlist(View(4), 1): share}))[1])


def test_leakage_is_marked_and_explained():
    found = texts(drawn(funnel("seen", leakage=True), funnel("fine"))[0])
    assert {"seen ‡", "fine"} <= set(found)
    assert any(text.startswith("‡ may have been trained on") for text in found)


def test_the_words_tell_the_smallest_view():
    root = check_svg(funnel_svg([funnel()]))
    assert root.findtext(f"{SVG}title") == "shop (test): share of ndcg_at_10 kept after ranking shortlists again"
    assert root.findtext(f"{SVG}desc") == "mini at 48 binary: 99.0% with 10, 99.9% with 100, 100.0% with 500."
