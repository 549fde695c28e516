"""Top documents gathered from blocks, against a full sort."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality import ranking
from bench.quality.ranking import ScoreBlock, block_rows, dense_blocks, rank
from bench.vectors.quantise import Comparable, Quantiser, unit
from bench.views import View

NO_PAIRS = np.empty(0, dtype=np.int64)


def comparable(matrix):
    """Rows compared by their cosine."""
    return Comparable(unit(matrix)[0], np.ones(len(matrix)))


def part_of(rows, chosen):
    return Comparable(rows.directions[chosen], rows.weights[chosen])


def whole(scores):
    """All scores in one block."""
    scores = np.array(scores, dtype=np.float32)
    return ScoreBlock(slice(0, len(scores)), np.arange(scores.shape[1]), scores)


def ranked(blocks, n, m, k, **options):
    return rank(
        blocks, n_queries=n, n_documents=m, k=k, **{"pair_queries": NO_PAIRS, "pair_documents": NO_PAIRS} | options
    )


def slices(draw, total):
    """Consecutive slices that cover range(total)."""
    cuts = sorted(draw(st.sets(st.integers(1, total - 1)))) if total > 1 else []
    return [slice(start, stop) for start, stop in pairwise([0, *cuts, total])]


@st.composite
def cases(draw):
    """Integer scores, so that ties are common, cut into blocks of any shape, in any order."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    scores = np.array(draw(st.lists(st.integers(-2, 2), min_size=n * m, max_size=n * m)), dtype=np.float32)
    scores = scores.reshape(n, m)
    order = np.array(draw(st.permutations(range(m))), dtype=np.int64)
    blocks = [
        ScoreBlock(queries, order[columns], scores[queries][:, order[columns]])
        for columns in slices(draw, m)
        for queries in slices(draw, n)
    ]
    return scores, draw(st.permutations(blocks))


def test_best_scores_fall_and_ties_at_the_end_are_counted():
    # 5 > 4 = 4 = 4 > 1: two places hold 5 and one of the 4s, so two 4s find no room.
    found = ranked([whole([[4, 1, 5, 4, 4]])], 1, 5, 2)
    assert found.scores.tolist() == [[5, 4]]
    assert found.documents[0, 0] == 2
    assert found.documents[0, 1] in {0, 3, 4}
    assert found.ties_cut.tolist() == [2]


def test_ties_drop_out_when_a_later_block_raises_the_last_place():
    # After the first block the last place is a 1 and one 1 is cut; the 2s push all 1s out.
    blocks = [
        ScoreBlock(slice(0, 1), np.array([0, 1, 2]), np.array([[1, 1, 1]], dtype=np.float32)),
        ScoreBlock(slice(0, 1), np.array([3, 4]), np.array([[2, 2]], dtype=np.float32)),
    ]
    found = ranked(blocks, 1, 5, 2)
    assert found.scores.tolist() == [[2, 2]]
    assert sorted(found.documents[0]) == [3, 4]
    assert found.ties_cut.tolist() == [0]


def test_fewer_documents_than_places_are_padded():
    found = ranked([whole([[1, 2]])], 1, 2, 4)
    assert found.scores.tolist() == [[2, 1, -np.inf, -np.inf]]
    assert found.documents.tolist() == [[1, 0, -1, -1]]
    assert found.ties_cut.tolist() == [0]


def test_excluded_pairs_are_not_ranked():
    # Query 0 leaves out document 1, its best; query 1 leaves out nothing.
    found = ranked(
        [whole([[1, 9, 3], [1, 9, 3]])], 2, 3, 3,
        exclude=(np.array([0]), np.array([1])),
        pair_queries=np.array([0, 1]), pair_documents=np.array([1, 1]),
    )  # fmt: skip
    assert found.documents.tolist() == [[2, 0, -1], [1, 2, 0]]
    assert found.pair_scores.tolist() == [-np.inf, 9]


def test_rank_leaves_its_input_alone():
    block = whole([[1, 9, 3], [1, 9, 3]])
    ranked([block], 2, 3, 2, exclude=(np.array([0]), np.array([1])))
    assert block.scores.tolist() == [[1, 9, 3], [1, 9, 3]]


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 14), st.data())
def test_equals_a_full_sort_whatever_the_blocks(case, k, data):
    scores, blocks = case
    n, m = scores.shape
    cells = st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), unique=True, max_size=5)
    exclude = np.array(data.draw(cells), dtype=np.int64).reshape(-1, 2)
    pairs = np.array(data.draw(cells), dtype=np.int64).reshape(-1, 2)
    expected = scores.copy()
    expected[exclude[:, 0], exclude[:, 1]] = -np.inf

    found = ranked(
        blocks, n, m, k,
        exclude=(exclude[:, 0], exclude[:, 1]), pair_queries=pairs[:, 0], pair_documents=pairs[:, 1],
    )  # fmt: skip

    padded = np.pad(expected, ((0, 0), (0, k)), constant_values=-np.inf)
    best = -np.sort(-padded, axis=1)[:, :k]
    assert found.scores.tolist() == best.tolist()
    assert found.pair_scores.tolist() == expected[pairs[:, 0], pairs[:, 1]].tolist()
    for query in range(n):
        kept = found.documents[query][found.documents[query] >= 0]
        last = best[query, -1]
        assert len(set(kept)) == len(kept) == np.isfinite(best[query]).sum()
        assert expected[query, kept].tolist() == best[query, : len(kept)].tolist()
        cut = (expected[query] == last).sum() - (best[query] == last).sum() if np.isfinite(last) else 0
        assert found.ties_cut[query] == cut


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_documents_equal_argsort_without_ties(m, step, k, seed):
    scores = np.random.default_rng(seed).permutation(3 * m).reshape(3, m).astype(np.float32)
    blocks = [
        ScoreBlock(slice(0, 3), np.arange(m)[part], scores[:, part].copy())
        for part in (slice(start, start + step) for start in range(0, m, step))
    ]
    found = ranked(blocks, 3, m, k)
    width = min(k, m)
    assert found.documents[:, :width].tolist() == np.argsort(-scores, axis=1)[:, :width].tolist()


