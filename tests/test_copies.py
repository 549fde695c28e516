"""Nothing that a link or a name leads to outside of a folder is read as its own, copied, or written to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from gate_results import BEFORE, FULL, write_quality
from hub_folders import fill_hub_cache
from model_folders import adapter, retype
from support import make_model, make_transformer, random_beir, write_hub, write_jsonl

from bench.cli import run_cli
from bench.errors import BenchError
from bench.models.built import built_root
from bench.models.loading import load_encoder
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate
from bench.publish.folder import publish_model
from bench.results.copying import copy_records
from bench.results.store import ResultStore
from bench.tasks.catalog import read_card
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import load_mteb

SECRET = "a private word"

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def secret(tmp_path):
    """A private folder and file; nothing of it may appear elsewhere, and nothing may be added to it."""
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "key").write_text(SECRET)
    yield folder / "key"
    assert {path.name for path in folder.iterdir()} <= {"key", "config.json"}
    leaks = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and folder not in path.parents
        and SECRET.encode() in path.read_bytes()
    ]
    assert leaks == []


def publish(model: Path, out: Path) -> None:
    publish_model(ModelEntry(name="mini", source=[str(model)]), Located(model, str(model), "folder"), [], out)


def linked(file: Path, target: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    file.symlink_to(target)


@pytest.mark.parametrize(
    "name", ["LICENSE", "LICENSE.txt", "NOTICE.md", "LICENCE", "vocab.txt", "extra.txt", "chat_template.jinja"]
)
@pytest.mark.parametrize("relative", [False, True])
def test_an_export_takes_nothing_from_behind_a_link(tiny_model, tmp_path, secret, name, relative):
    linked(tiny_model / name, Path("../private/key") if relative else secret)
    with pytest.raises(BenchError) as caught:
        publish(tiny_model, tmp_path / "out")
    assert name in caught.value.message
    assert "a link that leads out of the folder" in caught.value.message
    assert caught.value.where == "model `mini`"
    assert not (tmp_path / "out").exists()


def test_an_export_takes_no_folder_from_behind_a_link(tiny_model, tmp_path, secret):
    (tiny_model / "docs").symlink_to(secret.parent)
    with pytest.raises(BenchError, match="docs/key"):
        publish(tiny_model, tmp_path / "out")


def test_a_private_configuration_is_not_exported(tiny_model, tmp_path, secret):
    shutil.move(tiny_model / "config.json", secret.parent / "config.json")
    linked(tiny_model / "config.json", secret.parent / "config.json")
    with pytest.raises(BenchError, match=r"'config\.json' is, or lies behind, a link"):
        publish(tiny_model, tmp_path / "out")


def test_the_terms_of_a_base_are_no_links_either(tmp_path, secret):
    base = make_transformer(tmp_path / "base")
    folder = adapter(tmp_path / "adapter", base)
    linked(base / "LICENSE", secret)
    with pytest.raises(BenchError, match="LICENSE"):
        publish(folder, tmp_path / "out")


def test_links_in_the_folder_and_in_the_hubs_cache_are_exported(tiny_model, tmp_path):
    (tiny_model / "TERMS").write_text("terms")
    linked(tiny_model / "LICENSE", Path("TERMS"))
    snapshot = fill_hub_cache(tmp_path / "hub", "acme/mini", tiny_model)
    for number, folder in enumerate((tiny_model, snapshot)):
        publish(folder, tmp_path / f"out{number}")
        assert (tmp_path / f"out{number}" / "LICENSE").read_text() == "terms"
        assert not any(path.is_symlink() for path in (tmp_path / f"out{number}").rglob("*"))


def drawn(folder: Path) -> None:
    entry = ModelEntry(name="m", source=[str(folder)], weights="random", device="cpu")
    load_encoder(entry, locate(entry, download=False))


@pytest.mark.parametrize("path", ["../private", "PRIVATE", "x/../../private", "..", "1_Pooling/../../private"])
@pytest.mark.parametrize("module", [0, 1])
def test_drawn_weights_stay_in_the_cache(tiny_model, secret, path, module):
    path = str(secret.parent) if path == "PRIVATE" else path
    retype(tiny_model, lambda entries: entries[module].update(path=path))
    with pytest.raises(BenchError, match="outside of the model's folder"):
        drawn(tiny_model)
    assert not built_root().exists()


def test_drawn_weights_are_not_written_behind_a_link(tiny_model, secret):
    shutil.copy(tiny_model / "config.json", secret.parent)
    (tiny_model / "0_T").symlink_to(secret.parent)
    retype(tiny_model, lambda entries: entries[0].update(path="0_T"))
    with pytest.raises(BenchError, match=r"'0_T' is outside of the model's folder: .*a link that leads out"):
        drawn(tiny_model)


@pytest.mark.parametrize("name", ["extra.txt", "vocab.txt", "LICENSE-2"])
def test_drawn_models_copy_no_links(tiny_model, secret, name):
    linked(tiny_model / name, secret)
    with pytest.raises(BenchError, match="a link that leads out"):
        drawn(tiny_model)


def test_drawn_models_of_the_hubs_cache(tiny_model, tmp_path):
    drawn(fill_hub_cache(tmp_path / "hub", "acme/mini", tiny_model))


def test_shards_behind_links_are_refused(tmp_path, secret):
    from model_folders import sharded

    folder = sharded(tmp_path / "m")
    shard = next(folder.glob("model-*.safetensors"))
    shutil.move(shard, tmp_path / "elsewhere")
    shard.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match=shard.name):
        locate(ModelEntry(name="m", source=[str(folder)]), download=False)


def test_results_are_not_copied_from_behind_links(tmp_path, secret):
    import numpy as np

    write_quality(tmp_path / "results", {FULL: np.linspace(0, 1, 8)}, created=BEFORE)
    [(record, _)] = ResultStore(tmp_path / "results").records()
    linked(record.with_suffix(".parquet"), secret)
    with pytest.raises(BenchError, match="a link that leads out"):
        copy_records([record], tmp_path / "results", tmp_path / "baseline")


def test_results_are_not_copied_to_behind_links(tmp_path, secret):
    import numpy as np

    write_quality(tmp_path / "results", {FULL: np.linspace(0, 1, 8)}, created=BEFORE)
    [(record, _)] = ResultStore(tmp_path / "results").records()
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "quality").symlink_to(secret.parent)
    with pytest.raises(BenchError, match="a link that leads out"):
        copy_records([record], tmp_path / "results", tmp_path / "baseline")


def test_files_that_a_readme_names_are_no_links_out(tmp_path):
    rows = [{"sentence1": "a", "sentence2": "b", "score": 1.0}] * 3
    hub = write_hub(tmp_path / "hub", {"default": {"test": rows}})
    file = hub / "default" / "test.jsonl"
    shutil.move(file, tmp_path / "elsewhere.jsonl")
    file.symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(BenchError, match="a link that leads out of the folder"):
        load_mteb(definition("STSBenchmark"), hub, "test", "default")


def test_a_task_that_mteb_reads_itself(tmp_path):
    hub = write_hub(tmp_path / "hub", {"default": {"test": [{"text": "a", "label": 1}] * 3}})
    file = hub / "default" / "test.jsonl"
    shutil.move(file, tmp_path / "elsewhere.jsonl")
    file.symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(BenchError, match="a link that leads out of the folder"):
        load_mteb(definition("Banking77Classification"), hub, "test", "default")


def test_files_that_a_card_names_are_no_links_out(tmp_path):
    write_jsonl(tmp_path / "elsewhere.jsonl", [{"a": "x", "b": "y", "s": 1.0}] * 3)
    folder = tmp_path / "tasks" / "talk"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    (folder / "task.yaml").write_text(
        "name: talk\ntype: sts\ntable:\n  shape: pairs\n  files: {test: 'rows.*'}\n"
        "  columns: {sentence1: a, sentence2: b, score: s}\n"
    )
    with pytest.raises(BenchError, match="a link that leads out of the folder"):
        read_card(folder / "task.yaml").units()[0].data()


def test_a_users_own_links_are_followed(tmp_path, monkeypatch, capsys):
    """The card's `path`, and the files of a layout, which no file names, may lie anywhere."""
    shop = random_beir(tmp_path / "disk" / "shop")
    folder = tmp_path / "tasks" / "shop"
    folder.mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels"):
        (folder / name).symlink_to(shop / name)
    (folder / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    monkeypatch.chdir(tmp_path)
    assert run_cli(["tasks", "check", "shop"]) == 0
    (folder / "task.yaml").write_text("name: shop\ntype: retrieval\npath: ../../disk/shop\n")
    assert run_cli(["tasks", "check", "shop"]) == 0
    assert json.loads((shop / "corpus.jsonl").read_text().splitlines()[0])


def test_weights_on_another_disk_are_loaded(tiny_model, tmp_path):
    """A link that a user makes of a file that no file names: it is read, and not exported."""
    shutil.move(tiny_model / "model.safetensors", tmp_path / "disk")
    (tiny_model / "model.safetensors").symlink_to(tmp_path / "disk")
    entry = ModelEntry(name="m", source=[str(tiny_model)], device="cpu")
    load_encoder(entry, locate(entry, download=False))
    with pytest.raises(BenchError, match=r"'model\.safetensors' is, or lies behind, a link"):
        publish(tiny_model, tmp_path / "out")
    assert make_model(tmp_path / "other").is_dir()
