from __future__ import annotations

import io
import itertools
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from drawn_tables import SVG, check_svg, drawn_table, encoding, row, series, table, texts
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from bench.report.pictures.panel import FRONT, REST_DOTS
from bench.report.pictures.styles import MODEL_STYLES
from bench.report.pictures.svg import own_settings, to_svg
from bench.report.pictures.tradeoff import tradeoff_drawing, tradeoff_panels, tradeoff_svg
from bench.report.rows import Table
from bench.views import PRECISIONS, View

WIDE = View(384, "float32")
KEYS = ("bytes", "search", "encode", "memory")


def costs_of(table):
    """What each panel shows on its horizontal axis, by model and view."""
    of_model = {found.model: found for found in table.encoding}
    rows = {(found.model, found.view): found for found in table.rows}
    return {
        "bytes": {key: found.bytes_per_vector for key, found in rows.items()},
        "search": {key: found.search_ms for key, found in rows.items()},
        "encode": {key: of_model[key[0]].p50_ms for key in rows},
        "memory": {key: of_model[key[0]].encode_mib for key in rows},
    }


def drawn(table, among=()):
    with own_settings():
        drawing = tradeoff_drawing(table, among)
        return drawing.figure, to_svg(drawing)


def front_by_hand(points):
    """Points that no other is at least as good as and better than in one of the two."""
    return {
        point
        for point in points
        if not any(
            other[0] <= point[0] and other[1] >= point[1] and other != point
            for other in points
        )
    }  # fmt: skip


def test_every_point_stands_where_its_cost_and_score_are():
    made = drawn_table(3)
    figure, svg = drawn(made)
    found, costs = series(svg), costs_of(made)
    height = figure.get_size_inches()[1] * 72
    order = sorted(
        {line.model for line in made.rows}, key=lambda m: -max(r.score.value for r in made.rows if r.model == m)
    )
    assert len(found) == len(KEYS) * 3 * len(PRECISIONS)
    for key, axes in zip(KEYS, figure.axes, strict=True):
        for (number, model), precision in itertools.product(enumerate(order), PRECISIONS):
            views = [line for line in made.rows if line.model == model and line.view.precision == precision]
            want = np.array([(costs[key][model, line.view], line.score.value) for line in views])
            page = found[f"{key}.{number}.{precision}"]
            back = axes.transData.inverted().transform(np.column_stack([page[:, 0], height - page[:, 1]]))
            np.testing.assert_allclose(back, want, rtol=2e-3, err_msg=f"{key} {model} {precision}")


def test_places_on_the_page_follow_the_ticks_that_are_read_off():
    """Between two ticks a point stands where a reader finds it, worked out from the ticks alone."""
    figure, svg = drawn(drawn_table(2))
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    with own_settings():
        figure.canvas.draw()
    left, right = (axes.transData.transform((tick, 0))[0] for tick in axes.get_xticks()[[0, -1]])
    numbers = [float(label.get_text().replace(",", "")) for label in axes.get_xticklabels()]
    share = (np.log(384 * 4) - np.log(numbers[0])) / (np.log(numbers[-1]) - np.log(numbers[0]))
    assert series(svg)["bytes.0.float32"][0, 0] == pytest.approx(left + share * (right - left), abs=0.01)


POINTS = st.lists(st.tuples(st.integers(1, 6), st.integers(-3, 3)), min_size=1, max_size=12)


@given(POINTS, st.randoms())
def test_the_front_is_what_no_view_beats_whatever_the_order_of_rows(points, shuffler):
    rows = [row(f"m{place}", WIDE, score, search=cost) for place, (cost, score) in enumerate(points)]
    panel = tradeoff_panels(table(rows))[1]
    assert {(point.cost, point.score) for point in panel.front} == front_by_hand(set(points))
    shuffler.shuffle(rows)
    assert tradeoff_panels(table(rows))[1] == panel


def test_the_front_is_drawn_as_steps_through_its_points():
    made = drawn_table(3)
    figure, _ = drawn(made)
    for key, axes in zip(KEYS, figure.axes, strict=True):
        line = next(line for line in axes.lines if line.get_gid() == FRONT)
        corners = list(zip(*line.get_data(), strict=True))
        want = sorted(front_by_hand({(costs_of(made)[key][r.model, r.view], r.score.value) for r in made.rows}))
        # To the right at one height, then up: never to what nobody has measured.
        assert corners[0] == want[0]
        for (cost, score), (dearer, better) in itertools.pairwise(want):
            place = corners.index((cost, score))
            assert corners[place + 1 : place + 3] == [(dearer, score), (dearer, better)]
        assert corners[-1] == pytest.approx((axes.get_xlim()[1], want[-1][1]))


