"""Damage to trained models is found before they are used: made again by training, refused elsewhere."""

from __future__ import annotations

import logging
import os

import pytest

from bench.errors import BenchError
from bench.models.source import locate
from bench.training.make import make
from bench.training.store import damaged_files


class Notes:
    def __getattr__(self, name):
        return lambda *_: None


def train(workshop):
    prepared = workshop.prepared()
    make(prepared, workshop.find, (), Notes(), "cpu")
    return prepared


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path):
    status, held = path.stat(), bytearray(path.read_bytes())
    held[-1] ^= 1
    path.write_bytes(bytes(held))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


DAMAGE = {
    "model/model.safetensors": lambda folder: flip(folder / "model" / "model.safetensors"),
    "model/sentence_bert_config.json": lambda folder: (folder / "model" / "sentence_bert_config.json").unlink(),
    "model/tokenizer.json": lambda folder: os.truncate(folder / "model" / "tokenizer.json", 50),
    "recipe.json": lambda folder: flip(folder / "recipe.json"),
    "files.json": lambda folder: (folder / "files.json").write_text("{"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_refused_and_trained_again(workshop, name, caplog):
    prepared = train(workshop)
    whole = content(prepared.made)
    assert locate(prepared.entry, download=False).path == prepared.made
    DAMAGE[name](prepared.folder)
    with pytest.raises(BenchError, match=f"damaged: {name}") as caught:
        locate(prepared.entry, download=False)
    assert "bench train made" in str(caught.value.hint)
    with caplog.at_level(logging.WARNING):
        train(workshop)
    assert f"damaged: {name}" in caplog.text
    weights = {name: held for name, held in content(prepared.made).items() if name.endswith("safetensors")}
    assert weights == {name: held for name, held in whole.items() if name.endswith("safetensors")}
    assert content(prepared.made).keys() == whole.keys()
    assert locate(prepared.entry, download=False).path == prepared.made


def test_an_added_file_is_removed_without_training_again(workshop, caplog):
    prepared = train(workshop)
    created = (prepared.folder / "recipe.json").read_bytes()
    (prepared.made / "adapter_config.json").write_text("{}")
    with caplog.at_level(logging.WARNING):
        train(workshop)
    assert "adapter_config.json was added" in caplog.text
    assert not (prepared.made / "adapter_config.json").exists()
    assert (prepared.folder / "recipe.json").read_bytes() == created


@pytest.mark.parametrize("broken", [False, True])
def test_a_model_of_an_earlier_version_is_held_to_its_record(workshop, broken, caplog):
    prepared = train(workshop)
    created = (prepared.folder / "recipe.json").read_bytes()
    (prepared.folder / "files.json").unlink()
    if broken:
        flip(prepared.made / "model.safetensors")
    with pytest.raises(BenchError, match="no list of its files"):
        locate(prepared.entry, download=False)
    train(workshop)
    assert (prepared.folder / "files.json").exists()
    assert damaged_files(prepared) == []
    assert ((prepared.folder / "recipe.json").read_bytes() == created) != broken
    assert ("damaged: model.safetensors" in caplog.text) == broken
