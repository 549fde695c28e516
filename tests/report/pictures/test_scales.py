from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.report.pictures.scales import (
    linear_ticks,
    log_ticks,
    number_text,
    padded,
    short_number,
    spans_a_decade,
    tick_texts,
)

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-9)
POSITIVE = st.floats(1e-6, 1e9)


def read(text):
    """What a reader takes a tick to say."""
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_limits_hold_all_values_with_room_around_them(values):
    low, high = padded(values, 0.1, 0.2)
    assert low < min(values) <= max(values) < high


@given(st.lists(POSITIVE, min_size=1, max_size=5))
def test_limits_of_a_log_axis_stay_above_zero(values):
    low, high = padded(values, 0.1, 0.2, log=True)
    assert 0 < low < min(values) <= max(values) < high


def test_small_differences_stay_small():
    low, high = padded([100.0, 101.0], 0.0, 0.0, least=0.25)
    assert high - low == pytest.approx(0.25 * 101)
    assert (low + high) / 2 == pytest.approx(100.5)
    assert padded([10.0, 20.0], 0.0, 0.0, least=0.25) == (10.0, 20.0)
    assert padded([0.0], 0.0, 0.0) == (-0.5, 0.5)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_linear_ticks_are_few_even_and_say_where_they_stand(values):
    low, high = padded(values, 0.1, 0.1)
    ticks = linear_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    slack = 1e-6 * (high - low)
    assert low - slack <= ticks[0] < ticks[-1] <= high + slack
    steps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    assert max(steps) - min(steps) <= slack
    texts = tick_texts(ticks)
    assert len(set(texts)) == len(texts)
    for tick, text in zip(ticks, texts, strict=True):
        assert read(text) == pytest.approx(tick, rel=1e-6, abs=slack)


@given(POSITIVE, POSITIVE)
def test_log_ticks_are_few_and_round(one, two):
    low, high = sorted((one, two))
    assume(high > 10 * low)
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 6
    for tick in ticks:
        assert low <= tick <= high
        mantissa = tick / 10 ** math.floor(math.log10(tick) + 1e-9)
        assert min(abs(mantissa - round_one) for round_one in (1, 2, 3, 5)) < 1e-9
        assert read(number_text(tick)) == pytest.approx(tick)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02, "0.02"),
        (1536, "1,536"),
        (2e6, "2e6"),
        (1.25e7, "1.25e7"),
        (0.00005, "5e\N{MINUS SIGN}5"),
        (-0.5, "\N{MINUS SIGN}0.5"),
        (0, "0"),
    ],
)
def test_numbers_are_written_out_unless_that_takes_long(value, text):
    assert number_text(value) == text


def test_ticks_of_an_axis_have_the_same_decimals():
    assert tick_texts([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert tick_texts([-20.0, 0.0, 1000.0]) == ["\N{MINUS SIGN}20", "0", "1,000"]


def test_short_numbers_have_four_digits():
    assert short_number(6.18649) == "6.186"
    assert short_number(740.66) == "740.7"


def test_only_positive_values_span_a_decade():
    assert spans_a_decade([1, 10.1])
    assert not spans_a_decade([1, 10])
    assert not spans_a_decade([0, 100])
    assert not spans_a_decade([-1, 100])
