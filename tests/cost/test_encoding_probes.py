"""The probes that encode, in this process: on the small model, and on a GPU that is a stand-in."""

from __future__ import annotations

import itertools
import os
import time

import numpy as np
import pytest
from fake_gpu import FakeGpu
from hypothesis import given
from hypothesis import strategies as st
from support import FakeEncoder

from bench.cost import flops
from bench.cost.effort import KEEP, Effort
from bench.cost.encoding import draw, encoding_jobs
from bench.cost.loading import ModelFiles
from bench.cost.measure import PROBES
from bench.cost.probes import bulk, encode, energy, memory
from bench.cost.probes.encode import token_range
from bench.errors import BenchError
from bench.models import loading
from bench.models.fingerprint import fingerprint
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.tasks.data import PairData
from bench.vectors.pipeline import usable_cores

TEXTS = ["red pipe", "a steel valve for the blue hose", "nail " * 20, "screw", "green door lamp"] * 3
CALLS = {"min_calls": 30, "min_seconds": 0.0, "max_seconds": 3600.0, "warm_up_seconds": 0.2}


def files_of(folder, **settings):
    entry = ModelEntry(name="m", source=[str(folder)], **settings).model_copy(update={"base_dir": folder.parent})
    located = Located(folder, str(folder), "folder")
    profile = load_encoder(entry.model_copy(update={"device": "cpu"}), located).profile
    contexts = {role: TextContext() for role in ("text", "query", "document")}
    return ModelFiles(entry, located, fingerprint(entry, folder).space, profile, contexts)


@pytest.fixture(autouse=True)
def _small_work(monkeypatch):
    """One thread, since several wait for each other on a busy machine, and small matrices."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(flops, "_CPU_SIDE", 64)
    yield
    monkeypatch.undo()
    torch.set_num_threads(threads)


@pytest.fixture
def ticking(monkeypatch):
    """A clock that goes on by 10 ms whenever it is read, however busy the machine is."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) / 100)


@pytest.fixture
def job(tiny_model):
    return {"model": files_of(tiny_model, device="cpu").to_job(), "texts": TEXTS, "role": "text"}


class GpuEncoder(FakeEncoder):
    """An encoder that says it is on the GPU that the stand-in knows."""

    def __init__(self) -> None:
        super().__init__(device="cuda:1")

    def tokenize(self, texts, context):
        return texts

    def forward(self, features, context):
        return self.embed(features, context)


@pytest.fixture
def on_gpu(monkeypatch, tiny_model):
    """The GPU, and a job whose model is on it."""
    gpu = FakeGpu().install(monkeypatch)
    monkeypatch.setattr(loading, "load_verified", lambda *_: GpuEncoder())
    model = files_of(tiny_model, device="cuda:1").to_job()
    return gpu, {"model": model, "texts": TEXTS, "role": "text"}


def values(answer):
    return {(figure.name, *figure.detail.values()): figure.value for figure in answer.figures}


@pytest.mark.parametrize(
    ("tokens", "told"),
    [(1, "1"), (2, "2"), (3, "3-4"), (4, "3-4"), (16, "9-16"), (17, "17-32"), (32, "17-32"), (257, "257-512")],
)
def test_ranges_of_tokens(tokens, told):
    assert token_range(tokens) == told


@given(st.integers(1, 100_000))
def test_a_length_lies_in_its_range(tokens):
    low, _, high = token_range(tokens).partition("-")
    assert int(low) <= tokens <= int(high or low)


