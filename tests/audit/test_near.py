from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import WORDS

from bench.audit import near
from bench.audit.near import near_duplicates


def grams(text):
    return {text[start : start + 5] for start in range(max(1, len(text) - 4))}


def brute_force(first, second):
    found = {}
    for row, text in enumerate(first):
        scored = [len(grams(text) & grams(other)) / len(grams(text) | grams(other)) for other in second]
        if scored and max(scored) >= 0.8:
            found[row] = scored.index(max(scored))
    return found


def varied(seed, count):
    """Sentences of few words with slips of the pen, so that many are nearly, and some exactly, 0.8 alike."""
    rng = random.Random(seed)
    bases = [" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 14))) for _ in range(4)]
    texts = []
    for _ in range(count):
        letters = list(rng.choice(bases))
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(len(letters))
            letters[at : at + rng.randint(0, 2)] = rng.choice(["", "x", "yz"])
        texts.append("".join(letters))
    return texts


@pytest.mark.parametrize("seed", range(20))
def test_finds_what_brute_force_finds(seed):
    first, second = varied(seed, 30), varied(seed, 60)[30:]
    expected = brute_force(first, second)
    assert near_duplicates(first, second) == expected
    assert expected


@given(*[st.lists(st.text(alphabet="ab", max_size=14), max_size=10)] * 2)
def test_finds_what_brute_force_finds_in_any_texts(first, second):
    assert near_duplicates(first, second) == brute_force(first, second)


def test_small_slices_find_the_same(monkeypatch):
    first, second = varied(3, 40), varied(3, 80)[40:]
    monkeypatch.setattr(near, "_STEPS_AT_ONCE", 5)
    monkeypatch.setattr(near, "_MEMBERS_AT_ONCE", 50)
    assert near_duplicates(first, second) == brute_force(first, second)


def test_exactly_the_threshold_counts():
    # Eight letters have 4 grams, nine have these and one more: 4/5. Then 3/4.
    assert near_duplicates(["abcdefgh"], ["abcdefghi"]) == {0: 0}
    assert near_duplicates(["abcdefg"], ["abcdefgh"]) == {}


@pytest.mark.parametrize("limit", ["MOST_CHARACTERS", "MOST_STEPS", "MOST_MEMBERS"])
def test_too_much_is_not_done_rather_than_half_done(monkeypatch, limit):
    monkeypatch.setattr(near, limit, 10)
    assert near_duplicates(varied(1, 20), varied(1, 20)) is None


def test_no_texts():
    assert near_duplicates([], ["a"]) == near_duplicates(["a"], []) == {}
