from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from support import ROOT, FakeEncoder

from bench.errors import BenchError
from bench.models.profile import TextContext
from bench.vectors import pipeline
from bench.vectors.encode import encode_missing, missing_texts
from bench.vectors.store import VectorSpace, text_keys
from bench.vectors.texts import TextGroup

PLAIN = TextContext()
TEXTS = [f"text {i} " + "word " * (i % 17) for i in range(200)]


def stored(root, texts, context=PLAIN):
    space = VectorSpace(root, "space")
    space.refresh()
    return space.vectors(text_keys(texts, context)).all()


def test_each_unique_text_is_encoded_once_across_groups_and_runs(tmp_path):
    encoder = FakeEncoder()
    space = VectorSpace(tmp_path, "space")
    groups = [TextGroup([*TEXTS, *TEXTS[:50]], PLAIN), TextGroup(TEXTS[:20], PLAIN)]
    assert missing_texts(space, groups) == 200
    report = encode_missing(space, encoder, groups)
    assert Counter(encoder.encoded) == Counter(TEXTS)
    assert (report.texts, report.encoded, report.reused) == (200, 200, 0)
    assert report.tokens == sum(len(text.split()) + 2 for text in TEXTS)
    again = encode_missing(space, encoder, [TextGroup([*TEXTS, "a new one"], PLAIN)])
    assert (again.encoded, again.reused) == (1, 200)
    assert encoder.encoded[-1] == "a new one"
    np.testing.assert_array_equal(stored(tmp_path, TEXTS), [encoder.vector(text) for text in TEXTS])


def test_prompts_keep_their_own_vectors(tmp_path):
    encoder = FakeEncoder()
    query, document = TextContext(prompt="query: "), TextContext(prompt="passage: ")
    encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup(["pipe"], query), TextGroup(["pipe"], document)])
    np.testing.assert_array_equal(stored(tmp_path, ["pipe"], query), [encoder.vector("query: pipe")])
    np.testing.assert_array_equal(stored(tmp_path, ["pipe"], document), [encoder.vector("passage: pipe")])


def test_batches_do_not_depend_on_what_is_already_stored(tmp_path):
    # A resumed run cuts the same batches; from those half done only what is missing is encoded.
    whole, part = FakeEncoder(), FakeEncoder()
    encode_missing(VectorSpace(tmp_path / "a", "s"), whole, [TextGroup(TEXTS, PLAIN)], batch_size=7)
    space = VectorSpace(tmp_path / "b", "s")
    done = [text for i, text in enumerate(TEXTS) if i % 3 == 0]
    space.append(text_keys(done, PLAIN), np.stack([part.vector(text) for text in done]))
    encode_missing(space, part, [TextGroup(TEXTS, PLAIN)], batch_size=7)
    assert Counter(part.encoded) == Counter(set(TEXTS) - set(done))
    assert len(part.batches) <= len(whole.batches)


def test_a_fixed_batch_size_is_used(tmp_path):
    encoder = FakeEncoder()
    encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup(TEXTS, PLAIN)], batch_size=32)
    assert sorted(encoder.batches) == [8, 32, 32, 32, 32, 32, 32]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_stop_with_the_text(tmp_path, value):
    encoder = FakeEncoder()
    good = encoder.vector
    encoder.vector = lambda text: np.full(16, value, dtype=np.float32) if text == "bad one" else good(text)
    with pytest.raises(BenchError, match="'bad one'") as caught:
        encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup([*TEXTS, "bad one"], PLAIN)])
    assert "fake" in str(caught.value)


