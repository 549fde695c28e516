"""Arithmetic: what a model does for its texts, and what the machine can do."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cost.devices import Device
from bench.cost.timing import time_calls
from bench.models.profile import TextContext
from bench.vectors.batches import Batch

if TYPE_CHECKING:
    from bench.models.encoder import SentenceEncoder

# Sides of the square matrices: large enough that more would not be faster.
_CPU_SIDE = 1024
_GPU_SIDE = 8192
# Products of each worker in one timing.
_PRODUCTS = 4


def model_flops(
    encoder: SentenceEncoder, texts: Sequence[str], batches: Sequence[Batch], context: TextContext
) -> float:
    """Floating-point operations of matrix products and attention for batches, padding included.

    A product of an (m, k) and a (k, n) matrix counts as 2mkn. Rows of a batch are alike once they are padded, so the
    longest text of each is counted and taken times the rows.

    Args:
        encoder: The model.
        texts: All texts.
        batches: Each from the longest text to the shortest.
        context: Of the texts.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        batch, heads, length, width = query
        return int(2 * batch * heads * length * key[-2] * (width + value[-1]))

    # torch counts attention's kernels on GPUs, but not this one.
    on_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    total = 0.0
    for batch in batches:
        with FlopCounterMode(display=False, custom_mapping={on_cpu: attention}) as counter:
            encoder.embed([texts[batch.rows[0]]], context)
        total += counter.get_total_flops() * len(batch.rows)
    return total


def matmul_gflops(dtype: str, device: Device, pool: ThreadPoolExecutor, workers: int) -> float:
    """Measured rate of large square matrix products, in 10^9 operations a second, warmed up.

    Every worker thread multiplies matrices of its own, as it encodes batches of its own: on CPU that is faster than
    one product on all threads.

    Args:
        dtype: Of the matrices, as torch names it.
        device: Where.
        pool: The worker threads.
        workers: How many they are.
    """
    import torch

    side = _CPU_SIDE if device.name == "cpu" else _GPU_SIDE
    generator = torch.Generator(device.name).manual_seed(0)
    left, right = (
        torch.randn((side, side), generator=generator, device=device.name).to(getattr(torch, dtype)) for _ in range(2)
    )
    products = [torch.empty_like(left) for _ in range(workers)]

    def multiply(number: int) -> None:
        torch.mm(left, right, out=products[number % workers])

    count = workers * _PRODUCTS
    timing = time_calls(
        lambda _: list(pool.map(multiply, range(count))),
        [None],
        min_calls=7,
        min_seconds=0.5,
        max_seconds=3.0,
        warm_up_seconds=1.0,
        synchronise=device.synchronise,
    )
    return count * 2 * side**3 / (float(np.median(timing.samples_ms)) / 1000) / 1e9
