from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.choosing.amounts import read_count, read_duration, read_share, read_size
from bench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2GB", 2e9),
        ("500 MB", 5e8),
        ("1GiB", 2**30),
        ("1.5e9", 1.5e9),
        ("1_000", 1000),
        ("0.5kib", 512),
        ("7B", 7),
        (".5MB", 5e5),
        ("1TiB", 2**40),
        (3e9, 3e9),
    ],
)
def test_sizes(text, expected):
    assert read_size("--max-storage", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20ms", 20), ("0.5 s", 500), ("300us", 0.3), ("300µs", 0.3), ("1e-1s", 100), ("1S", 1000), (2.5, 2.5)],
)
def test_durations_in_milliseconds(text, expected):
    assert read_duration("--max-search-p95", text) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"), [("10_000_000", 10**7), ("10M", 10**7), ("1.5k", 1500), ("1e6", 10**6), ("2B", 2 * 10**9)]
)
def test_counts(text, expected):
    assert read_count("--corpus-size", text) == expected


@pytest.mark.parametrize(("text", "expected"), [("0.97", 0.97), ("97%", 0.97), ("0", 0), ("1", 1), (0.5, 0.5)])
def test_shares(text, expected):
    assert read_share("--min-share", text) == expected


@pytest.mark.parametrize("text", ["", "GB", "2G", "2 parsecs", "-1GB", "0", "nan", "inf", "1,000MB", "1__0MB", "1e999"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(UsageError) as caught:
        read_size("--max-storage", text)
    assert "--max-storage 2GB" in str(caught.value)


@pytest.mark.parametrize("text", ["20", "20m", "", "-5ms", "0ms"])
def test_a_duration_needs_a_unit(text):
    with pytest.raises(UsageError, match="20ms"):
        read_duration("--max-search-p95", text)


@pytest.mark.parametrize("text", ["0", "1.5", "-3", "10GB", "1e13", "many"])
def test_no_fractions_of_documents(text):
    with pytest.raises(UsageError, match="--corpus-size"):
        read_count("--corpus-size", text)


@pytest.mark.parametrize(("text", "hint"), [("3", "0.03"), ("97", "0.97"), ("-0.1", "0.97"), ("nan", "0.97")])
def test_a_share_is_from_0_to_1(text, hint):
    with pytest.raises(UsageError, match=f"--min-share {hint}"):
        read_share("--min-share", text)


@given(st.floats(min_value=1e-3, max_value=1e15), st.sampled_from(["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"]))
def test_sizes_scale_with_their_units(number, unit):
    base = 1024 if "i" in unit else 1000
    factor = base ** "bkmg".index(unit[0].lower())
    assert math.isclose(read_size("--max-storage", f"{number!r}{unit}"), number * factor, rel_tol=1e-15)


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_a_usage_error(text):
    try:
        assert read_size("--max-storage", text) > 0
    except UsageError as error:
        assert error.exit_status == 2
