"""Text from files as it is shown."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.neutral import neutral, neutral_json, spreadsheet_cell

READABLE = [
    "a model, 3 \xd7 4 = 12 (naïve)",
    "שלום עולם",
    "مرحبا",
    "می\u200cخواهم",  # Persian needs a non-joiner  # noqa: RUF001
    "क्\u200dष",  # Devanagari, a joiner after a virama
    "👩\u200d👩\u200d👧",
    "🏃🏽\u200d♀\ufe0f",
    "🏳\ufe0f\u200d🌈",
    "❤\ufe0f 1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
    "葛\U000e0100",  # a variant of an ideograph
    "task::subset",
]
SHOWN = {
    "a\x1b[31mb": "a\\x1b[31mb",
    "a\nb\r\tc\0": "a\\nb\\r\\tc\\x00",
    "\x9b2J \x7f": "\\x9b2J \\x7f",
    "\u202eabc\u2066": "\\u202eabc\\u2066",
    "a\u2028b\u2029": "a\\u2028b\\u2029",
    "pay\u200dpal\u200b\ufeff": "pay\\u200dpal\\u200b\\ufeff",
    "\ud800": "\\ud800",
    "a\U000e0041": "a\\U000e0041",
    "::error::x": "\\x3a:error::x",
    "  ::error::x": "  \\x3a:error::x",
    "a ##[error] ##vso[task]": "a \\x23#[error] \\x23#vso[task]",
}


@pytest.mark.parametrize("text", READABLE)
def test_readable_text_stays(text):
    assert neutral(text) == neutral(text, lines=True) == text


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_what_acts_on_its_reader_is_shown(text, shown):
    assert neutral(text) == shown


def test_lines_of_the_program_stay_lines():
    assert neutral("a\n::error::b\r\nc\rd", lines=True) == "a\n\\x3a:error::b\nc\\rd"


@given(st.text(st.characters(exclude_categories=())))
def test_no_control_is_left(text):
    shown = neutral(text)
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} for c in shown)
    assert not set(shown) & set(
        map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200E, 0x200F, 0xFEFF])
    )
    assert neutral(shown) == shown
    shown.encode()


@given(st.recursive(st.text(st.characters(exclude_categories=())), st.lists), st.booleans())
def test_json_reads_as_the_same_values(content, ascii_only):
    text = neutral_json(json.dumps(content, ensure_ascii=ascii_only, indent=1))
    assert json.loads(text) == json.loads(json.dumps(content))
    assert neutral(text, lines=True) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1", "\uff1d1+1", "-2+3|cmd", "+", "-inf(", "=1\n"]
)
def test_a_spreadsheet_runs_no_cell(text):
    assert spreadsheet_cell(text) == "'" + neutral(text)


@pytest.mark.parametrize("text", ["\t=1+1", "\r=1+1", "\n=1+1"])
def test_a_cell_starts_with_no_control(text):
    assert spreadsheet_cell(text) == neutral(text)


@pytest.mark.parametrize("value", [-0.5, 3, None, True, "-0.5", "+3", "-1e-5", "-3.5%", "-", "a-b", "all-MiniLM"])
def test_numbers_and_names_stay(value):
    assert spreadsheet_cell(value) == value
