from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.models.profile import TextContext
from bench.vectors.store import VectorSpace, clear_space, keys_from_bytes, keys_to_bytes, space_sizes, text_keys

PLAIN = TextContext()


def filled(root: Path, texts: list[str], width: int = 4) -> tuple[VectorSpace, np.ndarray]:
    space = VectorSpace(root, "space")
    matrix = np.arange(len(texts) * width, dtype=np.float32).reshape(-1, width)
    space.append(text_keys(texts, PLAIN), matrix)
    return space, matrix


@given(st.lists(st.text(), unique=True, max_size=20))
def test_keys_tell_texts_apart_and_survive_bytes(texts):
    keys = text_keys(texts, PLAIN)
    assert len(set(keys.to_pylist())) == len(texts)
    assert keys_from_bytes(keys_to_bytes(keys)).equals(keys)


def test_prompt_task_and_batching_are_part_of_a_key():
    settings = [{}, {"prompt": "query: "}, {"task": "query"}, {"task": "document"}, {"batching": "single"}]
    assert len({text_keys(["pipe"], TextContext(**given))[0].as_py() for given in settings}) == 5
    # The border between prompt and text counts: "ab" + "c" is not "a" + "bc".
    assert text_keys(["c"], TextContext(prompt="ab")) != text_keys(["bc"], TextContext(prompt="a"))


def test_vectors_come_back_in_the_order_asked_for(tmp_path):
    space, matrix = filled(tmp_path, ["a", "b", "c"])
    space.append(text_keys(["d"], PLAIN), np.full((1, 4), 9, dtype=np.float32))
    vectors = space.vectors(text_keys(["d", "b", "a", "b"], PLAIN))
    assert vectors.width == 4
    np.testing.assert_array_equal(vectors.all(), [[9, 9, 9, 9], matrix[1], matrix[0], matrix[1]])
    np.testing.assert_array_equal(vectors.rows(np.array([1])), matrix[1:2])


@given(st.integers(1, 7))
def test_blocks_cover_every_row_once_with_its_vector(size):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        space, _ = filled(Path(folder), ["a", "b", "c", "d", "e"])
        space.append(text_keys(["f"], PLAIN), np.full((1, 4), 9, dtype=np.float32))
        vectors = space.vectors(text_keys(["f", "c", "a", "e", "b", "d", "a"], PLAIN))
        whole = vectors.all()
        seen = []
        for rows, block in vectors.blocks(size):
            assert len(rows) <= size
            np.testing.assert_array_equal(block, whole[rows])
            seen += rows.tolist()
        assert sorted(seen) == list(range(7))


def test_missing_vectors_are_an_error_and_located_as_minus_one(tmp_path):
    space, _ = filled(tmp_path, ["a"])
    assert space.locate(text_keys(["x", "a"], PLAIN)).tolist() == [-1, 0]
    with pytest.raises(BenchError, match="1 of 2 vectors"):
        space.vectors(text_keys(["x", "a"], PLAIN))


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_file_is_found_and_removed(tmp_path, damage):
    space, _ = filled(tmp_path, ["a", "b"])
    space.append(text_keys(["c"], PLAIN), np.ones((1, 4), dtype=np.float32))
    victim = space.folder / f"{space._names[0]}.arrow"
    content = bytearray(victim.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    victim.write_bytes({"flip": bytes(content), "truncate": bytes(content[:-7]), "empty": b""}[damage])
    again = VectorSpace(tmp_path, "space")
    again.refresh()
    assert again.damaged == [victim.name]
    assert not victim.exists()
    assert (again.locate(text_keys(["a", "b", "c"], PLAIN)) >= 0).tolist() == [False, False, True]


def test_two_writers_lose_nothing(tmp_path):
    # Both write the same text too; each sees the other's chunk after a refresh.
    first, second = VectorSpace(tmp_path, "space"), VectorSpace(tmp_path, "space")
    first.append(text_keys(["a", "b"], PLAIN), np.ones((2, 4), dtype=np.float32))
    second.append(text_keys(["b", "c"], PLAIN), np.ones((2, 4), dtype=np.float32))
    first.refresh()
    assert (first.locate(text_keys(["a", "b", "c"], PLAIN)) >= 0).all()


def test_the_lock_lets_one_encode_at_a_time(tmp_path):
    space = VectorSpace(tmp_path, "space")
    order: list[str] = []
    waiting = threading.Event()

    def other() -> None:
        with VectorSpace(tmp_path, "space").lock(waiting.set):
            order.append("second")

    thread = threading.Thread(target=other)
    with space.lock(lambda: None):
        thread.start()
        assert waiting.wait(600)
        order.append("first")
    thread.join(600)
    assert order == ["first", "second"]


def test_sizes_and_clearing(tmp_path):
    space, _ = filled(tmp_path, ["a"])
    (size,) = space_sizes(tmp_path)
    assert (size.fingerprint, size.files) == ("space", 1)
    assert size.bytes == next(space.folder.glob("*.arrow")).stat().st_size
    assert clear_space(space.folder, lambda: None) >= size.bytes
    assert space_sizes(tmp_path) == []


def test_a_file_that_cannot_be_read_just_now_is_not_deleted(tmp_path, monkeypatch):
    import errno

    import pyarrow as pa

    space, _ = filled(tmp_path, ["a"])

    def no_memory(path):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(pa, "memory_map", no_memory)
    again = VectorSpace(tmp_path, "space")
    with pytest.raises(BenchError, match="Cannot allocate memory"):
        again.refresh()
    assert len(list(space.folder.glob("*.arrow"))) == 1
