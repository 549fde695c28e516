from __future__ import annotations

from collections import Counter

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset

from bench.training.batches import plan_passes
from bench.training.engine import Planned, at_random, shares, weighted

SETTINGS = {"drop_last": False, "valid_label_columns": ["score"], "seed": 5}


def planned(dataset, **settings):
    columns = {name: dataset[name] for name in dataset.column_names}
    return Planned(plan_passes(columns, settings["batch_size"], settings["seed"], 2), dataset, **settings)


def sampler(make, columns, size):
    return make(Dataset.from_dict(columns), batch_size=size, generator=torch.Generator(), **SETTINGS)


@given(st.integers(1, 500), st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_shares_add_up_and_are_off_by_less_than_one(total, weights):
    found = shares(total, weights)
    assert sum(found) == total
    assert all(abs(count - total * w / sum(weights)) < 1 for count, w in zip(found, weights, strict=True))


@pytest.mark.parametrize("make", [planned, at_random])
def test_the_order_follows_from_seed_and_epoch(make):
    columns = {"query": [str(n) for n in range(20)], "positive": [f"p{n}" for n in range(20)]}
    first, later = sampler(make, columns, 4), sampler(make, columns, 4)
    orders = []
    for epoch in (0, 1):
        first.set_epoch(epoch)
        orders.append(list(first))
    # As a resumed training does: the second epoch without the first.
    later.set_epoch(1)
    assert list(later) == orders[1] != orders[0]
    assert sorted(row for batch in orders[0] for row in batch) == list(range(20))


def test_batches_of_several_data_sets_follow_their_weights():
    parts = [
        Dataset.from_dict({"query": [f"{name}{n}" for n in range(count)]}) for name, count in (("a", 8), ("b", 24))
    ]
    generator = torch.Generator()
    samplers = [planned(part, batch_size=4, generator=generator, **SETTINGS) for part in parts]
    both = weighted([3.0, 1.0])(ConcatDataset(parts), batch_samplers=samplers, generator=generator, seed=5)
    both.set_epoch(0)
    batches = list(both)
    # 2 and 6 batches: 8 in all, of which 6 and 2.
    assert len(batches) == len(both) == 8
    assert Counter("a" if max(batch) < 8 else "b" for batch in batches) == {"a": 6, "b": 2}
    assert all(max(batch) < 8 or min(batch) >= 8 for batch in batches)
    # The small one is gone through three times, each in an order of its own.
    turns = Counter(row for batch in batches for row in batch if row < 8)
    assert set(turns.values()) == {3}
    assert list(both) == batches
