from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support import FakeEncoder

from bench.cost.answer import Answer
from bench.cost.bulk import BulkEncoder
from bench.cost.devices import Device
from bench.cost.probes import bulk as probe_module
from bench.cost.probes.bulk import sweep
from bench.models.profile import TextContext
from bench.vectors.batches import BatchSize

TEXTS = [f"text{' word' * (i % 50)}" for i in range(100)]


@pytest.fixture
def bulk():
    encoder = FakeEncoder()
    with ThreadPoolExecutor(2) as pool:
        yield BulkEncoder(encoder, Device("cpu"), TextContext(), TEXTS, pool)


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_any_number_of_texts_stands_for_the_same_lengths(bulk, count):
    lengths = FakeEncoder().token_counts(TEXTS, TextContext())
    batches = bulk.batches(BatchSize(rows=8), count)
    found = np.concatenate([batch.tokens for batch in batches])
    assert len(found) == count
    assert [len(batch.rows) for batch in batches[:-1]] == [8] * (len(batches) - 1)
    assert (np.diff(found) <= 0).all()
    assert found.mean() == pytest.approx(lengths.mean(), rel=0.1)
    for batch in batches:
        np.testing.assert_array_equal(batch.tokens, lengths[batch.rows])


def test_every_batch_is_encoded(bulk):
    batches = bulk.batches(BatchSize(rows=3), 10)
    assert bulk.seconds(batches) > 0
    assert sorted(bulk._encoder.batches) == [1, 3, 3, 3]
    assert sorted(bulk._encoder.encoded) == sorted(TEXTS[row] for batch in batches for row in batch.rows)


class Timetable(BulkEncoder):
    """A machine whose passes take a known time, and whose memory holds batches of up to a given size."""

    def __init__(self, monkeypatch, cost, most=None, error=None):
        super().__init__(FakeEncoder(), Device("cpu"), TextContext(), TEXTS, None)
        self.now, self.cost, self.most, self.error, self.passes = 0.0, cost, most, error, []
        monkeypatch.setattr(probe_module.time, "perf_counter", lambda: self.now)

    def seconds(self, batches):
        size = len(batches[0].rows)
        if self.most is not None and size > self.most:
            raise self.error
        self.passes.append(size)
        taken = sum(self.cost(batch) for batch in batches)
        self.now += taken
        return taken


def per_batch(batch):
    """1 ms a batch and 0.1 ms a token, up to 16 texts; beyond that twice as much a token."""
    return 0.001 + batch.tokens.sum() * (0.0001 if len(batch.rows) <= 16 else 0.0002)


def test_the_best_size_is_found_and_each_has_its_rate(monkeypatch):
    machine, answer = Timetable(monkeypatch, per_batch), Answer()
    measured = sweep(machine, [1, 8, 16, 32], 2, 100.0, answer)
    assert [found.size for found in measured] == [1, 8, 16, 32]
    for found in measured:
        texts = sum(len(batch.rows) for batch in found.batches)
        tokens = sum(batch.tokens.sum() for batch in found.batches)
        seconds = sum(per_batch(batch) for batch in found.batches)
        assert found.texts_per_s == pytest.approx(texts / seconds)
        assert found.tokens_per_s == pytest.approx(tokens / seconds)
        assert texts >= max(32, 2 * 2 * found.size)
    assert max(measured, key=lambda found: found.tokens_per_s).size == 16
    assert answer == Answer()
    # All of the time is used, and no more by much.
    assert machine.now == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 20 MiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_the_sweep_ends_where_memory_does_and_says_so(monkeypatch, error):
    machine, answer = Timetable(monkeypatch, per_batch, most=16, error=error), Answer()
    assert [found.size for found in sweep(machine, [1, 8, 16, 32, 64], 2, 20.0, answer)] == [1, 8, 16]
    assert answer.not_measured == {"bulk batch=32": "out of memory, so no larger batch was tried"}
    assert 64 not in machine.passes


def test_another_error_is_not_taken_for_full_memory(monkeypatch):
    machine = Timetable(monkeypatch, per_batch, most=16, error=RuntimeError("odd"))
    with pytest.raises(RuntimeError, match="odd"):
        sweep(machine, [8, 32], 2, 20.0, Answer())


def test_sizes_that_would_take_longer_than_there_is_time_are_named(monkeypatch):
    machine, answer = Timetable(monkeypatch, per_batch), Answer()
    measured = sweep(machine, [1, 8, 64, 128], 2, 0.9, answer)
    assert [found.size for found in measured] == [1, 8]
    assert answer.settings == {"batch_sizes_not_tried": [64, 128]}
    assert answer.not_measured == {}