def test_single_texts_have_their_parts_and_lengths(job):
    singles = {"query": TEXTS[:3], "document": TEXTS}
    answer = encode.probe(job | {"texts": singles, "main": "query", "threads": 1, "calls": CALLS})
    found = {(timed.name, tuple(timed.detail.items())): timed for timed in answer.timed}
    for role, texts in singles.items():
        detail = ((("role", role),) if role == "document" else ()) + (("threads", 1),)
        whole = found["encode", detail]
        tokenised, forward = (found[f"encode_{part}", detail] for part in ("tokenise", "forward"))
        assert len(whole.milliseconds) == len(tokenised.milliseconds) == len(forward.milliseconds) == 30
        parts = np.add(tokenised.milliseconds, forward.milliseconds)
        assert (parts <= whole.milliseconds).all()
        # Only the first text of a process is a cold one.
        assert (whole.cold_ms is None) == (role == "document")
        by_length = [timed for (name, of), timed in found.items() if of[:-1] == detail and of[-1][0] == "tokens"]
        assert sorted(value for timed in by_length for value in timed.milliseconds) == sorted(whole.milliseconds)
        # [CLS] red pipe [SEP] and so on: the texts take turns, after the cold call and those that warmed up.
        ranges = {4: "3-4", 9: "9-16", 22: "17-32", 3: "3-4", 5: "5-8"}
        lengths = [len(text.split()) + 2 for text in texts]
        turns = [ranges[lengths[call % len(texts)]] for call in range(1 + whole.warm_up, 31 + whole.warm_up)]
        assert {timed.detail["tokens"]: len(timed.milliseconds) for timed in by_length} == {
            told: turns.count(told) for told in set(turns)
        }
    assert answer.settings == {"device": "cpu", "texts": {"query": 3, "document": 15}}


@pytest.mark.usefixtures("ticking")
def test_a_sweep_of_batch_sizes_on_the_cpu(job):
    answer = bulk.probe(job | {"batch_sizes": [4, 2, 64], "seconds": 0.5})
    found = values(answer)
    rates = {batch: found["encode_tokens_per_s", batch] for batch in (2, 4)}
    best = max(rates, key=rates.get)
    assert found["encode_best_batch",] == best
    assert found["encode_tokens_per_s",] == rates[best]
    assert found["encode_texts_per_s",] == found["encode_texts_per_s", best]
    assert ("encode_texts_per_s", 64) not in found
    assert found["encode_matmul_share",] > 0
    assert found["matmul_gflops",] > 0
    assert answer.settings["workers"] == usable_cores()


@pytest.mark.usefixtures("ticking")
def test_fewer_texts_than_the_smallest_batch(job):
    answer = bulk.probe(job | {"texts": TEXTS[:3], "batch_sizes": [8, 16], "seconds": 0.1})
    assert values(answer)["encode_best_batch",] == 3


def test_a_text_that_does_not_fit_is_an_error(on_gpu, monkeypatch):
    def full(*_):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(GpuEncoder, "embed", full)
    with pytest.raises(BenchError, match="not even a batch of 2 fits into the memory of cuda:1"):
        bulk.probe(on_gpu[1] | {"batch_sizes": [2, 4], "seconds": 0.1})


def test_memory_and_weights(job, tiny_model):
    found = values(memory.probe(job))
    assert found["memory_load_mib",] > 50
    assert found["memory_encode_mib",] > 50
    assert found["weights_file_bytes",] == (tiny_model / "model.safetensors").stat().st_size
    assert 0 < found["weights_bytes",] <= found["weights_file_bytes",]
    assert not any(name.startswith("gpu") for name, *_ in found)


def test_latency_on_a_gpu_has_the_devices_share(on_gpu):
    gpu, job = on_gpu
    answer = encode.probe(job | {"texts": {"text": TEXTS}, "main": "text", "threads": None, "calls": CALLS})
    (share,) = [timed for timed in answer.timed if timed.name == "encode_gpu"]
    assert share.milliseconds == [2.5] * 30
    # Both sides of the clock, each call: waiting, two events and their end, waiting.
    call = ["synchronise 1", "event on stream 1", "event on stream 1", "event reached", "synchronise 1"]
    assert gpu.log[:10] == call * 2
    assert answer.settings["before"]["sm_mhz"] == answer.settings["after"]["sm_mhz"] == 1980
    assert answer.settings["before"]["gpus"] == {"cuda:0": "Fake H1 no 0", "cuda:1": "Fake H1 no 1"}


def test_memory_of_a_gpu(on_gpu):
    gpu, job = on_gpu
    gpu.processes = {os.getpid(): 640}
    answer = memory.probe(job)
    found = values(answer)
    for phase in ("load", "encode"):
        assert found[f"gpu_memory_{phase}_allocated_mib",] == 100
        assert found[f"gpu_memory_{phase}_reserved_mib",] == 200
    assert found["gpu_memory_process_mib",] == 640
    gpu.processes = {}
    answer = memory.probe(job)
    assert "containers" in answer.not_measured["gpu_memory_process_mib"]
    assert ("gpu_memory_process_mib",) not in values(answer)