def test_two_processes_write_the_same_bytes_whatever_the_users_settings(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "font.family: monospace\ntext.color: red\nlines.linewidth: 9\naxes.grid: True\nsvg.fonttype: none\n"
        "savefig.bbox: tight\nfigure.constrained_layout.use: True\nfigure.dpi: 300\naxes.formatter.use_locale: True\n"
        "savefig.dpi: 30\nbackend: pdf\naxes.prop_cycle: cycler(color=['r'])\n"
    )
    code = """
import sys
from bench.report.pictures.tradeoff import tradeoff_svg
from drawn_tables import drawn_table
sys.stdout.buffer.write(tradeoff_svg(drawn_table(12)).encode())
"""
    written = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", **more},
        ).stdout.decode()
        for folder, seed, more in ((ROOT, "1", {}), (tmp_path, "2", {"SOURCE_DATE_EPOCH": "1", "LC_ALL": "C"}))
    ]  # fmt: skip
    assert written[0] == written[1] == tradeoff_svg(drawn_table(12))


def test_the_users_matplotlib_is_left_as_it_was():
    import matplotlib

    with matplotlib.rc_context({"lines.linewidth": 7.0, "svg.hashsalt": "mine"}):
        before = dict(matplotlib.rcParams)
        tradeoff_svg(drawn_table(1))
        assert dict(matplotlib.rcParams) == before


