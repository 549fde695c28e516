from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.markdown import printable
from bench.report.pictures.lettering import drawable, short_names, shorten, text_size, wrap

TEXT = st.text(st.characters(codec=None), max_size=60)


@given(TEXT)
def test_one_line_is_valid_in_xml_and_turns_no_text(text):
    line = printable(text)
    element = ElementTree.Element("title")
    element.text = line
    read = ElementTree.fromstring(ElementTree.tostring(element))  # noqa: S314 - written the line before
    assert (read.text or "") == line
    assert not {unicodedata.bidirectional(character) for character in line} & {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}
    assert printable(line) == line


def test_what_can_be_read_stays():
    assert printable("a\tb\n c\x00\u202ed") == "a b c\\x00\\u202ed"
    assert drawable("naïve μ 模型") == "naïve μ □□"


@given(TEXT, st.floats(10, 200))
def test_shortened_text_is_no_wider_than_asked(text, width):
    short = shorten(text, width, 8)
    assert text_size(short, 8)[0] <= width or short == "…"
    if text_size(drawable(text), 8)[0] <= width:
        assert short == drawable(text)


def test_names_are_cut_in_the_middle():
    short = shorten("minilm-home-depot-titles-mrl-s42", 96, 7.5)
    head, tail = short.split("…")
    assert "minilm-home-depot-titles-mrl-s42".startswith(head)
    assert "minilm-home-depot-titles-mrl-s42".endswith(tail)
    assert abs(len(head) - len(tail)) <= 1


@given(st.lists(st.text("ab□模", max_size=30), max_size=6))
def test_short_names_stay_apart(names):
    short = short_names(names, 40, 8)
    assert set(short) == set(names)
    assert len(set(short.values())) == len(set(names))
    assert all(short.values())
    assert short == short_names(names[::-1], 40, 8)


def test_names_that_would_become_the_same_are_numbered():
    middle = ["a" * 20 + letter + "z" * 20 for letter in "xyz"]
    first, second, third = (short_names(middle, 80, 8)[name] for name in middle)
    assert "…" in first
    assert (second[-4:], third[-4:]) == (" (2)", " (3)")


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=20))
def test_wrapped_text_fits_and_keeps_its_words(words):
    lines = wrap(" ".join(words), 100, 7.5)
    assert " ".join(lines).split() == words
    assert all(text_size(line, 7.5)[0] <= 100 for line in lines)


def test_a_line_is_as_wide_as_its_outline():
    from matplotlib.textpath import TextPath

    from bench.report.pictures.lettering import font

    for text in ("Pareto front", "minilm-store ‡", "0.7618"):
        outline = TextPath((0, 0), text, prop=font(20), usetex=False).get_extents()
        # Advances reach beyond the ink by the bearings of the first and last letter.
        assert text_size(text, 20)[0] == pytest.approx(outline.width, abs=4)
