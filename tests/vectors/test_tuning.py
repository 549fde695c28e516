from __future__ import annotations

import pytest

from bench.vectors.batches import BatchSize
from bench.vectors.tuning import BatchTuner


def tuner(folder, *, tokens=10**9, fixed=None, on_gpu=False):
    return BatchTuner(fixed=fixed, on_gpu=on_gpu, workers=2, tokens=tokens, memory=folder / "batch_size.json")


def give(subject, rates):
    """Report the given tokens/s for each size tried, after a slow warm-up group."""
    tried = []
    while subject.trial:
        size = subject.trial
        assert subject.next_size() == BatchSize(tokens=size)
        subject.record(1, 1.0)
        subject.record(rates[size], 1.0)
        tried.append(size)
    return tried


def test_the_fastest_size_is_chosen_and_remembered(tmp_path):
    first = tuner(tmp_path)
    assert give(first, {2048: 100, 1024: 130, 512: 120}) == [2048, 1024, 512]
    assert (first.size, first.how) == (BatchSize(tokens=1024), "found on these texts")
    second = tuner(tmp_path)
    assert second.trial is None
    assert (second.size, second.how) == (BatchSize(tokens=1024), "found by an earlier run")


def test_noise_does_not_choose(tmp_path):
    # 104 is less than 5% above 100: the default stays.
    subject = tuner(tmp_path)
    give(subject, {2048: 100, 1024: 104, 512: 99})
    assert subject.size == BatchSize(tokens=2048)


def test_little_work_is_not_worth_looking(tmp_path):
    subject = tuner(tmp_path, tokens=1000)
    assert subject.trial is None
    assert subject.how == "default"


def test_the_users_size_stands(tmp_path):
    subject = tuner(tmp_path, fixed=32)
    assert subject.trial is None
    assert subject.next_size() == BatchSize(rows=32)


@pytest.mark.parametrize("start", [BatchSize(rows=5), BatchSize(tokens=4096)])
def test_shrinking_halves_down_to_one(tmp_path, start):
    subject = tuner(tmp_path, tokens=0)
    subject.size = start
    for _ in range(20):
        subject.shrink()
    assert (subject.size.rows or subject.size.tokens) == 1


def test_a_broken_memory_is_no_obstacle(tmp_path):
    (tmp_path / "batch_size.json").write_text("{")
    subject = tuner(tmp_path)
    give(subject, {2048: 1, 1024: 1, 512: 1})
    assert tuner(tmp_path).how == "found by an earlier run"