NAMES = [
    "<script>alert(1)</script>", "\"' onload='x", "a & b --> ]]> &amp;", "$\\frac{1}{2}$ $x", "\x00\x1b[31m\ufffe",
    "emoji 🎉👩‍👩‍👧 模型", "مرحبا \u202egnp", "x" * 150 + "y" * 150, "", "two\nlines\u2028three",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_the_picture(name, recwarn):
    made = table(
        [row(name, WIDE, 0.5, search=1.0), row("bm25" + name, None, 0.4), row("other", WIDE, 0.3)],
        [encoding(name, 1.0, 2.0)], unit=(name, name, name), metric=name, environment=name,
    )  # fmt: skip
    root = check_svg(tradeoff_svg(made))
    tip = next(element.text for element in root.iter(f"{SVG}title") if "384" in (element.text or ""))
    # What can be read of the name is in the words for those who cannot see the picture.
    assert "".join(c for c in name if c.isascii() and c.isalnum()) in "".join(c for c in tip if c.isalnum())
    assert [str(warning.message) for warning in recwarn] == []


def boxes_of_labels(figure):
    """The boxes of each panel's labels as the renderer of SVG has them."""
    from matplotlib.backends.backend_svg import RendererSVG

    renderer = RendererSVG(*(figure.get_size_inches() * 72), io.StringIO())
    for axes in figure.axes:
        labels = [text for text in axes.texts if text.get_gid() == "label"]
        yield axes, {text: text.get_window_extent(renderer) for text in labels}


@pytest.mark.parametrize("seed", range(4))
def test_labels_overlap_neither_each_other_nor_points_nor_leave_the_axes(seed):
    rng = np.random.default_rng(seed)
    rows, encodings = [], []
    for number in range(8):
        name = "close-" + "x" * int(rng.integers(1, 40)) + str(number)
        # All in a hundredth of the panel, but for one model far away.
        away = 0.5 * (number == 0)
        for dim in (256, 255, 254, 253, 252):
            score = 0.5 + away + rng.uniform(0, 0.003)
            rows.append(row(name, View(dim, "float32"), score, search=1 + away + rng.uniform(0, 0.01)))
        encodings.append(encoding(name, 1 + away + rng.uniform(0, 0.01), 100 + away))
    with own_settings():
        figure = tradeoff_drawing(table(rows, encodings)).figure
        shown = 0
        for axes, boxes in boxes_of_labels(figure):
            frame = axes.bbox.padded(0.01)
            for box in boxes.values():
                assert frame.contains(box.x0, box.y0)
                assert frame.contains(box.x1, box.y1)
            for one, two in itertools.combinations(boxes.values(), 2):
                assert not one.overlaps(two)
            for line in axes.lines:
                if line.get_marker() not in {"None", "", None}:
                    for x, y in axes.transData.transform(line.get_xydata()):
                        assert not any(box.contains(x, y) for box in boxes.values())
            shown += len(boxes)
    assert shown >= 8


def test_every_model_and_front_view_is_labelled_where_there_is_room():
    views = [View(384, "float32"), View(96, "int8"), View(48, "binary")]
    rows = [
        row(name, view, base - 0.1 * place)
        for name, base in (("up", 0.9), ("down", 0.5))
        for place, view in enumerate(views)
    ]
    figure, _ = drawn(table([*rows, row("bm25", None, 0.2)]))
    labels = sorted(text.get_text() for text in figure.axes[0].texts)
    assert labels == sorted(["up", "down", "bm25", "384 float32", "96 int8", "48 binary"])


def test_two_hundred_models_of_sixteen_views_are_a_small_picture():
    made = drawn_table(200, dims=(1024, 768, 384, 96))
    figure, svg = drawn(made)
    assert len(svg.encode()) < 400_000
    check_svg(svg)
    colored = {name.split(".")[1] for name in series(svg)}
    fronts = [
        front_by_hand({(cost, next_score(made, key)) for key, cost in of.items()}) for of in costs_of(made).values()
    ]
    on_fronts = {
        line.model for of, front in zip(costs_of(made).values(), fronts, strict=True) for line in made.rows
        if (of[line.model, line.view], line.score.value) in front
    }  # fmt: skip
    assert len(on_fronts) > len(MODEL_STYLES) == len(colored)
    note = f"200 models: 8 of the {len(on_fronts)} on a Pareto front in colour, the other 192 as grey points."
    assert note in list(texts(figure))
    # Every grey view is within a point of a dot.
    named = {label for label in texts(figure) if label.startswith("organisation/")}
    for key, axes in zip(KEYS, figure.axes, strict=True):
        dots = next(patch for patch in axes.artists + axes.patches if patch.get_gid() == REST_DOTS).get_path().vertices
        rest = [line for line in made.rows if line.model not in named]
        places = axes.transData.transform(
            [(costs_of(made)[key][line.model, line.view], line.score.value) for line in rest[::50]]
        )
        nearest = np.abs(places[:, None] - dots[None]).max(axis=2).min(axis=1)
        assert nearest.max() <= 0.5 + 1e-9


def next_score(made, key):
    return next(line.score.value for line in made.rows if (line.model, line.view) == key)


def test_panels_without_data_are_left_out_and_without_any_there_is_no_picture():
    assert tradeoff_svg(Table(("a", "b", "c"), "m", 1, "queries", None)) is None
    assert tradeoff_svg(table([row("bm25", None, 0.4), row("m", WIDE, None)])) is None
    figure, _ = drawn(table([row("m", WIDE, 0.5)]))
    assert [axes.get_xlabel() for axes in figure.axes] == ["bytes per vector"]
    figure, _ = drawn(table([row("m", WIDE, 0.5), row("bm25", None, 0.4, search=2.0)], [encoding("m", None, 90.0)]))
    assert [axes.get_xlabel().split(",")[0] for axes in figure.axes] == [
        "bytes per vector", "search p50", "peak memory of encoding",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [
        [row("m", WIDE, 0.5, search=0.0)],
        [row(name, WIDE, 0.5, search=0.1) for name in "abcd"],
        [row(name, WIDE, 0.0, search=0.0) for name in "ab"],
        [row("a", WIDE, -0.3, search=1e-9), row("b", View(8, "binary"), -0.9, search=1e9)],
        [row("a", WIDE, 1e-12), row("b", WIDE, 2e-12), row("bm25", None, 1e-12)],
        [row("a", WIDE, 98.7), row("b", View(1, "binary"), 1234567.0)],
    ],
)
def test_extreme_values_are_drawn_within_their_axes(rows, recwarn):
    figure, svg = drawn(table(rows, [encoding(rows[0].model, 1.0, float("inf"))]))
    check_svg(svg)
    assert [str(warning.message) for warning in recwarn] == []
    assert "peak memory" not in " ".join(texts(figure))
    for axes in figure.axes:
        for line in axes.lines:
            places = axes.transData.transform(line.get_xydata())
            assert np.isfinite(places).all()
            assert (places >= axes.bbox.min - 1e-6).all()
            assert (places <= axes.bbox.max + 1e-6).all()


def test_marks_of_noise_and_leakage_are_explained():
    rows = [row("fine", WIDE, 0.5), row("busy", WIDE, 0.4, noisy=True), row("seen", WIDE, 0.9, leakage=True)]
    found = list(texts(drawn(table(rows, [encoding("fine", 1.0, noisy=True)]))[0]))
    assert {"fine †", "busy †", "seen ‡"} <= set(found)
    assert sum(text.startswith("† some of its costs: measured on a busy machine") for text in found) == 1
    assert sum(text.startswith("‡ may have been trained on") for text in found) == 1
    assert not any("†" in text or "‡" in text for text in texts(drawn(table([row("fine", WIDE, 0.5)]))[0]))


def test_the_words_name_the_front():
    made = table([row("a", WIDE, 0.9), row("b", View(8, "binary"), 0.25), row("c", WIDE, 0.1)], metric="map")
    description = check_svg(tradeoff_svg(made)).findtext(f"{SVG}desc")
    assert (
        description
        == "Pareto front of map and bytes per vector: b 8 binary (1, 0.2500); a 384 float32 (1,536, 0.9000)."
    )


def test_a_model_looks_alike_in_all_pictures_of_a_report():
    names = ["a", "b", "c", "d"]
    classes = []
    for shown in (names, ["d"], ["b", "d"]):
        root = check_svg(
            tradeoff_svg(table([row(name, WIDE, 0.5 - 0.1 * ord(name) % 7) for name in shown]), among=names)
        )
        found = {
            use.findtext(f"{SVG}title").split()[0]: (group.get("class"), use.get("href"))
            for series_ in root.iter(f"{SVG}g") if series_.get("data-series")
            for group in series_.iter(f"{SVG}g") for use in group.findall(f"{SVG}use")
        }  # fmt: skip
        classes.append(found["d"])
    assert len(set(classes)) == 1


def test_random_orders_of_rows_and_encodings_give_the_same_bytes():
    made = drawn_table(10)
    shuffled = drawn_table(10)
    random.Random(3).shuffle(shuffled.rows)
    random.Random(4).shuffle(shuffled.encoding)
    assert tradeoff_svg(made) == tradeoff_svg(shuffled)
