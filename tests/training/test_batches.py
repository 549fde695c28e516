"""Batches without repeated texts: sentence-transformers' own where they hold all rows, else even ones that do."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

from bench.training.batches import Passes, plan_passes

TEXTS = st.lists(st.tuples(st.sampled_from("abcdefghijk"), st.sampled_from("abcdeuvwxyz")), min_size=1, max_size=40)


def pairs(rows):
    return {"query": [query for query, _ in rows], "positive": [positive for _, positive in rows]}


def of_library(columns, size, seed, epoch):
    sampler = NoDuplicatesBatchSampler(
        Dataset.from_dict(columns), batch_size=size, drop_last=False, generator=torch.Generator(), seed=seed
    )
    sampler.set_epoch(epoch)
    return list(sampler)


@given(TEXTS, st.integers(1, 9), st.integers(0, 3), st.integers(0, 2))
def test_batches_are_filled_as_the_library_fills_them(rows, size, seed, epoch):
    texts = plan_passes(pairs(rows), size, seed, 1).texts
    assert Passes(texts, size, seed).batches(epoch) == of_library(pairs(rows), size, seed, epoch)


@given(TEXTS, st.integers(1, 9), st.integers(0, 3), st.integers(1, 3))
def test_every_pass_has_the_same_number_of_batches_and_all_rows_in_them(rows, size, seed, passes):
    plan = plan_passes(pairs(rows), size, seed, passes)
    for number in range(passes):
        # A trainer stops after so many.
        trained = plan.batches(number)[: len(plan)]
        assert len(trained) == len(plan)
        assert sorted(row for batch in trained for row in batch) == list(range(len(rows)))
        for batch in trained:
            assert 1 <= len(batch) <= size
            assert max(Counter(text for row in batch for text in set(rows[row])).values()) == 1


@pytest.mark.parametrize("size", [1, 7, 8, 64])
def test_where_nothing_repeats_batches_are_the_librarys(size):
    columns = pairs([(f"q{row}", f"p{row}") for row in range(64)])
    plan = plan_passes(columns, size, 5, 2)
    assert plan.spread is None
    for epoch in (0, 1):
        assert plan.batches(epoch) == of_library(columns, size, 5, epoch)
        assert len(plan.batches(epoch)) == len(plan)


def test_rows_that_the_library_leaves_out_are_in_a_batch():
    # 40 questions of 26 or 27 answers each: no fewer than 27 batches can hold them.
    columns = pairs([(f"q{row % 40}", f"p{row}") for row in range(1054)])
    theirs = of_library(columns, 64, 42, 0)
    # Of its 17 batches none can hold more than one row of each question.
    assert sum(map(len, theirs[:17])) == 17 * 40
    plan = plan_passes(columns, 64, 42, 2)
    assert len(plan) == plan.spread == 27
    # 1054 / 27 = 39.04: no batch is much smaller than another.
    assert {len(batch) for batch in plan.batches(0)} <= {38, 39, 40}
    assert plan.batches(0) != plan.batches(1)
    assert plan.batches(1) == plan.batches(1)


@pytest.mark.parametrize(("rows", "size", "spread"), [(600, 64, False), (150, 16, True)])
def test_one_row_in_200_may_stay_out_of_a_pass(rows, size, spread):
    # Each question twice: where a pass ends in a batch that would hold one twice, a row or two are left over.
    columns = pairs([(f"q{row // 2}", f"p{row}") for row in range(rows)])
    texts = plan_passes(columns, size, 0, 1).texts
    stated = -(-rows // size)
    seed = next(seed for seed in range(100) if len(Passes(texts, size, seed).batches(0)) > stated)
    left = rows - sum(map(len, of_library(columns, size, seed, 0)[:stated]))
    assert 1 <= left <= 3
    plan = plan_passes(columns, size, seed, 1)
    assert (plan.spread is not None) == (200 * left > rows) == spread
    assert sum(map(len, plan.batches(0)[: len(plan)])) == (rows if spread else rows - left)
