from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.models.profile import ModelProfile, TextContext
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


def test_any_flipped_bit_of_a_chunk_is_found(tmp_path):
    space, matrix = filled(tmp_path, [f"text {row}" for row in range(20)])
    (path,) = space.folder.glob("*.arrow")
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        again = VectorSpace(tmp_path, "space")
        again.refresh()
        assert (again.damaged, path.exists()) == ([path.name], False)
    path.write_bytes(whole)
    again.refresh()
    np.testing.assert_array_equal(again.vectors(text_keys(["text 3"], PLAIN)).all(), matrix[3:4])


def test_a_chunk_of_a_terabyte_is_refused_unread(tmp_path):
    space, _ = filled(tmp_path, ["a"])
    (path,) = space.folder.glob("*.arrow")
    os.truncate(path, 1 << 40)
    with pytest.raises(BenchError, match="too large"):
        VectorSpace(tmp_path, "space").refresh()
    assert path.exists()


def test_chunks_of_another_model_or_of_no_model_are_not_taken(tmp_path):
    import hashlib

    import pyarrow as pa

    space, _ = filled(tmp_path, ["a"])
    other = VectorSpace(tmp_path, "other")
    other.append(text_keys(["b"], PLAIN), np.ones((1, 4), dtype=np.float32))
    (moved,) = other.folder.glob("*.arrow")
    (space.folder / moved.name).write_bytes(moved.read_bytes())
    strangers = [b"text", b""]
    for table in [pa.table({"key": ["x"], "vector": [1.0]}), pa.table({"x": [1]})]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        strangers.append(sink.getvalue().to_pybytes())
    for content in strangers:
        (space.folder / f"{hashlib.blake2b(content, digest_size=16).hexdigest()}.arrow").write_bytes(content)
    again = VectorSpace(tmp_path, "space")
    again.refresh()
    assert len(again.damaged) == 1 + len(strangers)
    assert again.locate(text_keys(["a", "b"], PLAIN)).tolist() == [0, -1]


def test_chunks_of_earlier_versions_are_read(tmp_path):
    import pyarrow as pa

    space, matrix = filled(tmp_path, ["a", "b"])
    (path,) = space.folder.glob("*.arrow")
    table = pa.ipc.open_file(path.read_bytes()).read_all().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    import hashlib

    content = sink.getvalue().to_pybytes()
    path.unlink()
    (space.folder / f"{hashlib.blake2b(content, digest_size=16).hexdigest()}.arrow").write_bytes(content)
    again = VectorSpace(tmp_path, "space")
    again.refresh()
    np.testing.assert_array_equal(again.vectors(text_keys(["b"], PLAIN)).all(), matrix[1:2])


PROFILE = ModelProfile(
    width=4, similarity="cosine", prompts={"query": "find: "}, default_prompt=None, role_matters=False, parameters=1,
    weight_bytes=4, max_seq_length=48, pooling="mean", padding_side="right",
)  # fmt: skip


def test_any_flipped_bit_of_a_profile_or_of_the_names_is_found_and_none_is_believed(tmp_path):
    space, _ = filled(tmp_path, ["a"])
    for name, known in (("profile.json", lambda space: space.profile()), ("names.json", None)):
        space.save_profile(PROFILE, "model")
        path = space.folder / name
        whole = path.read_bytes()
        for place in range(0, len(whole), 3):
            for bit in range(8):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
                again = VectorSpace(tmp_path, "space")
                if known is not None:
                    assert known(again) in (None, PROFILE)
                again.refresh()
                # White space may be another without a change of content.
                assert again.damaged == ([] if path.exists() else [name])
                if path.exists() and known is not None:
                    assert known(again) == PROFILE


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"digest": "", "value": {}}', b"[" * 99999]
)
def test_small_files_that_are_something_else_are_found_and_healed(tmp_path, content):
    space, _ = filled(tmp_path, ["a"])
    for name in ("profile.json", "names.json", "batch_size.json"):
        (space.folder / name).write_bytes(content)
    again = VectorSpace(tmp_path, "space")
    again.refresh()
    assert sorted(again.damaged) == ["batch_size.json", "names.json", "profile.json"]
    again.save_profile(PROFILE, "model")
    assert VectorSpace(tmp_path, "space").profile() == PROFILE
    assert space_sizes(tmp_path)[0].names == "model"


def test_a_profile_of_an_earlier_version_is_found_out_again(tmp_path):
    space, _ = filled(tmp_path, ["a"])
    (space.folder / "profile.json").write_text(PROFILE.model_dump_json())
    assert space.profile() is None
    assert space.damaged == []
