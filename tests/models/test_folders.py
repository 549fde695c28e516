"""Folders of every layout: their vectors, and what happens when one of their files is gone or damaged."""

from __future__ import annotations

import numpy as np
import pytest
from model_folders import MAKERS, TEXTS, configure, copied, load, reference, vectors

from bench.errors import BenchError
from bench.models.folders.folder import ModelFolder
from bench.models.profile import TextContext

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90\n"
DAMAGES = {
    "removed": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "a Git LFS pointer": lambda file: file.write_text(POINTER),
}
# The file or folder that an error must name when a file is removed that a whole group could stand for.
GROUPS = {"model.safetensors": "no weights in", "tokenizer.json": "no tokenizer in"}


@pytest.fixture(scope="module", params=MAKERS)
def made(request, tmp_path_factory):
    return MAKERS[request.param](tmp_path_factory.mktemp("made") / "model")


def test_vectors_are_those_of_sentence_transformers(made):
    # model2vec's own folders have a reference of their own.
    if ModelFolder(made, "m").config.get("model_type") != "model2vec":
        np.testing.assert_allclose(vectors(made), reference(made), atol=1e-6)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_changes_nothing_or_is_named(made, tmp_path, damage):
    right = vectors(made)
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        folder = copied(made, tmp_path / "copy")
        name = file.relative_to(made)
        DAMAGES[damage](folder / name)
        try:
            found = load(folder).embed(TEXTS, TextContext())
        except BenchError as error:
            words = str(error)
            named = name.name in words or str((folder / name).parent) in words
            assert named, f"{name} {damage}: {words}"
            assert error.hint, f"{name} {damage}: {words}"
        else:
            np.testing.assert_allclose(found, right, atol=1e-6, err_msg=f"{name} {damage}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n "b": }', "config.json, line 2: broken JSON: Expecting value"),
        ("[1]", "config.json: expected a JSON object, found list"),
        ("\ufeff{}", "config.json, line 1: broken JSON"),
        ("[" * 100_000, "config.json: JSON nested too deeply"),
    ],
)
def test_broken_json_is_named_with_its_line(tiny_model, text, words):
    (tiny_model / "config.json").write_text(text)
    with pytest.raises(BenchError, match=words) as caught:
        load(tiny_model)
    assert str(tiny_model / "config.json") in caught.value.message
    assert caught.value.where == "model `m`"


def test_text_that_is_not_utf_8(tiny_model):
    (tiny_model / "config.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(BenchError, match=r"config\.json: not UTF-8 text"):
        load(tiny_model)


@pytest.mark.parametrize("path", ["../tiny-other", "/etc", "a\\b", "1_Pooling/../.."])
def test_a_module_outside_of_the_folder_is_refused(tiny_model, path):
    import json

    entries = json.loads((tiny_model / "modules.json").read_text())
    entries[1]["path"] = path
    (tiny_model / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(BenchError, match="is outside of the model's folder"):
        load(tiny_model)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("word_embedding_dimension", None, "1_Pooling/config.json: the key `embedding_dimension` is missing"),
        ("model_type", None, "config.json: the key `model_type` is missing"),
    ],
)
def test_missing_keys_are_named(tiny_model, key, value, words):
    file = tiny_model / ("1_Pooling/config.json" if "Pooling" in words else "config.json")
    configure(file, **{key: value, "embedding_dimension": None})
    with pytest.raises(BenchError, match=words):
        load(tiny_model)
