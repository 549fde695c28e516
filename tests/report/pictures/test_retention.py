from __future__ import annotations

import itertools

import numpy as np
import pytest
from drawn_tables import SVG, check_svg, series, texts

from bench.report.pictures.retention import retention_drawing, retention_svg
from bench.report.pictures.svg import own_settings, to_svg
from bench.report.retention import Retention, RetentionLine

SHARES = {384: 1.0, 192: 0.93, 96: 0.83, 48: 0.67}
CONTROLS = {
    "pca": {192: (0.95, 0.95, 0.95), 96: (0.9, 0.9, 0.9)},
    "random": {192: (0.9, 0.85, 0.97), 96: (0.7, 0.6, 0.8), 48: (0.5, 0.3, 0.6)},
}


def retention(*lines):
    return Retention(("shop", "test", "default"), "shop (test)", "ndcg_at_10", list(lines))


def line(name="mini", shares=SHARES, controls=None, **more):
    return RetentionLine(name, "mrl", shares, controls or {}, **more)


def drawn(made):
    with own_settings():
        drawing = retention_drawing(made)
        return drawing.figure, to_svg(drawing)


def test_every_share_stands_at_its_dimension():
    other = {dim: share**1.5 for dim, share in SHARES.items()}
    figure, svg = drawn(retention(line(), line("other", other)))
    check_svg(svg)
    (axes,) = figure.axes
    height = figure.get_size_inches()[1] * 72
    for number, shares in enumerate((SHARES, other)):
        page = series(svg)[f"0.{number}"]
        back = axes.transData.inverted().transform(np.column_stack([page[:, 0], height - page[:, 1]]))
        np.testing.assert_allclose(back, sorted(shares.items()), rtol=1e-3)
    # Halving the dimensions is as far everywhere.
    steps = np.diff(axes.transData.transform([(dim, 1) for dim in sorted(SHARES)])[:, 0])
    np.testing.assert_allclose(steps, steps[0])
    with own_settings():
        figure.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["48", "96", "192", "384"]


def test_controls_are_thin_dashed_lines_of_the_models_hue_with_a_band_for_the_draws():
    figure, svg = drawn(retention(line(controls=CONTROLS), line("plain")))
    check_svg(svg)
    everyone, own = figure.axes
    assert not everyone.collections
    (band,) = own.collections
    edges = {tuple(np.round(vertex, 6)) for vertex in band.get_paths()[0].vertices}
    assert {(dim, share) for dim, (_, *ends) in CONTROLS["random"].items() for share in ends} <= edges
    kept, *_ = [found for found in own.lines if dict(zip(*found.get_data(), strict=True)) == SHARES]
    for draws in CONTROLS.values():
        (control,) = [
            found for found in own.lines
            if dict(zip(*found.get_data(), strict=True)) == {dim: mean for dim, (mean, _, _) in draws.items()}
        ]  # fmt: skip
        assert control.get_color() == kept.get_color()
        assert control.get_linewidth() < kept.get_linewidth()
        assert control.is_dashed()
        assert not kept.is_dashed()
    found = list(texts(figure))
    assert {"control: pca", "control: random", "all models", "mini"} <= set(found)
    assert any(text.startswith("Bands reach") for text in found)


def test_one_model_with_controls_needs_no_second_panel():
    figure, _ = drawn(retention(line(controls=CONTROLS)))
    assert len(figure.axes) == 1
    figure, _ = drawn(retention(line(controls={"pca": CONTROLS["pca"]})))
    assert not figure.axes[0].collections
    assert not any(text.startswith("Bands reach") for text in texts(figure))


def test_the_best_of_many_models_are_told_apart_and_the_rest_counted():
    lines = [
        line(f"m{place:03d}", {dim: share - place / 1000 for dim, share in SHARES.items()}) for place in range(200)
    ]
    figure, svg = drawn(retention(*lines))
    check_svg(svg)
    assert len(svg.encode()) < 400_000
    assert "200 models: the 8 best at full width in colour, the other 192 as grey lines." in texts(figure)
    assert len(series(svg)) == 8
    legend = [text.get_text() for text in figure.texts if text.get_text().startswith("m0")]
    assert legend == [f"m{place:03d}" for place in range(8)]


def test_numbers_below_the_axis_do_not_run_together():
    from io import StringIO

    from matplotlib.backends.backend_svg import RendererSVG

    dims = [1024, 1000, 768, 512, 511, 256, 128, 100, 64, 33, 32, 31, 16]
    with own_settings():
        figure = retention_drawing(
            retention(*(line(f"m{n}", dict.fromkeys(dims, 0.5), CONTROLS) for n in range(3)))
        ).figure
        figure.canvas.draw()
        renderer = RendererSVG(*(figure.get_size_inches() * 72), StringIO())
        for axes in figure.axes:
            boxes = [label.get_window_extent(renderer) for label in axes.get_xticklabels()]
            assert len(boxes) > 3
            assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
            assert axes.get_xticklabels()[-1].get_text() == "1024"


@pytest.mark.parametrize(
    "shares",
    [
        {384: 1.0},
        {384: 1.0, 192: -3.0},
        {384: 1.0, 192: float("nan")},
        {1: 1.0},
        {384: 1.0, 192: 0.999999},
        {2: 40.0, 1: 0.0},
    ],
)
def test_extreme_shares_are_drawn_within_the_axes(shares, recwarn):
    figure, svg = drawn(retention(line("<b>" + "x" * 200, shares)))
    check_svg(svg)
    assert [str(warning.message) for warning in recwarn] == []
    (axes,) = figure.axes
    for found in axes.lines:
        places = axes.transData.transform(found.get_xydata())
        assert (places >= axes.bbox.min - 1e-6).all()
        assert (places <= axes.bbox.max + 1e-6).all()


def test_nothing_kept_is_no_picture():
    assert retention_svg(retention()) is None
    assert retention_svg(retention(line(shares={}), line(shares={8: float("nan")}))) is None


def test_leakage_is_marked_and_explained():
    found = texts(drawn(retention(line("seen", leakage=True), line("fine")))[0])
    assert {"seen ‡", "fine"} <= set(found)
    assert any(text.startswith("‡ may have been trained on") for text in found)


def test_the_words_tell_the_shares():
    root = check_svg(retention_svg(retention(line())))
    assert root.findtext(f"{SVG}title") == "shop (test): share of ndcg_at_10 kept at each dimension"
    assert root.findtext(f"{SVG}desc") == "mini: 100.0% at 384, 93.0% at 192, 83.0% at 96, 67.0% at 48."