def test_an_error_keeps_what_was_encoded_before_it(tmp_path):
    encoder = FakeEncoder()
    good = encoder.embed

    def embed(texts, context):
        if len(encoder.encoded) >= 100:
            raise RuntimeError("broken")
        return good(texts, context)

    encoder.embed = embed
    space = VectorSpace(tmp_path, "space")
    with pytest.raises(RuntimeError, match="broken"):
        encode_missing(space, encoder, [TextGroup(TEXTS, PLAIN)], batch_size=10)
    encoder.embed = good
    encode_missing(space, encoder, [TextGroup(TEXTS, PLAIN)], batch_size=10)
    assert Counter(encoder.encoded) == Counter(TEXTS)


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path):
    encoder = FakeEncoder(device="cuda")
    good = encoder.embed

    def embed(texts, context):
        if len(texts) > 3:
            raise OutOfMemoryError("CUDA out of memory")
        return good(texts, context)

    encoder.embed = embed
    report = encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup(TEXTS, PLAIN)], batch_size=16)
    assert Counter(encoder.encoded) == Counter(TEXTS)
    assert "memory" in report.batch
    np.testing.assert_array_equal(stored(tmp_path, TEXTS), [encoder.vector(text) for text in TEXTS])


def test_one_text_that_does_not_fit_says_so(tmp_path):
    encoder = FakeEncoder(device="cuda")

    def embed(texts, context):
        raise OutOfMemoryError("CUDA out of memory")

    encoder.embed = embed
    with pytest.raises(BenchError, match="max_seq_length"):
        encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup(["a text"], PLAIN)])


def test_tuning_encodes_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 2)
    encoder = FakeEncoder()
    texts = [f"{i} " + "word " * 400 for i in range(3000)]
    encoder.token_counts = lambda texts, context: np.full(len(texts), 500)
    report = encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup(texts, PLAIN)])
    assert Counter(encoder.encoded) == Counter(texts)
    assert "found on these texts" in report.batch


CHILD = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from support import FakeEncoder
from bench.models.profile import TextContext
from bench.vectors import encode, pipeline
from bench.vectors.store import VectorSpace
from bench.vectors.texts import TextGroup
pipeline.CHUNK_TEXTS = 40
pipeline.usable_cores = lambda: 2
log = open(sys.argv[2], "a", buffering=1)
class Slow(FakeEncoder):
    def embed(self, texts, context):
        vectors = super().embed(texts, context)
        time.sleep(0.002 * len(texts))
        log.write("".join(text.split()[1] + "\\n" for text in texts))
        return vectors
texts = [f"text {{i}} " + "word " * (i % 17) for i in range(200)]
space = VectorSpace(Path(sys.argv[1]), "space")
encode.encode_missing(space, Slow(), [TextGroup(texts, TextContext())], batch_size=5)
"""


@pytest.mark.parametrize("seed", range(3))
def test_kill_at_random_points_loses_at_most_one_chunk_each(tmp_path, seed):
    rng = np.random.default_rng(seed)
    script, log = CHILD.format(tests=str(ROOT / "tests")), tmp_path / "log"
    log.touch()
    command = [sys.executable, "-c", script, str(tmp_path / "store"), str(log)]
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
        before, wanted = len(log.read_text().split()), int(rng.integers(5, 90))
        while process.poll() is None and len(log.read_text().split()) - before < wanted:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    encoded = Counter(log.read_text().split())
    assert set(encoded) == {str(i) for i in range(200)}
    assert sum(encoded.values()) <= 200 + kills * 40
    np.testing.assert_array_equal(stored(tmp_path / "store", TEXTS), [FakeEncoder().vector(text) for text in TEXTS])


def test_a_chunk_closes_before_more_than_its_size_can_be_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "CHUNK_TEXTS", 50)
    space = VectorSpace(tmp_path, "space")
    encode_missing(space, FakeEncoder(), [TextGroup(TEXTS, PLAIN)], batch_size=4)
    sizes = [len(chunk) for chunk in space._chunks]
    assert sum(sizes) == 200
    assert max(sizes) <= 50
    assert len(sizes) >= 4


def test_batches_that_are_done_when_another_fails_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 1)
    encoder = FakeEncoder()
    good = encoder.vector
    # The shortest text comes last; all batches before it are good.
    encoder.vector = lambda text: np.full(16, np.nan, dtype=np.float32) if text == "x" else good(text)
    with pytest.raises(BenchError, match="'x'"):
        encode_missing(VectorSpace(tmp_path, "space"), encoder, [TextGroup([*TEXTS, "x"], PLAIN)], batch_size=10)
    np.testing.assert_array_equal(stored(tmp_path, TEXTS), [good(text) for text in TEXTS])