def test_one_pair_may_be_asked_for_twice():
    found = ranked([whole([[1, 7]])], 1, 2, 1, pair_queries=np.array([0, 0]), pair_documents=np.array([1, 1]))
    assert found.pair_scores.tolist() == [7, 7]


@pytest.mark.parametrize("score_bytes", [8, 200, 1 << 20])
def test_dense_blocks_cover_every_score_once(monkeypatch, score_bytes):
    # 8 bytes are one score: every block is then one query high.
    monkeypatch.setattr(ranking, "_SCORE_BYTES", score_bytes)
    rng = np.random.default_rng(0)
    queries, documents = (Comparable(*unit(rng.normal(size=(n, 4)))) for n in (7, 11))
    rows = [np.array([3, 0, 10, 5]), np.array([1, 2, 4, 6, 7, 8, 9])]
    found, seen = np.zeros((7, 11)), np.zeros((7, 11), dtype=int)
    for block in dense_blocks(queries, ((part, part_of(documents, part)) for part in rows)):
        assert block.scores.dtype == np.float32
        assert block.scores.nbytes <= max(score_bytes, 4 * len(block.documents))
        place = np.ix_(range(block.queries.start, block.queries.stop), block.documents)
        found[place] = block.scores
        seen[place] += 1
    assert (seen == 1).all()
    lengths = queries.weights[:, None] * documents.weights
    # float32 keeps 24 bits, 6e-8 of the value; beside it, half a step of the grid of 2^-32.
    expected = queries.directions @ documents.directions.T * lengths
    assert (np.abs(found - expected) <= 6e-8 * np.abs(expected) + 2**-33 * lengths).all()


@pytest.mark.parametrize("dim", [1, 3, 48])
def test_dot_products_are_the_plain_ones_to_float32(dim):
    rng = np.random.default_rng(dim)
    # Lengths from 1/1000 to 1000.
    queries, documents = (
        (rng.normal(size=(n, dim)) * 10 ** rng.uniform(-3, 3, size=(n, 1))).astype(np.float32) for n in (6, 40)
    )
    quantiser = Quantiser(View(dim), "dot")
    found = scores_in_blocks(quantiser.comparable(queries), quantiser.comparable(documents), [17, 23])
    plain = queries.astype(np.float64) @ documents.astype(np.float64).T
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(documents, axis=1)
    # As above.
    assert (np.abs(found - plain) <= 6e-8 * np.abs(plain) + 2**-33 * 1.001 * lengths).all()


def test_block_rows_stay_in_bounds():
    # 32 MiB of float64 are 4,194,304 scores.
    assert block_rows(0) == block_rows(1) == block_rows(1024) == 4096
    assert block_rows(4096) == 1024
    assert block_rows(1_000_000) == 256


def scores_in_blocks(queries, documents, sizes):
    """Scores of documents given in blocks of these sizes, shape (queries, documents)."""
    starts = np.cumsum([0, *sizes])
    blocks = ((np.arange(a, b), part_of(documents, slice(a, b))) for a, b in pairwise(starts))
    return np.concatenate([block.scores for block in dense_blocks(queries, blocks)], axis=1)


@pytest.mark.parametrize("dim", [1, 2, 3, 8, 48, 384])
def test_a_score_depends_on_its_two_vectors_alone(dim):
    rng = np.random.default_rng(dim)
    queries, documents = comparable(rng.normal(size=(6, dim))), comparable(rng.normal(size=(20, dim)))
    copies = part_of(documents, np.tile(np.arange(20), 3))
    expected = scores_in_blocks(queries, documents, [20])
    for sizes in ([60], [59, 1], [1] * 60, [17, 30, 13]):
        assert (scores_in_blocks(queries, copies, sizes) == np.tile(expected, 3)).all()
        alone = np.concatenate([scores_in_blocks(part_of(queries, [row]), copies, sizes) for row in range(6)])
        assert (alone == np.tile(expected, 3)).all()


@pytest.mark.parametrize("dim", [2, 3, 8, 16, 48])
def test_scores_of_orthogonal_vectors_do_not_depend_on_their_place(dim):
    # Whole numbers often cancel to exactly 0; summed in another order they leave 1e-17, which is not a tie with 0.
    rng = np.random.default_rng(dim)
    queries = comparable(rng.integers(-2, 3, size=(6, dim)))
    documents = comparable(rng.integers(-2, 3, size=(40, dim)))
    expected = scores_in_blocks(queries, documents, [40])
    for sizes in ([39, 1], [1] * 40, [17, 23]):
        assert (scores_in_blocks(queries, documents, sizes) == expected).all()
    alone = np.concatenate([scores_in_blocks(part_of(queries, [row]), documents, [40]) for row in range(6)])
    assert (alone == expected).all()
