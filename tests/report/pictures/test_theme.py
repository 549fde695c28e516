from __future__ import annotations

import itertools
import re

import pytest

from bench.report.pictures.styles import MODEL_STYLES, POINT_STYLES, model_styles
from bench.report.pictures.theme import (
    COLORS,
    DARK_BACKGROUND,
    GRID,
    HUES,
    LIGHT_BACKGROUND,
    REST,
    TEXT_COLORS,
    stylesheet,
)
from bench.views import PRECISIONS


def channels(color):
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def luminance(color):
    """Relative luminance as WCAG 2 defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_published_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("color", [*HUES, REST], ids=lambda color: color.name)
def test_what_is_drawn_stands_out_on_both_backgrounds(color):
    assert contrast(color.light, LIGHT_BACKGROUND) >= 3
    assert contrast(color.dark, DARK_BACKGROUND) >= 3


@pytest.mark.parametrize("color", TEXT_COLORS, ids=lambda color: color.name)
def test_text_can_be_read_on_both_backgrounds(color):
    assert contrast(color.light, LIGHT_BACKGROUND) >= 4.5
    assert contrast(color.dark, DARK_BACKGROUND) >= 4.5


def test_the_grid_stays_behind_what_is_drawn():
    for color in (*HUES, REST):
        assert contrast(GRID.light, LIGHT_BACKGROUND) < contrast(color.light, LIGHT_BACKGROUND)
        assert contrast(GRID.dark, DARK_BACKGROUND) < contrast(color.dark, DARK_BACKGROUND)


def test_the_stylesheet_gives_each_class_its_colour_of_either_scheme():
    light, dark = stylesheet().split("@media (prefers-color-scheme:dark)")
    for color, role in itertools.product(COLORS, ("fill", "stroke")):
        rule = re.escape(f".{color.css_class(role)}{{{role}:") + "(#[0-9a-f]{6})}"
        assert re.findall(rule, light) == [color.light]
        assert re.findall(rule, dark) == [color.dark]


def test_stand_ins_are_distinct_and_black_is_none():
    # matplotlib leaves black out of what it writes.
    assert len({color.stand_in for color in COLORS} | {"#000000"}) == len(COLORS) + 1


def test_models_differ_in_hue_marker_and_dashes():
    for one, two in itertools.combinations(MODEL_STYLES, 2):
        assert one.color != two.color
        assert one.marker != two.marker
        assert one.dashes != two.dashes


def test_precisions_differ_by_size_or_filling():
    assert len({(POINT_STYLES[precision].size, POINT_STYLES[precision].filled) for precision in PRECISIONS}) == 4


def test_no_two_models_of_a_picture_share_a_style():
    among = [f"m{place:02d}" for place in range(40)]
    # The first and the ninth, the second and the tenth want the same style.
    shown = ["m00", "m08", "m16", "m01", "m09", "m32", "m33", "m07"]
    styles = model_styles(shown, among)
    assert set(styles) == set(shown)
    assert len(set(styles.values())) == len(MODEL_STYLES)
    assert styles == model_styles(shown[::-1], among[::-1])
    assert styles["m00"] == model_styles(["m00"], among)["m00"]
