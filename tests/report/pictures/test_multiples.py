from __future__ import annotations

import random

import numpy as np
from drawn_tables import check_svg, drawn_table, row, series, table, texts

from bench.report.pictures.multiples import MOST_PANELS, multiples_drawing, multiples_svg
from bench.report.pictures.svg import own_settings, to_svg
from bench.views import View

WIDE = View(384, "float32")


def drawn(tables):
    with own_settings():
        drawing = multiples_drawing(tables)
        return drawing.figure, to_svg(drawing)


def test_a_panel_a_task_in_order_of_names_with_points_where_they_are():
    tables = [drawn_table(2, seed, unit=(f"task{seed}", "test", "default")) for seed in (2, 0, 1)]
    figure, svg = drawn(tables)
    check_svg(svg)
    assert [text for text in texts(figure) if text.startswith("task")] == [
        "task0 (test)",
        "task1 (test)",
        "task2 (test)",
    ]
    height = figure.get_size_inches()[1] * 72
    page = series(svg)
    for panel, (made, axes) in enumerate(zip([tables[1], tables[2], tables[0]], figure.axes, strict=True)):
        for precision in ("float32", "binary"):
            # One set of styles for all panels: the first is the model that is best anywhere.
            best = max((line for one in tables for line in one.rows), key=lambda line: line.score.value).model
            views = [line for line in made.rows if line.model == best and line.view.precision == precision]
            places = page[f"task{panel}.0.{precision}"]
            back = axes.transData.inverted().transform(np.column_stack([places[:, 0], height - places[:, 1]]))
            np.testing.assert_allclose(back, [(r.bytes_per_vector, r.score.value) for r in views], rtol=3e-3)


def test_environments_of_one_task_are_one_panel_and_the_order_of_tables_does_not_matter():
    tables = [drawn_table(2, seed, unit=(name, "test", "default"), environment=env)
              for seed, name in enumerate("abc") for env in ("cpu", "gpu")]  # fmt: skip
    figure, svg = drawn(tables)
    assert len(figure.axes) == 3
    random.Random(1).shuffle(tables)
    assert multiples_svg(tables) == svg


def test_more_tasks_than_a_page_holds_are_counted():
    tables = [drawn_table(2, unit=(f"t{place:02d}", "test", "default")) for place in range(MOST_PANELS + 3)]
    figure, _ = drawn(tables)
    assert len(figure.axes) == MOST_PANELS
    assert f"The first {MOST_PANELS} of {MOST_PANELS + 3} tasks, in the order of their names." in texts(figure)


def test_a_full_page_of_many_models_is_a_small_picture():
    tables = [drawn_table(200, seed, unit=(f"t{seed:02d}", "test", "default")) for seed in range(MOST_PANELS)]
    assert len(multiples_svg(tables).encode()) < 400_000


def test_tasks_without_sizes_have_no_panel():
    tables = [
        table([row("bm25", None, 0.3)], unit=("a", "test", "default")),
        table([row("m", WIDE, None)], unit=("b", "test", "default")),
    ]
    assert multiples_svg(tables) is None
    assert multiples_svg([]) is None
    assert len(drawn([*tables, table([row("m", WIDE, -0.3)], unit=("c", "test", "en"))])[0].axes) == 1
