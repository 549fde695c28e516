from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.vectors.batches import BatchSize, cut, windows

token_lists = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@given(token_lists, st.integers(1, 200))
def test_every_text_is_in_one_batch_and_budgets_hold(tokens, budget):
    counts = np.array(tokens)
    batches = list(cut(np.arange(len(tokens)), counts, lambda: BatchSize(tokens=budget)))
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(tokens)))
    for batch in batches:
        np.testing.assert_array_equal(batch.tokens, counts[batch.rows])
        # Padded to its longest text a batch stays within the budget, unless one text alone is over it.
        assert len(batch.rows) * batch.tokens.max() <= budget or len(batch.rows) == 1


@given(token_lists, st.integers(1, 10))
def test_a_fixed_batch_size_is_kept(tokens, rows):
    sizes = [len(batch.rows) for batch in cut(np.arange(len(tokens)), np.array(tokens), lambda: BatchSize(rows=rows))]
    assert set(sizes[:-1]) <= {rows}
    assert sizes[-1] <= rows


def test_longest_first():
    # 2 texts of 5 tokens fit into 10, then 3 of 3 fit into 10, then the rest.
    batches = list(cut(np.arange(6), np.array([3, 5, 3, 5, 3, 1]), lambda: BatchSize(tokens=10)))
    assert [batch.tokens.tolist() for batch in batches] == [[5, 5], [3, 3, 3], [1]]


@given(st.permutations(range(8)))
def test_windows_do_not_depend_on_the_order_of_texts(order):
    lengths = np.array([4, 4, 4, 7, 1, 1, 9, 2])
    keys = np.array([b"h", b"b", b"c", b"d", b"e", b"f", b"g", b"a"])
    base = np.concatenate(list(windows(lengths, keys)))
    mixed = np.array(order)
    shuffled = np.concatenate(list(windows(lengths[mixed], keys[mixed])))
    assert keys[base].tolist() == keys[mixed][shuffled].tolist()
    assert lengths[base].tolist() == sorted(lengths, reverse=True)
