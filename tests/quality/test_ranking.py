"""Documents above and tied with those of pairs, against a count of all scores."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality.blocks import ScoreBlock, rank_blocks
from bench.quality.ranking import Tally

NOTHING = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def as_float32(*rows):
    return np.array(rows, dtype=np.float32)


def whole(scores):
    """All scores in one block."""
    return ScoreBlock(slice(0, len(scores)), np.array(scores, dtype=np.float32))


def counted(scores, pairs, exclude, depth):
    """Documents above each pair, at most `depth`, and tied with it, by comparing with every score."""
    left = scores.copy()
    left[exclude] = -np.inf
    mine = left[pairs]
    above = (left[pairs[0]] > mine[:, None]).sum(axis=1)
    tied = (left[pairs[0]] == mine[:, None]).sum(axis=1)
    return np.where(mine > -np.inf, np.minimum(above, depth), depth), tied


def slices(draw, total):
    """Consecutive slices that cover range(total)."""
    cuts = sorted(draw(st.sets(st.integers(1, total - 1)))) if total > 1 else []
    return [slice(start, stop) for start, stop in pairwise([0, *cuts, total])]


def cells(draw, n, m, most):
    found = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), unique=True, max_size=most))
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@st.composite
def cases(draw):
    """Scores of few values, so that ties are common, some not ranked; pairs and documents left out."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    values = st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 1e-30, 2.0])
    scores = np.array(draw(st.lists(values, min_size=n * m, max_size=n * m)), dtype=np.float32).reshape(n, m)
    return scores, cells(draw, n, m, 20), cells(draw, n, m, 5), draw(st.integers(1, 14))


def test_by_hand():
    # Document 1 has a 4, below the 5 and level with two others; document 4 has a 1, the last.
    found = rank_blocks([whole([[5, 4, 4, 4, 1]])], np.array([0, 0]), np.array([1, 4]), 100)
    assert found.above.tolist() == [1, 4]
    assert found.tied.tolist() == [3, 1]


def test_excluded_pairs_are_not_ranked():
    # Query 0 leaves out document 1, its best; query 1 leaves out nothing.
    found = rank_blocks(
        [whole([[1, 9, 3], [1, 9, 3]])],
        np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), 100, (np.array([0]), np.array([1])),
    )  # fmt: skip
    assert found.above.tolist() == [1, 100, 2, 0]
    assert found.tied.tolist() == [1, 1, 1, 1]


def test_the_input_is_left_alone():
    block = whole([[1, 9, 3], [1, 9, 3]])
    rank_blocks([block], np.array([0]), np.array([0]), 2, (np.array([0]), np.array([1])))
    assert block.scores.tolist() == [[1, 9, 3], [1, 9, 3]]


def test_zero_and_its_negative_are_the_same_score():
    found = rank_blocks([whole([[0.0, -0.0, -1]])], np.array([0, 0]), np.array([0, 1]), 100)
    assert found.above.tolist() == [0, 0]
    assert found.tied.tolist() == [2, 2]


@settings(max_examples=300, deadline=None)
@given(cases(), st.data())
def test_blocks_of_whole_rows(case, data):
    scores, pairs, exclude, depth = case
    blocks = [ScoreBlock(part, scores[part]) for part in slices(data.draw, len(scores))]
    found = rank_blocks(data.draw(st.permutations(blocks)), *pairs, depth, exclude)
    above, tied = counted(scores, pairs, exclude, depth)
    assert found.above.tolist() == above.tolist()
    assert found.tied[above < depth].tolist() == tied[above < depth].tolist()


@settings(max_examples=300, deadline=None)
@given(cases(), st.data())
def test_documents_that_come_one_after_another(case, data):
    """In any order and cut, looking only at those that the tally still wants."""
    scores, pairs, exclude, depth = case
    n, m = scores.shape
    mine = scores[pairs].copy()
    mine[[pair in set(zip(*exclude, strict=True)) for pair in zip(*pairs, strict=True)]] = -np.inf
    tally = Tally(pairs[0], mine, n, depth, np.bincount(exclude[0], minlength=n))
    order = np.array(data.draw(st.permutations(range(m))), dtype=np.int64)
    for columns in slices(data.draw, m):
        for part in slices(data.draw, n):
            tile = scores[part][:, order[columns]]
            rows, column = np.nonzero(tile >= tally.floors[part, None])
            reached = tile[rows, column]
            rows += part.start
            tally.add(part, rows, *tally.places(rows, reached, reached))
    tally.take_back(exclude[0], scores[exclude])
    found = tally.ranks()
    above, tied = counted(scores, pairs, exclude, depth)
    assert found.above.tolist() == above.tolist()
    assert found.tied[above < depth].tolist() == tied[above < depth].tolist()


def test_a_slot_out_of_reach_is_no_longer_looked_at():
    # Two documents above the 1 put it out of a depth of 2; the 5 is still in reach, then nothing is.
    tally = Tally(np.array([0, 0, 1]), as_float32(1, 5, 3), 2, 2)
    assert tally.floors.tolist() == [1, 3]
    rows, scores = np.array([0, 0]), as_float32(4, 4)
    tally.add(slice(0, 2), rows, *tally.places(rows, scores, scores))
    assert tally.floors.tolist() == [5, 3]
    rows, scores = np.array([0, 0]), as_float32(7, 6)
    tally.add(slice(0, 2), rows, *tally.places(rows, scores, scores))
    assert tally.floors.tolist() == [np.inf, 3]


def test_places_tell_where_an_uncertain_score_could_stand():
    # Slots of query 1: 0.2, 0.4, 0.4; of query 0: 0.3.
    tally = Tally(np.array([1, 1, 0, 1]), as_float32(0.4, 0.2, 0.3, 0.4), 2, 100)
    first, last = tally.places(
        np.array([1, 1, 1, 0]), as_float32(0.25, 0.35, 0.5, 0.1), as_float32(0.3, 0.45, 0.6, 0.2)
    )
    # Certain between 0.2 and 0.4; around both 0.4; certain above all; certain below 0.3.
    assert first.tolist() == [2, 2, 4, 0]
    assert last.tolist() == [2, 4, 4, 0]


@pytest.mark.parametrize("depth", [1, 5])
def test_no_pairs_at_all(depth):
    found = rank_blocks([whole([[1, 2]])], *NOTHING, depth)
    assert found.above.tolist() == found.tied.tolist() == []