def test_a_gpu_in_use_stops_every_probe_before_it_loads(on_gpu, monkeypatch):
    gpu, job = on_gpu
    gpu.busy = 100
    monkeypatch.setattr(loading, "load_verified", lambda *_: pytest.fail("loaded"))
    for probe in (encode.probe, bulk.probe, memory.probe):
        with pytest.raises(BenchError, match="100% busy"):
            probe(job)


def test_energy_is_the_counters_difference_by_the_texts_between(on_gpu, monkeypatch, tmp_path):
    gpu, job = on_gpu

    def embed(self, texts, context):
        # 3 mJ a text.
        gpu.millijoules += 3 * len(texts)

    monkeypatch.setattr(GpuEncoder, "embed", embed)
    told = {"seconds": 0.01, "batch_rows": None, "batch_memory": str(tmp_path / "none.json")}
    answer = energy.probe(job | told)
    assert values(answer) == {("energy_j_per_1000_texts",): pytest.approx(3.0)}
    assert answer.settings["counter"] == "NVML, the whole GPU"
    gpu.missing = {"nvmlDeviceGetTotalEnergyConsumption"}
    assert energy.probe(job | told).not_measured == {"energy": "NVML does not answer: Not Supported"}


def test_energy_on_the_cpu(job, monkeypatch, tmp_path):
    class Counter:
        how = "a stand-in"

        def start(self): ...

        def joules(self):
            return 6.0

    monkeypatch.setattr(energy, "meter_of", lambda _: Counter())
    told = {"seconds": 0.0, "batch_rows": 4, "batch_memory": str(tmp_path / "none.json")}
    answer = energy.probe(job | told)
    # One pass over 15 texts.
    assert values(answer) == {("energy_j_per_1000_texts",): pytest.approx(400.0)}
    assert answer.settings["batch"] == "4 texts (as set)"


@pytest.mark.parametrize("reason", [None, "no counter"])
def test_jobs(tiny_model, tmp_path, monkeypatch, reason):
    from bench.cost import encoding

    monkeypatch.setattr(encoding, "why_not", lambda _: reason)
    effort = Effort(
        processes=3, encode_seconds=9.0, search_seconds=1.0, cascade_seconds=0.1, calls=459, cap=6.0, queries=5,
        warm_up_seconds=2.0,
        bulk_seconds=30.0, batch_sizes=(1, 8), energy_seconds=5.0,
    )  # fmt: skip
    data = PairData(["1", "2"], TEXTS[:2], TEXTS[2:4], np.zeros(2))
    jobs, not_measured = encoding_jobs(files_of(tiny_model, batch_size=48), tmp_path, data, effort, PROBES)
    expected = {"encode": 3, "bulk": 3, "memory": 1} | ({} if reason else {"energy": 1})
    assert {job.probe: job.processes for job in jobs} == expected
    assert not_measured == ({"energy": "no counter"} if reason else {})
    assert {job.threads for job in jobs if job.probe == "encode"} == {1, usable_cores()}
    (sweep,) = [job.job for job in jobs if job.probe == "bulk"]
    assert (sweep["batch_sizes"], sweep["seconds"]) == ([1, 8, 48], 10.0)


def test_energy_that_is_not_asked_for_is_not_looked_for(tiny_model, tmp_path, monkeypatch):
    from bench.cost import encoding

    monkeypatch.setattr(encoding, "why_not", lambda _: pytest.fail("looked"))
    data = PairData(["1"], TEXTS[:1], TEXTS[1:2], np.zeros(1))
    assert encoding_jobs(files_of(tiny_model), tmp_path, data, KEEP, ["encode"])[1] == {}


def test_samples_are_drawn_by_seed_from_the_texts_alone():
    texts = [f"text {i}" for i in range(50)]
    assert draw(texts, 10) == draw([*reversed(texts), *texts], 10)
    assert len(set(draw(texts, 10))) == 10
    assert sorted(draw(texts, 99)) == sorted(texts)
