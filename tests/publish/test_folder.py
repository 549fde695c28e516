from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from sentence_transformers import SentenceTransformer
from support import quality_record

from bench.errors import BenchError, UsageError
from bench.models.fingerprint import fingerprint
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.publish.folder import check_free, publish_model

pytestmark = pytest.mark.usefixtures("one_thread")


def publish(model, folder, records=(), **settings):
    entry = ModelEntry(name="mini", source=[str(model)], **settings)
    numbered = [(Path(f"{number}.json"), record) for number, record in enumerate(records)]
    return publish_model(entry, Located(model, str(model), "folder"), numbered, folder)


def left_over(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_that_stands_by_itself(tiny_model, tmp_path):
    (tiny_model / "LICENSE.txt").write_text("terms")
    entry = ModelEntry(name="mini", source=["x"], max_seq_length=5)
    identity = fingerprint(entry, tiny_model).model
    records = [quality_record(fingerprint=identity, views={(32, "float32"): 0.5, (8, "int8"): 0.25})]
    written = publish(tiny_model, tmp_path / "a" / "out", records, max_seq_length=5)
    assert (written.fingerprint, written.cells) == (identity, 2)
    out = tmp_path / "a" / "out"
    assert left_over(out.parent) == ["out"]
    assert (out / "LICENSE.txt").read_text() == "terms"
    assert len(ModelCard.load(out / "README.md").data.eval_results) == 2
    texts = ["red pipe", "nail " * 60]
    full = SentenceTransformer(str(out), device="cpu").encode(texts)
    cut = SentenceTransformer(str(out), device="cpu", truncate_dim=8).encode(texts, normalize_embeddings=True)
    expected = full[:, :8] / np.linalg.norm(full[:, :8], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_what_is_written_can_be_read_by_whom_other_files_can(tiny_model, tmp_path):
    before = os.umask(0o022)
    try:
        publish(tiny_model, tmp_path / "out")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_an_empty_folder_and_a_link_to_one_are_filled(tiny_model, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    publish(tiny_model, tmp_path / "link")
    assert (tmp_path / "empty" / "modules.json").exists()


def test_what_was_written_can_be_written_again(tiny_model, tmp_path):
    publish(tiny_model, tmp_path / "one", prompts={"query": "red : "})
    publish(tmp_path / "one", tmp_path / "two")
    one, two = (SentenceTransformer(str(tmp_path / name), device="cpu") for name in ("one", "two"))
    np.testing.assert_array_equal(one.encode_query("pipe"), two.encode_query("pipe"))


def test_a_place_that_is_taken_is_refused(tiny_model, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, words in (("full", "the folder is not empty"), ("file", "there is a file of this name")):
        with pytest.raises(UsageError, match=words) as caught:
            publish(tiny_model, tmp_path / name)
        assert "not there yet" in caught.value.hint
    check_free(tmp_path / "nothing")
    assert left_over(tmp_path / "full") == ["x"]


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", fail)
    with pytest.raises(BenchError, match="cannot read: Permission denied"):
        check_free(tmp_path)


def test_below_a_file_nothing_can_be_written(tiny_model, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BenchError, match="cannot write") as caught:
        publish(tiny_model, tmp_path / "file" / "out")
    assert "a file stands where a folder is needed" in caught.value.hint


def test_nothing_is_left_of_what_failed(tiny_model, tmp_path, monkeypatch):
    before = left_over(tmp_path)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SentenceTransformer, "save_pretrained", full)
    with pytest.raises(BenchError, match="No space left") as caught:
        publish(tiny_model, tmp_path / "out")
    assert "the disk is full" in caught.value.hint
    (tiny_model / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(BenchError, match="is no safetensors file"):
        publish(tiny_model, tmp_path / "out")
    assert left_over(tmp_path) == before


def test_files_that_change_meanwhile_are_not_published(tiny_model, tmp_path, monkeypatch):
    from bench.models import loading

    load = loading.load_transformer

    def change(entry, located):
        (located.path / "config.json").write_text((located.path / "config.json").read_text() + " ")
        return load(entry, located)

    monkeypatch.setattr(loading, "load_transformer", change)
    with pytest.raises(BenchError, match="changed while bench was running"):
        publish(tiny_model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
