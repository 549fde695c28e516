"""Group letters, against the matrix that they stand for and against all maximal sets by brute force."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.statistics.letters import group_letters


def split(letters):
    return set(re.findall(r"[a-z][0-9]*", letters))


def matrix(m, pairs):
    same = np.eye(m, dtype=bool)
    for first, second in pairs:
        same[first, second] = same[second, first] = True
    return same


def maximal_sets(same):
    """All sets of models of which no two differ and to which none can be added."""
    m = len(same)
    fitting = [
        set(chosen)
        for size in range(1, m + 1)
        for chosen in combinations(range(m), size)
        if same[np.ix_(chosen, chosen)].all()
    ]
    return [group for group in fitting if not any(group < other for other in fitting)]


@st.composite
def matrices(draw, most=7):
    m = draw(st.integers(1, most))
    pairs = list(combinations(range(m), 2))
    chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    return matrix(m, [pair for pair, same in zip(pairs, chosen, strict=True) if same])


@given(matrices())
@settings(max_examples=300, deadline=None)
def test_models_share_a_letter_if_and_only_if_they_do_not_differ(same):
    letters = [split(text) for text in group_letters(same)]
    assert all(letters)
    assert [[bool(one & other) for other in letters] for one in letters] == same.tolist()
    # Every letter is a maximal set, and none can go.
    groups = {name: {at for at, of_model in enumerate(letters) if name in of_model} for name in set().union(*letters)}
    assert all(group in maximal_sets(same) for group in groups.values())
    for name in groups:
        others = [group for other, group in groups.items() if other != name]
        held = {(a, b) for group in others for a in group for b in group}
        assert not {(a, b) for a in groups[name] for b in groups[name]} <= held


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9).map(sorted), st.integers(0, 4))
def test_of_models_in_a_row_the_letters_are_all_maximal_sets_from_the_best_down(places, reach):
    """Where models differ that are further apart than a distance, there is one smallest display."""
    same = np.abs(np.subtract.outer(places, places)) <= reach
    letters = group_letters(same)
    groups = sorted(sorted(group) for group in maximal_sets(same))
    assert letters == ["".join(chr(97 + at) for at, group in enumerate(groups) if model in group)
                       for model in range(len(places))]  # fmt: skip


def test_piephos_chain_by_hand():
    # The first two are the same, so are the second and third, the first and third differ.
    assert group_letters(matrix(4, [(0, 1), (1, 2)])) == ["a", "ab", "b", "c"]
    assert group_letters(matrix(3, [])) == ["a", "b", "c"]
    assert group_letters(matrix(3, [(0, 1), (0, 2), (1, 2)])) == ["a", "a", "a"]


def test_after_z_letters_have_numbers():
    letters = group_letters(np.eye(54, dtype=bool))
    assert (letters[25], letters[26], letters[53]) == ("z", "a1", "b2")


def test_a_square_of_which_opposite_corners_differ():
    same = matrix(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert group_letters(same) == ["ab", "ac", "cd", "bd"]
