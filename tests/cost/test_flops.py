from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.cost.devices import open_device
from bench.cost.flops import matmul_gflops, model_flops
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.vectors.batches import Batch

WIDTH, INNER, LAYERS = 32, 64, 2


@pytest.fixture
def encoder(tiny_model):
    return load_encoder(ModelEntry(name="m", source=[str(tiny_model)], device="cpu"), Located(tiny_model, "", "folder"))


def by_hand(length: int) -> int:
    """A multiplication and an addition of each weight and token: q, k, v, o, two layers inwards; scores, values."""
    weights = 4 * WIDTH**2 + 2 * WIDTH * INNER
    attention = 2 * length**2 * WIDTH
    # BERT's pooler sees the first token alone.
    return 2 * LAYERS * (length * weights + attention) + 2 * WIDTH**2


def test_operations_are_those_worked_out_by_hand(encoder):
    texts = ["red pipe valve nail", "red pipe", "nail"]
    lengths = encoder.token_counts(texts, TextContext())
    assert lengths.tolist() == [6, 4, 3]
    alone = [Batch(np.array([row]), lengths[[row]]) for row in range(3)]
    assert model_flops(encoder, texts, alone, TextContext()) == sum(by_hand(length) for length in (6, 4, 3))
    # In one batch the short ones are padded.
    assert model_flops(encoder, texts, [Batch(np.arange(3), lengths)], TextContext()) == 3 * by_hand(6)


def test_the_machines_rate_is_a_products_operations_over_its_time(monkeypatch):
    import torch

    from bench.cost import flops, timing

    monkeypatch.setattr(flops, "_CPU_SIDE", 100)
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    made = []

    def product(left, right, out):
        made.append((left.dtype, tuple(left.shape)))
        now[0] += 0.01

    monkeypatch.setattr(torch, "mm", product)
    with ThreadPoolExecutor(1) as pool:
        # 2 x 100^3 operations in 10 ms.
        assert matmul_gflops("bfloat16", open_device("cpu"), pool, 1) == pytest.approx(0.2)
    assert set(made) == {(torch.bfloat16, (100, 100))}
