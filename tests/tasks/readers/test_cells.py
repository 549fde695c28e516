"""What a cell may hold: the rules of docs/tasks.md, one by one."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.tasks.readers.cells import (
    decimal_mark,
    identifier,
    is_missing,
    items,
    looks_structured,
    plain_text,
    read_label,
    read_number,
    written_list,
)
from bench.tasks.readers.labels import Judgement, LabelRule, judge
from bench.tasks.readers.numbers import parse_number
from bench.tasks.readers.rows import Row

ROW = Row({}, "t.csv", "line 2")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("d1", "d1"), (" d1 ", " d1 "), ("007", "007"), ("7.0", "7.0"), (7, "7"), (7.0, "7"), (-3.0, "-3"),
        (Decimal("7"), "7"), (10**20, "1" + "0" * 20), ("\xa0x", "\xa0x"),
    ],
)  # fmt: skip
def test_ids(value, name):
    assert identifier(value, "id", ROW) == name


@pytest.mark.parametrize(
    "value", ["", " ", None, math.nan, 1.5, math.inf, True, [1], {"a": 1}, b"x", float(1 << 53), 1e300]
)
def test_what_is_no_id(value):
    with pytest.raises(BenchError, match="`id`") as caught:
        identifier(value, "id", ROW)
    assert caught.value.where == "t.csv, line 2"


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_whole_numbers_name_the_same_thing_in_every_type(number):
    assert identifier(number, "id", ROW) == identifier(float(number), "id", ROW) == identifier(str(number), "id", ROW)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1", ".", 1), ("1.0", ".", 1), (" 2.5 ", ".", 2.5), ("-1e-3", ".", -0.001), (".5", ".", 0.5), ("1.", ".", 1),
        ("+4", ".", 4), ("2,5", ",", 2.5), ("-0,25", ",", -0.25), ("3", ",", 3), ("1e400", ".", math.inf),
        ("1_0", ".", None), ("\u0661", ".", None), ("\uff11", ".", None), ("nan", ".", None), ("inf", ".", None),
        ("", ".", None),
        ("2,5", ".", None), ("2.5", ",", None), ("1,000,000", ",", None), ("0x1", ".", None), ("1 000", ".", None),
        ("1.2.3", ".", None), ("--1", ".", None), ("1e", ".", None),
    ],
)  # fmt: skip
def test_numbers_as_text(text, decimal, number):
    assert parse_number(text, decimal) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_of_a_number_is_read(number):
    assert parse_number(repr(number), ".") == number


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1", "2"], "."), (["1.5", "2"], "."), (["1,5", "2"], ","), (["0,125", "3"], ","), (["1,125", "2,5"], ","),
        ([1, 2.5, None], "."), (["1,2,3", "x"], "."),
    ],
)  # fmt: skip
def test_decimal_marks(cells, mark):
    assert decimal_mark(((cell, ROW) for cell in cells), "score") == mark


@pytest.mark.parametrize(
    ("cells", "message"),
    [(["1,5", "2.5"], "'1,5' has a comma, and '2.5' in line 2 has a point"), (["1,250", "3"], "separate thousands")],
)
def test_numbers_that_can_be_read_in_two_ways(cells, message):
    with pytest.raises(BenchError, match=message):
        decimal_mark(((cell, ROW) for cell in cells), "score")


@pytest.mark.parametrize("value", [None, "", "high", "nan", math.nan, math.inf, True, [1], "1_0", 10**400])
def test_what_is_no_score(value):
    with pytest.raises(BenchError, match="the score"):
        read_number(value, "score", "t.csv, line 2")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (1, 1), ("1.0", 1), (True, 1), (False, 0), ("True", 1), (" false ", 0), ("YES", 1), (0.5, 0.5), ("-2", -2),
        (None, None), ("", None), ("  ", None), (math.nan, None), (Decimal("3"), 3),
    ],
)  # fmt: skip
def test_labels(value, label):
    assert read_label(value, "label", "here") == label


@pytest.mark.parametrize("value", ["y", "1_0", "n/a", "nan", [1], math.inf, "1;"])
def test_what_is_no_label(value):
    with pytest.raises(BenchError, match="is not a number"):
        read_label(value, "label", "here")


def judged(*rows, **rule):
    found = judge([Judgement(q, d, label, Row({}, "f", f"line {n}")) for n, (q, d, label) in enumerate(rows, 1)],
                  LabelRule(**rule))  # fmt: skip
    return found.queries, {pair: gain for pair, gain in found.gains.items() if gain > 0}, found.notes


def test_a_query_is_scored_when_it_is_judged():
    rows = [("a", "x", 2), ("a", "y", 0), ("b", "x", -1), ("c", "x", None)]
    note = "1 of 4 rows have no label, the first in line 4: they judge nothing"
    assert judged(*rows) == (["a", "b"], {("a", "x"): 2}, [note])
    left_out = "1 of 2 queries have no relevant document and are left out"
    assert judged(*rows, unanswered="leave_out") == (["a"], {("a", "x"): 2}, [note, left_out])
    # The relevant document may be the one without a label.
    assert judged(*rows, ("b", "z", "")) == (
        ["a"], {("a", "x"): 2}, [note.replace("1 of 4", "2 of 5"), left_out],
    )  # fmt: skip


def test_thresholds():
    rows = [("a", "x", "2,5"), ("a", "y", "3"), ("a", "z", "2")]
    assert judged(*rows, relevant_from=2.5)[1] == {("a", "x"): 1, ("a", "y"): 1}
    assert judged(*rows, relevant_from=2.5, above=2.5)[1] == {("a", "y"): 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "x", 0.5)], "label 0.5 is not a whole number"),
        ([("a", "x", 1e7)], "label 10000000.0 is too large"),
        ([("a", "x", 1), ("a", "x", 2)], "another label than in f, line 1"),
        ([("a", "x", None)], "no row has a label"),
    ],
)
def test_labels_that_do_not_fit(rows, message):
    with pytest.raises(BenchError, match=message) as caught:
        judged(*rows)
    assert caught.value.where == f"f, line {len(rows)}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("['a', 'b']", ["a", "b"]), ('["a", "b"]', ["a", "b"]), ("[ 'a' ]", ["a"]), ("('a', 'b')", ["a", "b"]),
        ("['a',]", ["a"]), ("[]", []), ('["it\'s", "x, y"]', ["it's", "x, y"]), ("['a\\'b']", ["a'b"]),
        # NumPy writes no commas; Python would join the items.
        ("['a' 'b']", None), ("['a', 1]", None), ("['a', ['b']]", None), ("['a'", None), ("[1, 2]", None),
        ("a, b", None), ("['a'] and ['b']", None), ("{'a': 'b'}", None), ("[f(x)]", None),
    ],
)  # fmt: skip
def test_lists_written_as_text(text, found):
    assert written_list(text) == found


@pytest.mark.parametrize(
    ("text", "structured"),
    [
        ("['a' 'b']", True), ("{'text': ['a']}", True), ('{"a": 1}', True), ("[]", True), ("[deleted]", False),
        ("[1] see above", False), ("(yes)", False), ('("yes")', False), ("('a', 'b')", True),
        ("{x}", False), ('"a", "b"', False),
    ],
)  # fmt: skip
def test_what_looks_like_a_list(text, structured):
    assert looks_structured(text) is structured


@pytest.mark.parametrize(
    "text", ["['" + " " * 200_000, "['a'" + " " * 200_000 + "x]", "[" * 5_000 + "'a'" + "]" * 5_000]
)
def test_long_cells_take_no_time_and_no_stack(text):
    assert written_list(text) is None
    assert parse_number("1" * 200_000 + "x", ".") is None


def test_lists_are_read_as_they_are_said_to_be():
    assert items("['a', 'b']", "x", ROW, lists=True) == ["a", "b"]
    assert items("['a', 'b']", "x", ROW, lists=False) == ["['a', 'b']"]
    assert items(["a", None], "x", ROW) == ["a", None]
    assert items("plain", "x", ROW, lists=True) == ["plain"]
    for text, lists, message in [("['a']", None, "--lists"), ("['a' 'b']", True, "write lists as JSON")]:
        with pytest.raises(BenchError) as caught:
            items(text, "x", ROW, lists=lists)
        assert message in caught.value.hint


@pytest.mark.parametrize("value", [None, "", " \n", math.nan])
def test_missing(value):
    assert is_missing(value)
    assert plain_text(value, "x", ROW) == ""


@pytest.mark.parametrize("value", [0, False, "0", "None", [], "nan"])
def test_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize("value", [3, 2.5, True, ["a"], {"a": 1}, b"x"])
def test_what_is_no_text(value):
    with pytest.raises(BenchError, match="where a text belongs"):
        plain_text(value, "x", ROW)
