from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audit.texts import gram_sets
from bench.tasks.same_text import normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("L-Bracket,  12\tGauge!", "l bracket 12 gauge"),
        ("\uff21\uff22\uff23", "abc"),  # full-width letters
        ("Stra\u00dfe", "strasse"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("5 + 3 = 8", "5 + 3 = 8"),  # symbols are not punctuation
        (" ?! ", "?!"),
        ("", ""),
    ],
)
def test_normalisation(text, normal):
    assert normalise(text) == normal


def sets_of(texts):
    return [{text[start : start + 5] for start in range(max(1, len(text) - 4))} for text in texts]


def check_against_sets(texts):
    """The arrays have the sizes and the intersections of Python's sets."""
    found = gram_sets(texts)
    rows = [set(found.grams[found.rows == row].tolist()) for row in range(len(texts))]
    expected = sets_of(texts)
    assert len(found.grams) == sum(map(len, expected))
    assert found.distinct == len(set().union(*expected))
    for one, other in zip(rows, expected, strict=True):
        assert [len(one & row) for row in rows] == [len(other & row) for row in expected]


@given(st.lists(st.text(alphabet="ab \u00e9\U0001f600", max_size=12), min_size=1, max_size=8))
def test_gram_sets_are_the_sets_of_character_5_grams(texts):
    check_against_sets(texts)


def test_grams_of_an_alphabet_too_large_for_one_number():
    letters = "".join(map(chr, range(0x3400, 0x9000)))
    check_against_sets([letters, letters[::2], letters[100:200] + letters[::2], "short", "abc"])
